"""Ports that ask for no token answer no web page: neither by its origin nor by its host's name.

A page on another site can let a browser send here, and with a name of its own that suddenly means
127.0.0.1 (DNS rebinding) even read the answer. Both show in what the browser sends: the page's
origin, and the name. Only HTTP needs this, for no browser can speak gRPC.
"""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address, ip_address

from aiohttp import web

from journeytrace_collector.errors import ForeignOriginError, MisdirectedError

__all__ = ["Hosts"]


class Hosts:
    """The names under which a port may be asked, beside those of the loopback."""

    def __init__(self, names: Iterable[str] = ()) -> None:
        self._names = {_plain(name) for name in names}

    def check(self, request: web.BaseRequest) -> None:
        """Check for whom a request was meant and what page sent it.

        An address is never rebound: the one that was connected to is as good as a name, so that
        probes which know a machine by its address alone are answered.

        Raises:
            MisdirectedError: its ``Host`` is a name that nobody gave this collector.
            ForeignOriginError: a page that did not come from here sent it.
        """
        self.check_host(request)
        host = request.headers.get("Host", "")
        origin = request.headers.get("Origin")
        if origin is not None and origin.lower() != f"{request.scheme}://{host.lower()}":
            raise ForeignOriginError(
                "a page of another origin is not answered on a port that asks for no token"
            )

    def check_host(self, request: web.BaseRequest) -> None:
        """Check for whom a request was meant alone.

        Raises:
            MisdirectedError: its ``Host`` is a name that nobody gave this collector.
        """
        name = _plain(_without_port(request.headers.get("Host", "")))
        if not (name in self._names or _is_local(name) or self._is_own(name, request)):
            raise MisdirectedError(
                f"the host {name[:255]!r} is not one of this collector's: add it to the setting"
                " hosts, or let the port ask for a token"
            )

    def _is_own(self, name: str, request: web.BaseRequest) -> bool:
        transport = request.transport
        own = transport.get_extra_info("sockname") if transport is not None else None
        address = _address(name)
        return address is not None and own is not None and address == _address(str(own[0]))


def _without_port(host: str) -> str:
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0]


def _plain(name: str) -> str:
    return name.strip("[]").lower().removesuffix(".")


def _is_local(name: str) -> bool:
    address = _address(name)
    if address is not None:
        return address.is_loopback
    return name == "localhost" or name.endswith(".localhost")


def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address
