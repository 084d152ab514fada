"""The compose stack, as far as a machine without Docker can tell (docs/compose.md)."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tomllib
from fnmatch import fnmatch
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml
from tests.support.waiting import PATIENCE

from journeytrace_collector.demo.people import PROJECTS
from journeytrace_collector.security import Access
from journeytrace_collector.settings import Settings, load_settings
from journeytrace_dashboards.alerts import Settings as AlertSettings
from journeytrace_exporters._settings import read_section
from journeytrace_exporters.otlp import OtlpSettings

ROOT = Path(__file__).parents[1]
PROVISIONING = ROOT / "dashboards" / "provisioning"
DOCKERFILE = (ROOT / "collector" / "Dockerfile").read_text("utf-8")
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))
SERVICES = COMPOSE["services"]
UNWATCHED = {"demo", "otelcol"}
"""Services without a healthcheck: one is only a loop, of the other the file says why."""


def config(name: str) -> Any:
    """Read a server's configuration."""
    return yaml.safe_load((PROVISIONING / name).read_text("utf-8"))


def program(name: str, package: str) -> str:
    """Find a program of Debian's packages."""
    found = shutil.which(name)
    if found is None:
        pytest.fail(f"{name} is missing: apt-get install --no-install-recommends {package}")
    return found


def environment(service: str, value: str = "a-value-of-sixteen") -> dict[str, str]:
    """Give a service's variables, with a value of its own for each that the user has to set."""
    return {
        name: re.sub(r"\$\{(\w+):\?[^}]*\}", rf"{value}-\1", str(text))
        for name, text in SERVICES[service].get("environment", {}).items()
    }


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Give the collector's settings, as its variables in the file make them."""
    for name in [name for name in os.environ if name.startswith("JOURNEYTRACE_")]:
        monkeypatch.delenv(name)
    for name, value in environment("collector").items():
        monkeypatch.setenv(name, value)
    return load_settings(None, {})


@pytest.mark.parametrize("service", SERVICES)
def test_ports_are_published_on_the_loopback_alone(service: str) -> None:
    """Nothing is reachable from another machine, and nothing is published elsewhere by the way."""
    for port in SERVICES[service].get("ports", []):
        assert re.fullmatch(r"127\.0\.0\.1:\d+:\d+", port)
    assert not {"network_mode", "privileged", "pid", "ipc"} & set(SERVICES[service])


@pytest.mark.parametrize("service", SERVICES)
def test_images_are_pinned(service: str) -> None:
    """To a version with three numbers, or with two where the publisher has no more."""
    tag = SERVICES[service]["image"].rsplit(":", 1)[1]
    assert re.match(r"v?\d+\.\d+(\.\d+)?(-|$)", tag)


@pytest.mark.parametrize("service", sorted(set(SERVICES) - UNWATCHED))
def test_services_are_watched(service: str) -> None:
    """By a healthcheck here, or by that of our own image."""
    ours = "build" in SERVICES[service] and "HEALTHCHECK" in DOCKERFILE
    assert ours or SERVICES[service]["healthcheck"]["test"][0] == "CMD"


def test_every_secret_has_to_be_set() -> None:
    """No variable has a default, and each says where to read about it."""
    text = (ROOT / "docker-compose.yml").read_text("utf-8")
    variables = re.findall(r"(?<!\$)\$\{?\w+[^}]*\}?", text)
    assert variables
    for variable in variables:
        assert re.fullmatch(r"\$\{\w+:\?set it, see docs/compose\.md\}", variable), variable
    named = set(re.findall(r"\$\{(\w+):", text))
    manual = (ROOT / "docs" / "compose.md").read_text("utf-8")
    assert all(name in manual for name in named)


def test_everything_that_is_named_is_there() -> None:
    """Files and folders to mount, volumes, secrets, and services that others wait for."""
    used: set[str] = set()
    for service in SERVICES.values():
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            if source.startswith("./"):
                assert (ROOT / source).exists(), source
                assert volume.endswith(":ro")
            else:
                used.add(source)
        assert set(service.get("secrets", [])) <= set(COMPOSE["secrets"])
        assert set(service.get("depends_on", {})) <= set(SERVICES)
    assert used == set(COMPOSE["volumes"])


def test_the_demo_s_projects_are_counted_from_the_start(settings: Settings) -> None:
    """A counter that is born above 0 has no rise, and Grafana would miss the first journeys."""
    assert set(PROJECTS) <= set(settings.projects)


