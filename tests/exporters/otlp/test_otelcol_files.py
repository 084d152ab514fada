"""The configurations under collector/otelcol/ hold together."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from journeytrace.conventions import PRIVATE_PREFIXES
from journeytrace_collector.settings import Settings, load_settings
from journeytrace_exporters._settings import read_section
from journeytrace_exporters.otlp import OtlpSettings

FOLDER = Path(__file__).parents[3] / "collector" / "otelcol"
ARRANGEMENTS = ["journeytrace-first", "otelcol-first"]


def otelcol(arrangement: str) -> dict[str, Any]:
    """Read the OTel Collector's side."""
    found = yaml.safe_load((FOLDER / arrangement / "otelcol.yaml").read_text("utf-8"))
    assert isinstance(found, dict)
    return found


def journeytrace(arrangement: str) -> tuple[Settings, OtlpSettings]:
    """Read our own side, the way the collector does."""
    settings = load_settings(FOLDER / arrangement / "journeytrace.yaml", {})
    return settings, read_section("otlp", OtlpSettings, settings.exporters["otlp"])


@pytest.mark.parametrize("arrangement", ARRANGEMENTS)
@pytest.mark.parametrize("part", ["receivers", "processors", "exporters"])
def test_what_is_used_is_defined_and_the_other_way_round(arrangement: str, part: str) -> None:
    """No pipeline names a component that is missing, and none is left over."""
    config = otelcol(arrangement)
    used = {name for line in config["service"]["pipelines"].values() for name in line[part]}
    assert used == set(config[part])


@pytest.mark.parametrize("arrangement", ARRANGEMENTS)
def test_every_queue_is_on_disk(arrangement: str) -> None:
    """Each exporter keeps its queue in a storage that is enabled and synced, and never gives up."""
    config = otelcol(arrangement)
    assert set(config["service"]["extensions"]) == set(config["extensions"])
    for exporter in config["exporters"].values():
        storage = exporter["sending_queue"]["storage"]
        assert config["extensions"][storage]["fsync"] is True
        assert exporter["retry_on_failure"]["max_elapsed_time"] == "0s"
        assert exporter["sending_queue"]["batch"]["max_size"] < 4 * 1024 * 1024
    assert not [name for name in config["processors"] if name.startswith("batch")]


def test_behind_the_otel_collector_events_are_not_sent_twice() -> None:
    """It sends us traces and logs; we listen there, and send on nothing but what we derive."""
    config = otelcol("otelcol-first")
    settings, section = journeytrace("otelcol-first")
    assert config["exporters"]["otlp_grpc/journeytrace"]["endpoint"] == str(settings.otlp_grpc)
    assert not section.passthrough
    assert section.endpoint is not None
    assert section.endpoint.authority == config["exporters"]["otlp_grpc/tempo"]["endpoint"]
    lines = config["service"]["pipelines"]
    ours = [name for name, line in lines.items() if "otlp_grpc/journeytrace" in line["exporters"]]
    assert sorted(name.split("/")[0] for name in ours) == ["logs", "traces"]


def test_behind_the_otel_collector_no_address_reaches_tempo() -> None:
    """The way to Tempo takes private attributes out of all that it can, the way to us does not."""
    config = otelcol("otelcol-first")
    lines = config["service"]["pipelines"]
    assert "transform/private" in lines["traces/tempo"]["processors"]
    assert "transform/private" not in lines["traces/journeytrace"]["processors"]
    groups = config["processors"]["transform/private"]["trace_statements"]
    texts = [" ".join(group["statements"]) for group in groups]
    assert [re.findall(r"\w+(?=\.attributes,)", text)[0] for text in texts] == [
        "resource",
        "scope",
        "span",
        "spanevent",
    ]
    for text in texts:
        pattern = text.split('"')[1].replace("\\\\", "\\")
        for key in ("user.email", "email", "enduser.email", *(p + "x" for p in PRIVATE_PREFIXES)):
            assert re.search(pattern, key)
        for key in ("user.id", "platform.x", "emails", "journey.stage", "x.email"):
            assert not re.search(pattern, key)


def test_in_front_we_send_to_where_the_otel_collector_listens() -> None:
    """Everything goes on from us to it."""
    config = otelcol("journeytrace-first")
    settings, section = journeytrace("journeytrace-first")
    listens = config["receivers"]["otlp"]["protocols"]["grpc"]["endpoint"]
    assert section.endpoint is not None
    assert section.endpoint.authority == listens
    assert section.passthrough
    assert str(settings.otlp_grpc) != listens
