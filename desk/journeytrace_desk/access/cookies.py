"""What a browser keeps for us, signed so that nobody else can have written it."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from aiohttp import web
from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey

from journeytrace_collector.errors import ConfigError, StartError
from journeytrace_collector.settings import Settings
from journeytrace_collector.settings.files import read_file
from journeytrace_collector.settings.types import check_secret

__all__ = ["KEY_FILE", "Signer", "drop", "keys_of", "put"]

KEY_FILE: Final = "desk-key"
_FEWEST_CHARACTERS: Final = 32
_MOST_BYTES: Final = 4_000
"""Of a cookie: browsers silently drop one of more than 4,096, its name and attributes included."""


class Signer:
    """Signs what a cookie holds; what one kind of cookie says is no other's."""

    def __init__(self, keys: Sequence[str]) -> None:
        """Sign with the first of these, and believe all of them."""
        self._keys = {sha256(key.encode()).hexdigest()[:16]: OctKey.import_key(key) for key in keys}
        self._newest = next(iter(self._keys))

    def sign(self, kind: str, content: Mapping[str, Any]) -> str:
        """Give the value of a cookie. Raises `ValueError`: it is too long for browsers."""
        header = {"alg": "HS256", "kid": self._newest, "typ": kind}
        value = jwt.encode(header, dict(content), self._keys[self._newest], ["HS256"])
        if len(value) > _MOST_BYTES:
            raise ValueError(f"a cookie of {len(value)} bytes is more than browsers keep")
        return value

    def read(self, kind: str, value: str) -> dict[str, Any] | None:
        """Give what a cookie holds; None: it was not signed here, or is of another kind."""
        if len(value) > _MOST_BYTES:
            return None
        try:
            header = jws.extract_compact(value.encode()).headers()
            key = self._keys[header["kid"]]
            token = jwt.decode(value, key, ["HS256"])
        except (JoseError, ValueError, TypeError, KeyError, RecursionError):
            return None
        return token.claims if token.header.get("typ") == kind else None


def put(response: web.StreamResponse, name: str, value: str) -> None:
    """Let a browser keep a cookie, for this very host, for no script, and never in the clear."""
    _set(response, f"{name}={value}")


def drop(response: web.StreamResponse, name: str) -> None:
    """Let a browser forget a cookie."""
    _set(response, f"{name}=; Max-Age=0")


def _set(response: web.StreamResponse, what: str) -> None:
    # aiohttp's own way comes too late for an answer that is about to leave.
    response.headers.add("Set-Cookie", f"{what}; Path=/; Secure; HttpOnly; SameSite=Lax")


def keys_of(settings: Settings) -> list[str]:
    """Read the keys that sign; at the first start one is made, unless the settings name a file.

    Raises:
        ConfigError: the file that they name holds no keys.
        StartError: the data folder takes none.
    """
    file = settings.desk_access.key_file
    if file is not None:
        return _read("desk_access.key_file", file)
    made = settings.data / KEY_FILE
    try:
        settings.data.mkdir(mode=0o700, parents=True, exist_ok=True)
        _make(made)
    except FileExistsError:
        pass
    except OSError as error:
        raise StartError(
            f"{made}: cannot be written: {error.strerror}; or name a file: desk_access.key_file"
        ) from error
    try:
        check_secret(made)
    except ValueError as error:
        raise StartError(f"the key of the desk: {error}") from None
    return _read("the key of the desk", made)


def _make(file: Path) -> None:
    """Write a new key, whole or not at all."""
    beside = file.with_name(f"{file.name}.{os.getpid()}")
    written = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        os.fchmod(written, 0o600)
        os.write(written, f"{secrets.token_urlsafe(48)}\n".encode())
        os.fsync(written)
        os.link(beside, file)
    finally:
        os.close(written)
        beside.unlink()


def _read(what: str, file: Path) -> list[str]:
    lines = read_file(what, file).split()
    if not lines or any(len(line) < _FEWEST_CHARACTERS for line in lines):
        raise ConfigError(
            f"{what}: {file} must hold keys, one a line, each of {_FEWEST_CHARACTERS} or more"
            " characters: `openssl rand -hex 32` makes one"
        )
    return lines