def test_the_collector_starts_with_these_settings(settings: Settings) -> None:
    """It listens where the ports lead, and does not refuse to, for it has tokens."""
    published = {int(port.rsplit(":", 1)[1]) for port in SERVICES["collector"]["ports"]}
    assert published == {settings.otlp_grpc.port, settings.otlp_http.port, settings.admin.port}
    assert all(str(port) in DOCKERFILE for port in published)
    access = Access(settings)
    assert access.senders
    assert access.readers
    assert str(settings.admin.port) in re.search(r"HEALTHCHECK(.|\n)*?\n[A-Z]", DOCKERFILE)[0]  # type: ignore[index]


def test_spans_go_from_the_collector_to_tempo(settings: Settings) -> None:
    """By way of the OTel Collector; each listens where the one before sends."""
    section = read_section("otlp", OtlpSettings, settings.exporters["otlp"])
    assert section.endpoint is not None
    otelcol = config("otelcol/otelcol.yaml")
    listens = otelcol["receivers"]["otlp"]["protocols"]["grpc"]["endpoint"]
    assert section.endpoint.authority == f"otelcol:{listens.rsplit(':', 1)[1]}"
    listens = config("tempo/tempo.yaml")["distributor"]["receivers"]["otlp"]["protocols"]["grpc"]
    sends = otelcol["exporters"]["otlp_grpc/tempo"]["endpoint"]
    assert sends == f"tempo:{listens['endpoint'].rsplit(':', 1)[1]}"


def test_the_otel_collector_is_the_one_that_is_documented() -> None:
    """But for the address on which it listens, it is collector/otelcol/journeytrace-first."""
    shown = yaml.safe_load(
        (ROOT / "collector/otelcol/journeytrace-first/otelcol.yaml").read_text("utf-8")
    )
    ours = config("otelcol/otelcol.yaml")
    for each in (shown, ours):
        each["receivers"]["otlp"]["protocols"]["grpc"].pop("endpoint")
    assert ours == shown
    volumes = [volume.split(":")[1] for volume in SERVICES["otelcol"]["volumes"]]
    folder = ours["extensions"]["file_storage"]["directory"]
    assert any(folder.startswith(f"{volume}/") for volume in volumes)


def test_tempo_keeps_what_the_longest_journey_needs() -> None:
    """A slack of more than a day, and its data where the volume is."""
    tempo = config("tempo/tempo.yaml")
    assert tempo["live_store"]["wal"]["ingestion_time_range_slack"] == "26h"
    storage = tempo["storage"]["trace"]
    mounted = [volume.split(":")[1] for volume in SERVICES["tempo"]["volumes"]]
    for folder in (storage["local"]["path"], storage["wal"]["path"]):
        assert any(folder.startswith(f"{volume}/") for volume in mounted)


def test_prometheus_accepts_its_configuration(tmp_path: Path) -> None:
    """With the rules where the stack mounts them."""
    (tmp_path / "rules").mkdir()
    shutil.copy(PROVISIONING / "prometheus/prometheus.yml", tmp_path)
    for volume in SERVICES["prometheus"]["volumes"]:
        source, target = volume.split(":")[:2]
        if "/rules/" in target:
            shutil.copy(ROOT / source, tmp_path / "rules" / Path(target).name)
    promtool = program("promtool", "prometheus")
    for command in (
        ["check", "config", "--syntax-only", str(tmp_path / "prometheus.yml")],
        ["check", "rules", *map(str, (tmp_path / "rules").iterdir())],
    ):
        subprocess.run([promtool, *command], check=True, capture_output=True, timeout=PATIENCE)
    assert len(list((tmp_path / "rules").iterdir())) == 2


def test_prometheus_finds_the_others(settings: Settings) -> None:
    """The collector under the job that the rules watch, with its token; and Alertmanager."""
    prometheus = config("prometheus/prometheus.yml")
    (job,) = prometheus["scrape_configs"]
    assert job["job_name"] == AlertSettings().job
    assert job["static_configs"] == [{"targets": [f"collector:{settings.admin.port}"]}]
    (secret,) = SERVICES["prometheus"]["secrets"]
    assert job["authorization"]["credentials_file"] == f"/run/secrets/{secret}"
    assert COMPOSE["secrets"][secret]["environment"] == "JOURNEYTRACE_ADMIN_TOKEN"
    (alertmanager,) = prometheus["alerting"]["alertmanagers"]
    assert alertmanager["static_configs"] == [{"targets": ["alertmanager:9093"]}]


