"""The Kubernetes manifests: what a cluster would say of them, and whether they fit each other."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any, Final

import kubernetes_validate
import pytest
import yaml

from journeytrace_collector.errors import ConfigError
from journeytrace_collector.security import Access
from journeytrace_collector.settings import Settings, load_settings
from journeytrace_dashboards.alerts import Settings as AlertSettings
from journeytrace_exporters._settings import read_section
from journeytrace_exporters.otlp import OtlpSettings

ROOT: Final = Path(__file__).parents[2]
FOLDER: Final = ROOT / "docs" / "kubernetes"
DOCKERFILE: Final = (ROOT / "collector" / "Dockerfile").read_text("utf-8")
FILES: Final = sorted(FOLDER.rglob("*.yaml"))
STORES: Final = ("postgresql", "sqlite")
SELECTOR: Final = {
    "app.kubernetes.io/name": "journeytrace",
    "app.kubernetes.io/component": "collector",
}


def documents(file: str | Path) -> list[Any]:
    """Read the objects of a file."""
    return list(yaml.safe_load_all((FOLDER / file).read_text("utf-8")))


def one(file: str, kind: str, name: str = "journeytrace") -> Any:
    """Give the object of this kind and name."""
    (found,) = [
        each
        for each in documents(file)
        if each["kind"] == kind and each["metadata"]["name"] == name
    ]
    return found


@pytest.fixture(params=STORES)
def stateful_set(request: pytest.FixtureRequest) -> Any:
    """Give the collectors of either store."""
    return one(f"{request.param}/collector.yaml", "StatefulSet")


def container(stateful_set: Any) -> Any:
    """Give the only container."""
    (found,) = stateful_set["spec"]["template"]["spec"]["containers"]
    return found


@pytest.mark.parametrize("version", ["1.30", "1.37"])
@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(FOLDER)))
def test_a_cluster_would_take_it(file: Path, version: str) -> None:
    """Every object has the fields that Kubernetes knows, and no others."""
    for document in documents(file):
        if document["apiVersion"].startswith("monitoring.coreos.com/"):
            continue  # the operator's own kind, of which no schema comes with Kubernetes
        kubernetes_validate.validate(document, version, strict=True)


def environment(
    monkeypatch: pytest.MonkeyPatch, stateful_set: Any, secrets: dict[str, str]
) -> None:
    """Set the variables as the kubelet would."""
    for name in [name for name in os.environ if name.startswith("JOURNEYTRACE_")]:
        monkeypatch.delenv(name)
    for each in container(stateful_set)["env"]:
        value = each.get("value")
        source = each.get("valueFrom", {})
        if "secretKeyRef" in source:
            value = secrets[source["secretKeyRef"]["key"]]
        elif "fieldRef" in source:
            assert source["fieldRef"]["fieldPath"] == "metadata.name"
            value = "journeytrace-0"
        monkeypatch.setenv(each["name"], value)


def config(tmp_path: Path, stateful_set: Any, secrets: dict[str, str]) -> Path:
    """Write the settings and the mounted secrets, which then are where the settings look."""
    mounts = {each["name"]: each["mountPath"] for each in container(stateful_set)["volumeMounts"]}
    volumes = {each["name"]: each for each in stateful_set["spec"]["template"]["spec"]["volumes"]}
    (text,) = one("common/configmap.yaml", "ConfigMap")["data"].values()
    for item in volumes["secrets"]["secret"]["items"]:
        file = tmp_path / item["path"]
        file.write_text(secrets[item["key"]])
        file.chmod(volumes["secrets"]["secret"]["defaultMode"])
        text = text.replace(f"{mounts['secrets']}/{item['path']}", str(file))
    found = tmp_path / "collector.yaml"
    found.write_text(text)
    return found


def test_the_collector_takes_the_settings(
    stateful_set: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It does not refuse to start, and listens where probes and Services lead."""
    example = one("common/secret.example.yaml", "Secret")["stringData"]
    secrets = {key: f"{key}-{'x' * 16}" for key in example}
    environment(monkeypatch, stateful_set, secrets)
    settings = load_settings(config(tmp_path, stateful_set, secrets), {})
    access = Access(settings)
    assert access.senders
    assert access.readers
    otlp = read_section("otlp", OtlpSettings, settings.exporters["otlp"])
    assert otlp.email_key
    assert_ports(settings, stateful_set)
    assert (settings.store is None) == ("volumeClaimTemplates" in stateful_set["spec"])
    assert (settings.collector_id is None) == (settings.store is None)


