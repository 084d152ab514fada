"""Public keys of somebody who signs, from a file or an address; asked for again as they change."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, Final

import msgspec
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey, import_key

from journeytrace_collector.clock import Clock
from journeytrace_desk.access.fetching import AwayError, Fetching

__all__ = ["Keys", "PublicKey", "from_file", "from_url"]

_log = logging.getLogger(__name__)

PublicKey = RSAKey | ECKey
Load = Callable[[], Awaitable[Mapping[str, Any]]]
"""Gives a JWKS. Raises `AwayError`."""

_FRESH: Final = 3_600 * 10**9
"""After so long keys are asked for again: one that was withdrawn is not believed for ever."""
_PAUSE: Final = 10 * 10**9
"""Between two attempts, so that nobody lets us ask a provider by inventing keys."""


class Keys:
    """Knows keys by their id, `kid`."""

    def __init__(self, load: Load, clock: Clock) -> None:
        self._load = load
        self._clock = clock
        self._known: dict[str | None, PublicKey] = {}
        self._loaded: int | None = None
        self._tried: int | None = None
        self._failed: AwayError | None = None
        self._loading = asyncio.Lock()

    async def find(self, kid: str | None) -> PublicKey | None:
        """Give a key; None: there is none of this id. Without one: the only key that there is.

        Raises:
            AwayError: nobody can tell.
        """
        found = self._find(kid)
        # Whoever shows a key that is known does not wait for those who show another.
        if found is None or (self._is_old() and not self._loading.locked()):
            async with self._loading:
                if self._is_due(kid):
                    await self._try()
            found = self._find(kid)
            if found is None and self._failed is not None:
                raise self._failed
        return found

    def _find(self, kid: str | None) -> PublicKey | None:
        if kid is None and len(self._known) == 1:
            return next(iter(self._known.values()))
        return self._known.get(kid)

    def _is_due(self, kid: str | None) -> bool:
        now = self._clock()
        if self._tried is not None and now - self._tried < _PAUSE:
            return False
        return self._is_old() or self._find(kid) is None

    def _is_old(self) -> bool:
        return self._loaded is None or self._clock() - self._loaded >= _FRESH

    async def _try(self) -> None:
        self._tried = self._clock()
        try:
            self._known = _read(await self._load())
        except AwayError as error:
            _log.warning("the keys of who signs cannot be had: %s", error)
            self._failed = error
        else:
            self._loaded, self._failed = self._tried, None


def from_url(url: str, fetching: Fetching) -> Load:
    """Ask for keys at an address."""

    async def load() -> Mapping[str, Any]:
        status, found = await fetching.json(url)
        if status != 200:
            raise AwayError(f"{url}: answered {status}")
        return found

    return load


def from_file(path: Path) -> Load:
    """Read keys from a file, which may be replaced."""

    async def load() -> Mapping[str, Any]:
        try:
            text = await asyncio.to_thread(path.read_bytes)
            return msgspec.json.decode(text, type=dict[str, Any])
        except (OSError, msgspec.DecodeError, RecursionError) as error:
            raise AwayError(f"{path}: {error}") from error

    return load


def _read(found: Mapping[str, Any]) -> dict[str | None, PublicKey]:
    """Take the keys that can check signatures; others may stand beside them."""
    listed = found.get("keys")
    if not isinstance(listed, list):
        raise AwayError("what should be a JWKS has no list of keys")
    known: dict[str | None, PublicKey] = {}
    for data in listed:
        # A secret among them would make whoever can read it somebody who signs.
        if not isinstance(data, dict) or str(data.get("kty")) not in {"RSA", "EC"}:
            continue
        if data.get("use", "sig") != "sig":
            continue
        try:
            key = import_key(data)
        except (JoseError, ValueError, TypeError, KeyError) as error:
            _log.warning("a key of a JWKS is of no use: %s", error)
            continue
        if isinstance(key, RSAKey | ECKey):
            known[data["kid"] if isinstance(data.get("kid"), str) else None] = key
    return known
