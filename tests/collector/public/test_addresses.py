"""Whose address a request counts for."""

from __future__ import annotations

from ipaddress import ip_network

import pytest

from journeytrace_collector.public.addresses import client_of

OURS = (ip_network("10.0.0.0/8"), ip_network("fd00::/8"))


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("203.0.113.7", [], "203.0.113.7"),
        ("203.0.113.7", ["198.51.100.1"], "203.0.113.7"),
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", ["198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", ["1.2.3.4, 198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", ["1.2.3.4", "198.51.100.1, 10.0.0.2"], "198.51.100.1"),
        ("10.0.0.1", ["10.0.0.9,10.0.0.2"], "10.0.0.9"),
        ("10.0.0.1", ["nonsense"], "10.0.0.1"),
        ("10.0.0.1", ["1.2.3.4, nonsense, 10.0.0.2"], "10.0.0.2"),
        ("10.0.0.1", [""], "10.0.0.1"),
        ("10.0.0.1", [", ".join(["10.0.0.5"] * 5000)], "10.0.0.5"),
        ("::ffff:10.0.0.1", ["198.51.100.1"], "198.51.100.1"),
        ("fd00::1%eth0", ["2001:db8:1:2:3:4:5:6"], "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::9", ["1.2.3.4"], "2001:db8:1:2::/64"),
        ("", ["1.2.3.4"], ""),
    ],
)
def test_only_proxies_of_ours_are_believed(peer: str, forwarded: list[str], client: str) -> None:
    """Of X-Forwarded-For counts what our proxies wrote, and nothing that was there before."""
    assert client_of(peer, forwarded, OURS) == client
