"""The section ``exporters.webhook``: what is taken, and what a mistake says."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import ip_address
from typing import Any

import pytest

from journeytrace_collector.errors import ConfigError
from journeytrace_collector.outbox.exporter import Context
from journeytrace_exporters.webhook import create
from journeytrace_exporters.webhook.addresses import is_public

ENDPOINT = {
    "name": "crm",
    "url": "https://example.com/hook",
    "secret": "sixteen or more characters",
}


@pytest.mark.parametrize("section", [{}, {"endpoints": []}])
def test_without_an_endpoint_there_is_nothing_to_do(
    context: Callable[..., Context], section: dict[str, Any]
) -> None:
    """No exporter is made where nobody wants to know."""
    assert create(context(**section)) is None


def test_each_endpoint_has_its_own_line(context: Callable[..., Context]) -> None:
    """Endpoints do not hold each other up: each is a destination."""
    made = create(context(endpoints=[ENDPOINT, {**ENDPOINT, "name": "risk"}]))
    assert made is not None
    assert made.destinations() == ("webhook:crm", "webhook:risk")


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ({"name": "a:b"}, "endpoints.0.name"),
        ({"name": ""}, "endpoints.0.name"),
        ({"url": "example.com"}, "endpoints.0.url"),
        ({"url": "file:///etc/passwd"}, "endpoints.0.url"),
        ({"url": "https://user:pass@example.com"}, "endpoints.0.url"),
        ({"url": "http://example.com/hook"}, "endpoints"),
        ({"secret": "short"}, "endpoints.0.secret"),
        ({"events": ["created"]}, "endpoints.0.events.0"),
        ({"statuses": ["DONE"]}, "endpoints.0.statuses.0"),
        ({"decisions": ["MAYBE"]}, "endpoints.0.decisions"),
        ({"timeout": "0s"}, "endpoints.0.timeout"),
        ({"project": ["x"]}, "endpoints.0.project"),
    ],
)
def test_a_mistake_names_its_key(
    context: Callable[..., Context], change: dict[str, Any], key: str
) -> None:
    """Each faulty value is refused at start-up, with the key it stands under, and no secret."""
    with pytest.raises(ConfigError) as caught:
        create(context(endpoints=[{**ENDPOINT, **change}]))
    assert str(caught.value).startswith(f"exporters.webhook.{key}: ")
    assert "short" not in str(caught.value)


def test_two_endpoints_cannot_share_a_name(context: Callable[..., Context]) -> None:
    """Their parcels could not be told apart."""
    with pytest.raises(
        ConfigError, match=r"exporters\.webhook\.endpoints: two have the name 'crm'"
    ):
        create(context(endpoints=[ENDPOINT, ENDPOINT]))


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "10.0.0.1",
        "168.63.129.16",
        "169.254.169.254",
        "192.0.0.192",
        "100.64.0.1",
        "0.0.0.0",
        "[::1]",
        "[::ffff:10.0.0.1]",
        "[fd00::1]",
    ],
)
def test_a_private_address_is_an_opt_in(context: Callable[..., Context], host: str) -> None:
    """An address in a private network is refused at start-up, unless it is allowed."""
    endpoint = {**ENDPOINT, "url": f"https://{host}/hook"}
    with pytest.raises(ConfigError, match="allow_private_networks"):
        create(context(endpoints=[endpoint]))
    assert create(context(endpoints=[endpoint], allow_private_networks=True)) is not None


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0",
        "10.1.2.3",
        "100.64.0.1",
        "100.100.100.200",
        "127.0.0.1",
        "169.254.169.254",
        "172.16.0.1",
        "192.0.2.1",
        "192.168.0.1",
        "198.18.0.1",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::127.0.0.1",
        "::ffff:127.0.0.1",
        "::ffff:168.63.129.16",
        "::ffff:169.254.169.254",
        "64:ff9b::a00:1",
        "64:ff9b::a83f:8110",
        "2002:a83f:8110::",
        "64:ff9b:1::1",
        "2002:7f00:1::",
        "2001:0:7f00:1::",
        "2001:db8::1",
        "fc00::1",
        "fd00:ec2::254",
        "fe80::1",
        "fe80::1%eth0",
        "fec0::1",
        "ff02::1",
    ],
)
def test_what_is_not_public(address: str) -> None:
    """Loopback, private, link-local, shared, reserved, multicast and clouds' own, even wrapped."""
    assert not is_public(ip_address(address))


@pytest.mark.parametrize(
    "address",
    ["1.1.1.1", "93.184.215.14", "2606:4700:4700::1111", "::ffff:1.1.1.1", "64:ff9b::101:101"],
)
def test_what_is_public(address: str) -> None:
    """Addresses that everybody can reach."""
    assert is_public(ip_address(address))