def test_alertmanager_accepts_its_configuration() -> None:
    """As shipped, with nobody to tell."""
    file = PROVISIONING / "alertmanager" / "alertmanager.yml"
    amtool = program("amtool", "prometheus-alertmanager")
    subprocess.run(
        [amtool, "check-config", str(file)], check=True, capture_output=True, timeout=PATIENCE
    )


@pytest.mark.parametrize(
    "line", re.findall(r"^COPY (?!--from)(.*)$", DOCKERFILE, re.MULTILINE), ids=str
)
def test_the_image_copies_what_is_there_and_not_ignored(line: str) -> None:
    """Of what .dockerignore leaves."""
    rules = [
        rule
        for rule in (ROOT / ".dockerignore").read_text("utf-8").splitlines()
        if rule and not rule.startswith("#")
    ]
    for source in line.split()[:-1]:
        assert (ROOT / source).exists()
        ignored = False
        for rule in rules:
            pattern = rule.removeprefix("!")
            if fnmatch(source, pattern) or source.startswith(f"{pattern}/"):
                ignored = not rule.startswith("!")
        assert not ignored, source


def test_the_image_is_built_from_pinned_parts_and_runs_as_nobody_special() -> None:
    """One base image for both stages, known hashes alone, and no root."""
    bases = set(re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE))
    assert len(bases) == 1
    assert re.fullmatch(r"python:3\.11\.\d+-slim-\w+", bases.pop())
    installs = re.findall(r"pip install (.*?) \\?$", DOCKERFILE, re.MULTILINE)
    assert installs
    assert all(
        line.startswith(("--require-hashes -r ", "--no-deps --no-index ")) for line in installs
    )
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert re.search(r"^USER journeytrace$", DOCKERFILE, re.MULTILINE)
    assert SERVICES["collector"]["image"] == f"journeytrace:{project['version']}"


def test_every_password_arrives_where_it_is_asked_for() -> None:
    """Each connects as the role made for it, with the same password, and none as superuser."""
    assert (
        environment("grafana")["GRAFANA_POSTGRESQL_PASSWORD"]
        == environment("postgresql")["GRAFANA_POSTGRESQL_PASSWORD"]
    )
    made = environment("postgresql")
    assert environment("collector")["PGPASSWORD"] == made["COLLECTOR_POSTGRESQL_PASSWORD"]
    assert urlsplit(environment("collector")["JOURNEYTRACE_STORE"]).username == "journeytrace"
    assert made["POSTGRES_USER"] == "postgres"
    for service in set(SERVICES) - {"postgresql"}:
        assert made["POSTGRES_PASSWORD"] not in environment(service).values()
    sources = (PROVISIONING / "datasources").glob("*.y*ml")
    found = {
        source["uid"]: source
        for file in sources
        for source in yaml.safe_load(file.read_text("utf-8"))["datasources"]
    }
    postgresql = found["postgresql"]
    assert postgresql["user"] == "journeytrace_reader"
    assert "GRAFANA_POSTGRESQL_PASSWORD" in postgresql["secureJsonData"]["password"]
    assert postgresql["url"] == "postgresql:5432"
    for uid, port in (("prometheus", 9090), ("tempo", 3200)):
        assert urlsplit(found[uid]["url"]).netloc == f"{uid}:{port}"


def test_grafana_finds_the_dashboards() -> None:
    """Where the stack mounts what is generated."""
    (provider,) = config("dashboards/journeytrace.yaml")["providers"]
    mounted = dict(volume.split(":")[:2] for volume in SERVICES["grafana"]["volumes"])
    assert mounted["./dashboards/generated"] == provider["options"]["path"]


def test_shell_scripts_are_scripts() -> None:
    """The loop that sends made-up journeys, and the one that makes the roles."""
    (loop,) = SERVICES["demo"]["command"]
    assert "journeytrace demo --to collector:4317" in loop
    script = (PROVISIONING / "postgresql" / "roles.sh").read_text("utf-8")
    for text in (loop.replace("$$", "$"), script):
        subprocess.run(["sh", "-n"], input=text, text=True, check=True, timeout=PATIENCE)