def assert_ports(settings: Settings, stateful_set: Any) -> None:
    """Compare every place that names a port."""
    ports = {each["name"]: each["containerPort"] for each in container(stateful_set)["ports"]}
    assert ports == {
        "otlp-grpc": settings.otlp_grpc.port,
        "otlp-http": settings.otlp_http.port,
        "admin": settings.admin.port,
    }
    services = [each for each in documents("common/services.yaml") if each["kind"] == "Service"]
    for service in services:
        for port in service["spec"]["ports"]:
            assert port["port"] == ports[port["targetPort"]]
    policy = one("common/networkpolicy.yaml", "NetworkPolicy")["spec"]
    let_in = {port["port"] for rule in policy["ingress"] for port in rule["ports"]}
    assert let_in == set(ports.values())
    for name, path in (("startup", "/readyz"), ("liveness", "/healthz"), ("readiness", "/readyz")):
        assert container(stateful_set)[f"{name}Probe"]["httpGet"] == {"path": path, "port": "admin"}


def test_the_example_of_a_secret_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever applies it as it is gets a collector that refuses to start, not a known token."""
    stateful_set = one("sqlite/collector.yaml", "StatefulSet")
    example = one("common/secret.example.yaml", "Secret")["stringData"]
    environment(monkeypatch, stateful_set, example)
    with pytest.raises(ConfigError, match="token"):
        Access(load_settings(config(tmp_path, stateful_set, example), {}))


def test_nothing_is_allowed_that_is_not_needed(stateful_set: Any) -> None:
    """No root, no capability, no disk to write to, no token of the cluster, not all memory."""
    pod = stateful_set["spec"]["template"]["spec"]
    (user,) = re.findall(r"useradd .*--uid (\d+)", DOCKERFILE)
    assert pod["securityContext"]["runAsUser"] == int(user)
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert pod["automountServiceAccountToken"] is False
    assert container(stateful_set)["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "readOnlyRootFilesystem": True,
    }
    assert container(stateful_set)["resources"]["limits"]["memory"]


def test_everything_that_is_named_is_there(stateful_set: Any) -> None:
    """Pods are found by selectors; mounts, keys, Services and claims exist; the image is ours."""
    spec = stateful_set["spec"]
    assert spec["template"]["metadata"]["labels"] == spec["selector"]["matchLabels"] == SELECTOR
    one("common/services.yaml", "Service", spec["serviceName"])
    for service in documents("common/services.yaml"):
        assert service["spec"]["selector"] == SELECTOR
    policy = one("common/networkpolicy.yaml", "NetworkPolicy")
    assert policy["spec"]["podSelector"]["matchLabels"] == SELECTOR
    pod = spec["template"]["spec"]
    claims = {each["metadata"]["name"] for each in spec.get("volumeClaimTemplates", [])}
    volumes = {each["name"] for each in pod["volumes"]} | claims
    assert {each["name"] for each in container(stateful_set)["volumeMounts"]} == volumes
    keys = set(one("common/secret.example.yaml", "Secret")["stringData"])
    for text in re.findall(r"key: (\w+)", yaml.safe_dump(stateful_set)):
        assert text in keys
    image = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))
    assert container(stateful_set)["image"] == image["services"]["collector"]["image"]


def test_one_process_has_the_folder_of_sqlite() -> None:
    """A single pod, whose successor starts when it has ended, with the data below a mount."""
    stateful_set = one("sqlite/collector.yaml", "StatefulSet")
    assert stateful_set["spec"]["replicas"] == 1
    mounts = {each["name"]: each["mountPath"] for each in container(stateful_set)["volumeMounts"]}
    variables = {each["name"]: each.get("value") for each in container(stateful_set)["env"]}
    assert variables["JOURNEYTRACE_DATA"].startswith(f"{mounts['data']}/")


def test_collectors_of_one_database_leave_one_after_the_other() -> None:
    """The budget is for the pods of the StatefulSet, and never empty."""
    stateful_set = one("postgresql/collector.yaml", "StatefulSet")
    budget = one("postgresql/collector.yaml", "PodDisruptionBudget")["spec"]
    assert budget["selector"]["matchLabels"] == SELECTOR
    assert 0 < budget["maxUnavailable"] < stateful_set["spec"]["replicas"]


def test_the_service_monitor_finds_the_collectors_once() -> None:
    """Through one Service, under the job that the rules watch, with the token of the admin port."""
    monitor = one("optional/servicemonitor.yaml", "ServiceMonitor")["spec"]
    wanted = monitor["selector"]["matchLabels"].items()
    (service,) = [
        each
        for each in documents("common/services.yaml")
        if wanted <= each["metadata"]["labels"].items()
    ]
    assert service["metadata"]["labels"][monitor["jobLabel"]] == AlertSettings().job
    (endpoint,) = monitor["endpoints"]
    assert endpoint["port"] in {port["name"] for port in service["spec"]["ports"]}
    credentials = endpoint["authorization"]["credentials"]
    assert credentials["key"] in one("common/secret.example.yaml", "Secret")["stringData"]
