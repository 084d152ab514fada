"""Which addresses a webhook may reach, checked where it cannot be got around: at the socket.

A name can mean one address when it is checked and another when it is used, and a number can be
written in many ways. So what counts is the address that a socket is about to connect to.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Any, Final, TypeAlias

__all__ = ["RefusedAddressError", "is_public", "public_socket"]

_Address: TypeAlias = IPv4Address | IPv6Address

_NAT64: Final = IPv6Network("64:ff9b::/96")
_COMPATIBLE: Final = IPv6Network("::/96")
_CLOUDS: Final = (IPv4Network("168.63.129.16/32"), IPv4Network("192.0.0.0/24"))
"""Global by their number, yet what answers is the cloud that a machine runs in, with its secrets:
Azure's and Oracle's. The other clouds have theirs among the private ones."""


class RefusedAddressError(OSError):
    """A receiver is in a network that nobody allowed. An OSError, as the event loop expects of
    sockets."""


def is_public(address: _Address) -> bool:
    """Whether anybody on the Internet can reach `address`, and whatever it leads to."""
    return all(
        found.is_global
        and not found.is_multicast
        and not found.is_reserved
        and not getattr(found, "is_site_local", False)
        and not any(found in network for network in _CLOUDS)
        for found in _meant(address)
    )


def _meant(address: _Address) -> Iterator[_Address]:
    """Give the IPv4 addresses that an IPv6 address stands for; any other one stands for itself."""
    if isinstance(address, IPv4Address):
        yield address
    elif address.ipv4_mapped is not None:
        yield address.ipv4_mapped
    elif address in _NAT64 or address in _COMPATIBLE:
        yield IPv4Address(int(address) & 0xFFFF_FFFF)
    else:
        yield address
        if address.sixtofour is not None:
            yield address.sixtofour


def public_socket(info: tuple[Any, ...]) -> socket.socket:
    """Make the socket to connect to an address, for `aiohttp.TCPConnector`.

    Raises:
        RefusedAddressError: the address is none that everybody can reach.
    """
    family, kind, protocol, _, where = info
    if not is_public(ip_address(where[0])):
        # Of several addresses all refused, only messages that are alike keep their type.
        raise RefusedAddressError("leads to a private network; see allow_private_networks")
    return socket.socket(family, kind, protocol)
