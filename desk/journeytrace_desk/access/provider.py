"""A provider of OpenID Connect: where people sign in, and what comes back (code with PKCE)."""

from __future__ import annotations

import asyncio
import logging
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final
from urllib.parse import quote_plus, urlencode, urlsplit

from pydantic import TypeAdapter, ValidationError

from journeytrace_collector.clock import Clock
from journeytrace_collector.settings.access import CALLBACK, OpenIdConnect, SecureUrl
from journeytrace_desk.access.fetching import AwayError, Fetching
from journeytrace_desk.access.keys import Keys, from_url
from journeytrace_desk.access.people import Person, of_claims
from journeytrace_desk.access.tokens import BadTokenError, Checker

__all__ = ["Attempt", "Provider"]

_log = logging.getLogger(__name__)

_FRESH: Final = 3_600 * 10**9
"""What the provider says of itself is asked for again after so long, in ns."""
_PAUSE: Final = 5 * 10**9
"""After a failure nobody asks again for so long: those who wait are told at once."""
_URL: Final = TypeAdapter[str](SecureUrl)


@dataclass(frozen=True, slots=True)
class Attempt:
    """A sign-in that has begun, and what its end has to prove. All but `to` are secrets."""

    state: str
    nonce: str
    verifier: str
    to: str
    """Where to go afterwards, a path of the desk."""


@dataclass(frozen=True, slots=True)
class _Told:
    """What the provider says of itself."""

    authorise: str
    token: str
    posts_secret: bool
    checker: Checker


class Provider:
    """Speaks to the provider."""

    def __init__(
        self,
        settings: OpenIdConnect,
        url: str,
        secret: str | None,
        clock: Clock,
        fetching: Fetching,
    ) -> None:
        """Let people come back to the desk, which they reach at `url`.

        `secret`: the desk's at the provider; None: it has none.
        """
        self._settings = settings
        self._callback = f"{url}{CALLBACK}"
        self._secret = secret
        self._clock = clock
        self._fetching = fetching
        self._told: _Told | None = None
        self._asked_at = -_FRESH
        self._failed: AwayError | None = None
        self._asking = asyncio.Lock()

    async def address(self, attempt: Attempt) -> str:
        """Give where somebody goes to sign in. Raises `AwayError`."""
        told = await self._discover()
        challenge = urlsafe_b64encode(sha256(attempt.verifier.encode()).digest()).rstrip(b"=")
        asked = {
            "response_type": "code",
            "client_id": self._settings.client_id,
            "redirect_uri": self._callback,
            "scope": " ".join(self._settings.scopes),
            "state": attempt.state,
            "nonce": attempt.nonce,
            "code_challenge": challenge.decode(),
            "code_challenge_method": "S256",
        }
        sign = "&" if urlsplit(told.authorise).query else "?"
        return f"{told.authorise}{sign}{urlencode(asked)}"

    async def person(self, code: str, attempt: Attempt) -> Person:
        """Give who has signed in, for the code that they brought back.

        Raises:
            AwayError: the provider does not answer.
            BadTokenError: it does not stand by the code, or what it says proves nothing.
            UnnamedError: it does not say who they are.
        """
        told = await self._discover()
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._callback,
            "code_verifier": attempt.verifier,
        }
        headers = self._authenticate(told, form)
        status, found = await self._fetching.json(told.token, form=form, headers=headers)
        if status >= 500:
            raise AwayError(f"{told.token}: answered {status}")
        token = found.get("id_token")
        if status != 200 or not isinstance(token, str):
            raise BadTokenError(f"{told.token} answered {status}: {str(found.get('error'))[:100]}")
        claims = await told.checker.claims(token, nonce=attempt.nonce)
        self._check_presenter(claims)
        return of_claims(claims, self._settings.id_claim, self._settings.groups_claim)

    def is_issuer(self, issuer: str) -> bool:
        """Whether it is this provider that somebody says to come from (RFC 9207)."""
        return issuer == self._settings.issuer

    def _authenticate(self, told: _Told, form: dict[str, str]) -> dict[str, str]:
        """Show the desk's secret the way that the provider takes it."""
        if self._secret is None or told.posts_secret:
            form["client_id"] = self._settings.client_id
        if self._secret is None:
            return {}
        if told.posts_secret:
            form["client_secret"] = self._secret
            return {}
        both = f"{quote_plus(self._settings.client_id)}:{quote_plus(self._secret)}"
        return {"Authorization": f"Basic {b64encode(both.encode()).decode()}"}

    def _check_presenter(self, claims: Mapping[str, Any]) -> None:
        presenter = claims.get("azp")
        several = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
        if (several or presenter is not None) and presenter != self._settings.client_id:
            raise BadTokenError("it was made for another client (azp)")

    async def _discover(self) -> _Told:
        async with self._asking:
            now = self._clock()
            if now - self._asked_at >= (_FRESH if self._failed is None else _PAUSE):
                self._asked_at = now
                try:
                    self._told, self._failed = await self._ask(), None
                except AwayError as error:
                    # What it said before still holds.
                    _log.warning("the provider does not say where people sign in: %s", error)
                    self._failed = error
            if self._told is None:
                raise self._failed or AwayError("the provider was not asked")
            return self._told

    async def _ask(self) -> _Told:
        place = f"{self._settings.issuer.rstrip('/')}/.well-known/openid-configuration"
        status, found = await self._fetching.json(place)
        if status != 200:
            raise AwayError(f"{place}: answered {status}")
        if found.get("issuer") != self._settings.issuer:
            issuer = str(found.get("issuer"))[:200]
            raise AwayError(f"{place}: is of the issuer {issuer!r}, not of the one in desk_access")
        authorise, token, keys = (
            _address(found, name, place)
            for name in ("authorization_endpoint", "token_endpoint", "jwks_uri")
        )
        ways = found.get("token_endpoint_auth_methods_supported")
        checker = Checker(
            Keys(from_url(keys, self._fetching), self._clock),
            self._clock,
            issuer=self._settings.issuer,
            audience=self._settings.client_id,
            algorithms=self._settings.algorithms,
        )
        posts = isinstance(ways, list) and "client_secret_basic" not in ways
        return _Told(authorise, token, posts, checker)


def _address(found: Mapping[str, Any], name: str, place: str) -> str:
    try:
        return _URL.validate_python(found.get(name), strict=True)
    except ValidationError:
        raise AwayError(f"{place}: {name} is no https address") from None
