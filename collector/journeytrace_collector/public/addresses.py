"""Whose address a request counts for: pure."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final, TypeAlias

__all__ = ["Network", "client_of", "seen_from"]

Network: TypeAlias = IPv4Network | IPv6Network

_HOPS: Final = 32
"""Proxies, one behind the other, that are looked through."""


def client_of(peer: str, forwarded: Sequence[str], proxies: Sequence[Network]) -> str:
    """Give the address that a request counts for; of IPv6 the network of one household.

    See `seen_from`. What is no address counts for itself.
    """
    address = seen_from(peer, forwarded, proxies)
    if address is None:
        return peer
    if isinstance(address, IPv6Address):
        return str(ip_network((int(address), 64), strict=False))
    return str(address)


def seen_from(
    peer: str, forwarded: Sequence[str], proxies: Sequence[Network]
) -> IPv4Address | IPv6Address | None:
    """Give the address that a request comes from; None: the peer has none.

    Args:
        peer: who has connected.
        forwarded: the headers ``X-Forwarded-For``, which anybody can write. Each proxy adds at the
            end whom it was asked by, so they are read from there, as long as a proxy of ours says
            it.
        proxies: whose word counts.
    """
    address = _address(peer)
    hops = ",".join(forwarded).rsplit(",", _HOPS)
    while address is not None and hops and _is_in(address, proxies):
        before = _address(hops.pop().strip())
        if before is None:
            break
        address = before
    return address


def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        found = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = found.ipv4_mapped if isinstance(found, IPv6Address) else None
    return mapped or found


def _is_in(address: IPv4Address | IPv6Address, networks: Sequence[Network]) -> bool:
    return any(address in network for network in networks)
