"""Checks what somebody else has signed about a person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from joserfc import jws, jwt
from joserfc.errors import JoseError

from journeytrace_collector.clock import Clock
from journeytrace_desk.access.keys import Keys

__all__ = ["BadTokenError", "Checker"]

_LEEWAY: Final = 30
"""Seconds by which two clocks may differ."""
_MOST_CHARACTERS: Final = 64 * 1024


class BadTokenError(Exception):
    """A token proves nothing. The message says what is amiss."""


class Checker:
    """Checks the JWTs of one who signs."""

    def __init__(
        self, keys: Keys, clock: Clock, *, issuer: str, audience: str, algorithms: Sequence[str]
    ) -> None:
        self._keys = keys
        self._clock = clock
        self._issuer = issuer
        self._audience = audience
        self._algorithms = list(algorithms)
        # What is unknown in a header is passed over, unless it says that it must not be (`crit`).
        self._registry = jws.JWSRegistry(algorithms=algorithms, strict_check_header=False)

    async def claims(self, text: str, *, nonce: str | None = None) -> Mapping[str, Any]:
        """Give what a token says; `nonce`: what it has to repeat, None: nothing.

        Raises:
            BadTokenError: it is not signed by a key of who signs, by one of the algorithms that the
                settings allow, for this desk, for now.
            AwayError: the keys cannot be had.
        """
        if len(text) > _MOST_CHARACTERS:
            raise BadTokenError("it is too long")
        try:
            header = jws.extract_compact(text.encode()).headers()
            # Before any key is asked for: the algorithm is ours to choose, not the token's.
            self._registry.get_alg(str(header.get("alg")))
            kid = header.get("kid")
        except (JoseError, ValueError, TypeError, KeyError, RecursionError) as error:
            raise BadTokenError(str(error)) from None
        if kid is not None and not isinstance(kid, str):
            raise BadTokenError("its kid is no text")
        key = await self._keys.find(kid)
        if key is None:
            raise BadTokenError("it is signed by a key that nobody knows")
        try:
            claims = jwt.decode(text, key, self._algorithms, self._registry).claims
            self._required(nonce).validate(claims)
        except (JoseError, ValueError, TypeError, KeyError, RecursionError) as error:
            raise BadTokenError(str(error)) from None
        return claims

    def _required(self, nonce: str | None) -> jwt.JWTClaimsRegistry:
        more: dict[str, Any] = {"nonce": {"essential": True, "value": nonce}} if nonce else {}
        return jwt.JWTClaimsRegistry(
            self._clock() // 10**9,
            _LEEWAY,
            iss={"essential": True, "value": self._issuer},
            aud={"essential": True, "value": self._audience},
            exp={"essential": True},
            **more,
        )
