"""The section ``exporters.otlp``: what is taken, and what a mistake says."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from journeytrace_collector.errors import ConfigError
from journeytrace_collector.outbox.exporter import Context
from journeytrace_exporters.otlp import create

URL = "http://tempo:4317"
KEY = "a key of sixteen or more"


@pytest.mark.parametrize("section", [{}, {"compression": "gzip"}])
def test_without_an_endpoint_there_is_nothing_to_do(
    context: Callable[..., Context], section: dict[str, Any]
) -> None:
    """No exporter is made where no endpoint is set."""
    assert create(context(**section)) is None


@pytest.mark.parametrize(
    ("section", "key"),
    [
        ({"endpoint": "tempo:4317"}, "endpoint"),
        ({"endpoint": "ftp://tempo"}, "endpoint"),
        ({"endpoint": "http://tempo:99999"}, "endpoint"),
        ({"endpoint": "http://user:pass@tempo:4317"}, "endpoint"),
        ({"endpoint": "http://tempo:4317/otlp"}, "protocol"),
        ({"endpoint": URL, "protocol": "http/json"}, "protocol"),
        ({"endpoint": URL, "compression": "zstd"}, "compression"),
        ({"endpoint": URL, "timeout": "10"}, "timeout"),
        ({"endpoint": URL, "timeout": "0s"}, "timeout"),
        ({"endpoint": URL, "headers": {"bad name": "x"}}, "headers"),
        ({"endpoint": URL, "headers": {"x-bin": "x"}}, "headers"),
        ({"endpoint": URL, "headers": {"x": "a\r\nb: c"}}, "headers"),
        ({"endpoint": URL, "email": "encrypt"}, "email"),
        ({"endpoint": URL, "email": "hash"}, "email_key"),
        ({"endpoint": URL, "email_key": "short"}, "email_key"),
        ({"endpoint": URL, "tenants": {31: "x"}, "default_tenant": "y"}, "tenants"),
        ({"endpoint": URL, "tenants": {30: "a/b"}, "default_tenant": "y"}, "tenants.30"),
        ({"endpoint": URL, "tenants": {30: "x"}}, "default_tenant"),
        ({"endpoint": URL, "tls": {"ca_file": __file__}}, "tls"),
        ({"endpoint": "https://tempo", "tls": {"ca_file": "/no/such/file"}}, "tls.ca_file"),
        ({"endpoint": "https://tempo", "tls": {"ca_file": __file__}}, "tls"),
        ({"endpoint": "https://tempo", "tls": {"cert_file": __file__}}, "tls"),
        ({"endpoint": URL, "endpont": URL}, "endpont"),
    ],
)
def test_a_mistake_names_its_key(
    context: Callable[..., Context], section: dict[str, Any], key: str
) -> None:
    """Each faulty value is refused at start-up, with the key it stands under."""
    with pytest.raises(ConfigError) as caught:
        create(context(**section))
    lines = str(caught.value).splitlines()
    assert [line.split(": ")[0] for line in lines if line.startswith(f"exporters.otlp.{key}: ")]


def test_secrets_stay_out_of_messages(context: Callable[..., Context]) -> None:
    """Neither a key that is too short nor a header that is wrong is printed."""
    section = {"endpoint": URL, "email_key": "hunter2", "headers": {"authorization": "geheim\n"}}
    with pytest.raises(ConfigError) as caught:
        create(context(**section))
    assert "hunter2" not in str(caught.value)
    assert "geheim" not in str(caught.value)


@pytest.mark.parametrize("protocol", ["grpc", "http/protobuf"])
def test_the_file_of_an_authority_is_taken(
    context: Callable[..., Context], ca_file: Path, protocol: str
) -> None:
    """With https, certificates come from files."""
    made = create(
        context(endpoint="https://tempo", protocol=protocol, tls={"ca_file": str(ca_file)})
    )
    assert made is not None
    assert made.destinations() == ("otlp",)
