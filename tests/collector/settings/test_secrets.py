"""No secret of the settings is ever shown."""

from __future__ import annotations

import json
import os
import traceback
from pathlib import Path
from typing import Any

import pytest
import yaml

from journeytrace_collector.errors import ConfigError
from journeytrace_collector.settings import Settings, load_settings
from journeytrace_exporters._settings import read_section
from journeytrace_exporters.otlp.settings import OtlpSettings
from journeytrace_exporters.webhook.settings import WebhookSettings

SECRET = "a-secret-to-look-for"

OTLP: dict[str, Any] = {
    "endpoint": "http://127.0.0.1:1",
    "headers": {"Authorization": f"Bearer {SECRET}"},
    "email_key": SECRET,
}
WEBHOOK: dict[str, Any] = {
    "endpoints": [{"name": "crm", "url": "https://example.com", "secret": SECRET}]
}
WITH_SECRETS: dict[str, Any] = {
    "token": SECRET,
    "admin_token": f"{SECRET}-too",
    "store": f"postgresql://u:{SECRET}@localhost/db",
    "exporters": {"otlp": OTLP, "webhook": WEBHOOK},
}


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.upper().startswith("JOURNEYTRACE_"):
            monkeypatch.delenv(name)


def test_settings_show_no_secret(tmp_path: Path) -> None:
    """Neither repr nor str of settings, as a traceback or a log line may hold it, has a secret."""
    file = tmp_path / "journeytrace.yaml"
    file.write_text(yaml.safe_dump(WITH_SECRETS))
    settings = load_settings(file, {})
    assert settings.exporters["otlp"] == OTLP
    for shown in (repr(settings), str(settings), f"{settings!r}", repr(vars(settings)["store"])):
        assert SECRET not in shown


def test_every_secret_setting_is_among_these() -> None:
    """A setting whose name or type says that it is secret is one that these tests know."""
    secret = {
        name
        for name, field in Settings.model_fields.items()
        if "Secret" in str(field.annotation) or not field.repr
    }
    assert secret == set(WITH_SECRETS)


def test_sections_of_exporters_show_no_secret() -> None:
    """Checked sections keep to themselves what they hold."""
    assert SECRET not in repr(read_section("otlp", OtlpSettings, OTLP))
    assert SECRET not in repr(read_section("webhook", WebhookSettings, WEBHOOK))


WRONG = [
    {"token": f"{SECRET} {SECRET}"},
    {"admin_token": [SECRET, "and more"]},
    {"store": f"mysql://u:{SECRET}@h/db"},
    {"store": {"password": SECRET}},
    {"exporters": SECRET},
    {"exporters": [SECRET]},
    {"exporters": {"otlp": SECRET}},
    {"tokens": SECRET},
    {"projects": {"beta": {"token": SECRET}}},
]
# In a variable these are texts like any other.
WRONG_IN_FILES = [
    {"idle_timeout": {"token": SECRET}},
    {"data": [SECRET]},
    {"admin": {"token": SECRET}},
]


@pytest.mark.parametrize(
    ("wrong", "layer"),
    [
        *((wrong, layer) for wrong in WRONG for layer in ("file", "variable")),
        *((wrong, "file") for wrong in WRONG_IN_FILES),
    ],
    ids=str,
)
def test_no_message_about_settings_shows_a_secret(
    wrong: dict[str, Any], layer: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is wrong about a value is told without the value, in the traceback too."""
    file = tmp_path / "journeytrace.yaml"
    file.write_text(yaml.safe_dump(wrong if layer == "file" else {}))
    if layer == "variable":
        for key, value in wrong.items():
            text = value if isinstance(value, str) else json.dumps(value)
            monkeypatch.setenv(f"JOURNEYTRACE_{key.upper()}", text)
    with pytest.raises(ConfigError) as caught:
        load_settings(file, {})
    assert SECRET not in str(caught.value)
    assert SECRET not in "".join(traceback.format_exception(caught.value, limit=0))


@pytest.mark.parametrize(
    "section",
    [
        {"endpoint": f"http://u:{SECRET}@localhost:1"},
        {"endpoint": f"{SECRET}"},
        {"headers": f"Authorization={SECRET}"},
        {"headers": {"Authorization": [SECRET]}},
        {"headers": {"Authorization": f"{SECRET}\n"}},
        {"email_key": [SECRET]},
        {"key": SECRET},
        {"protocol": SECRET},
    ],
    ids=str,
)
def test_no_message_about_a_section_shows_a_secret(section: dict[str, Any]) -> None:
    """The same of what only the exporter can check."""
    with pytest.raises(ConfigError) as caught:
        read_section("otlp", OtlpSettings, section)
    assert SECRET not in str(caught.value)
    assert SECRET not in "".join(traceback.format_exception(caught.value, limit=0))


@pytest.mark.parametrize("mode", [0o644, 0o604, 0o602])
def test_a_secret_that_is_everybodys_is_refused(tmp_path: Path, mode: int) -> None:
    """Tokens and keys, the collector's own, a sender's, an exporter's: it says what to do."""
    key = tmp_path / "key.pem"
    key.write_text("")
    key.chmod(mode)
    for name in ("tls_key", "token_file", "admin_token_file"):
        with pytest.raises(ConfigError, match=r"key\.pem can be read .*chmod o-rwx") as caught:
            load_settings(None, {name: str(key)})
        assert str(caught.value).startswith(f"--{name.replace('_', '-')}: ")
    with pytest.raises(ConfigError, match=r"senders.web.token.file: .*chmod o-rwx"):
        load_settings(None, {"senders": {"web": {"token_file": str(key)}}})
    section = {"tls": {"cert_file": str(key), "key_file": str(key)}}
    with pytest.raises(ConfigError, match=r"key_file.*chmod o-rwx"):
        read_section("otlp", OtlpSettings, section)


@pytest.mark.parametrize("mode", [0o600, 0o440])
def test_a_secret_may_be_its_groups(tmp_path: Path, mode: int) -> None:
    """As a secret is shared with a service."""
    key = tmp_path / "key.pem"
    key.write_text("")
    key.chmod(mode)
    assert load_settings(None, {"tls_key": str(key)}).tls_key == key
