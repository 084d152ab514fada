"""A reverse proxy has asked who somebody is, and says so with each request."""

from __future__ import annotations

import logging
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path
from typing import Final, Protocol

from aiohttp import web

from journeytrace_collector.clock import Clock
from journeytrace_collector.settings.access import ProxyHeader, ProxyToken
from journeytrace_desk.access.fetching import AwayError, Fetching
from journeytrace_desk.access.keys import Keys, from_file, from_url
from journeytrace_desk.access.people import Person, UnnamedError, named, of_claims
from journeytrace_desk.access.refusal import Refusal, away
from journeytrace_desk.access.tokens import BadTokenError, Checker

__all__ = ["HeaderProxy", "Proxy", "TokenProxy"]

_log = logging.getLogger(__name__)

_SAID: Final = "The desk does not know who you are"


class Proxy(Protocol):
    """Knows people by what a proxy says."""

    async def person(self, request: web.Request) -> Person:
        """Give who asks. Raises `Refusal`: nobody can tell."""


class HeaderProxy:
    """Believes a header, of those who connect from the proxy's addresses."""

    def __init__(self, settings: ProxyHeader) -> None:
        self._settings = settings

    async def person(self, request: web.Request) -> Person:
        """Give who asks; see `Proxy`."""
        peer = _peer(request)
        if peer is None or not any(peer in network for network in self._settings.proxies):
            _log.warning("%s is none of the proxies that may speak for people", peer)
            raise Refusal(403, _SAID, "It is reached through its proxy alone.")
        name = _single(request, self._settings.name)
        groups = _single(request, self._settings.groups) if self._settings.groups else None
        if not name:
            raise Refusal(403, _SAID, f"The proxy sent no header {self._settings.name}.")
        try:
            return Person(
                named(name.strip(), f"the header {self._settings.name}"),
                frozenset(
                    named(group.strip(), f"the header {self._settings.groups}")
                    for group in (groups or "").split(",")
                    if group.strip()
                ),
            )
        except UnnamedError as error:
            raise Refusal(403, _SAID, f"What the proxy sent is of no use: {error}.") from None


class TokenProxy:
    """Believes a token that the proxy has signed, wherever it comes from."""

    def __init__(self, settings: ProxyToken, clock: Clock, fetching: Fetching) -> None:
        self._settings = settings
        place = settings.keys
        keys = from_url(place, fetching) if "://" in place else from_file(Path(place).expanduser())
        self._checker = Checker(
            Keys(keys, clock),
            clock,
            issuer=settings.issuer,
            audience=settings.audience,
            algorithms=settings.algorithms,
        )

    async def person(self, request: web.Request) -> Person:
        """Give who asks; see `Proxy`."""
        settings = self._settings
        token = _single(request, settings.name)
        if not token:
            raise Refusal(
                403, _SAID, f"The header {settings.name} is missing: open it through its proxy."
            )
        try:
            claims = await self._checker.claims(token)
            return of_claims(claims, settings.id_claim, settings.groups_claim, vouched=True)
        except BadTokenError as error:
            _log.warning("a token of the proxy is refused: %s", error)
            raise Refusal(403, _SAID, f"The token in {settings.name} is refused.") from None
        except UnnamedError as error:
            raise Refusal(403, _SAID, f"The proxy's token is of no use: {error}.") from None
        except AwayError as error:
            _log.warning("nobody can be recognised: %s", error)
            raise away("The proxy's keys cannot be had.") from None


def _peer(request: web.Request) -> IPv4Address | IPv6Address | None:
    """Give who holds the other end of the connection, whatever a header says."""
    transport = request.transport
    found = transport.get_extra_info("peername") if transport is not None else None
    if found is None:
        return None
    address = ip_address(str(found[0]).partition("%")[0])
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def _single(request: web.Request, name: str) -> str | None:
    """Give a header that may stand once: of two nobody knows which one the proxy checked."""
    found = request.headers.getall(name, [])
    if len(found) > 1:
        raise Refusal(403, _SAID, f"The header {name} stands there {len(found)} times.")
    return found[0] if found else None
