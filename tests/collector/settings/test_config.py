"""Settings come from four layers, and a wrong one is named."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr, ValidationError

from journeytrace._settings import CATALOGUE_VARIABLE
from journeytrace_collector.errors import ConfigError
from journeytrace_collector.settings import Address, Project, Settings, load_settings
from journeytrace_collector.settings.durations import format_duration, parse_duration
from journeytrace_collector.settings.model import Sender


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.upper().startswith("JOURNEYTRACE_"):
            monkeypatch.delenv(name)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where a test puts its configuration."""
    return tmp_path / "journeytrace.yaml"


def test_defaults() -> None:
    """With nothing given, the documented defaults hold."""
    settings = load_settings(None, {})
    assert settings == Settings()
    assert str(settings.otlp_grpc) == "127.0.0.1:4317"
    assert str(settings.otlp_http) == "127.0.0.1:4318"
    assert str(settings.admin) == "127.0.0.1:9464"
    assert settings.idle_timeout == timedelta(minutes=20)
    assert settings.data == Path("journeytrace-data")
    assert settings.catalogue is None


def test_each_layer_beats_the_one_below(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A flag beats a variable, which beats the file, which beats the default."""
    file.write_text("data: file\nidle_timeout: 1m\nlog_level: debug\n")
    monkeypatch.setenv("JOURNEYTRACE_DATA", "variable")
    monkeypatch.setenv("JOURNEYTRACE_IDLE_TIMEOUT", "2m")
    settings = load_settings(file, {"data": "flag", "admin": None})
    assert settings.data == Path("flag")
    assert settings.idle_timeout == timedelta(minutes=2)
    assert settings.log_level == "DEBUG"
    assert settings.admin == Address("127.0.0.1", 9464)


def test_one_variable_names_the_catalogue_of_service_and_collector(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What the library reads as its own catalogue's file is the collector's setting, too."""
    monkeypatch.setenv(CATALOGUE_VARIABLE, "own.toml")
    assert load_settings(None, {}).catalogue == Path("own.toml")


def test_settings_alone_read_no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only load_settings looks at variables."""
    monkeypatch.setenv("JOURNEYTRACE_DATA", "variable")
    assert Settings().data == Path("journeytrace-data")


def test_projects_of_senders_are_known_beforehand() -> None:
    """As those with settings of their own are: their counters are there before the first event."""
    crm = Sender(token=SecretStr("sixteen-chars-ok"), projects=("globex",))
    anybody = Sender(token=SecretStr("another-sixteen!"))
    settings = Settings(projects={"acme": Project()}, senders={"crm": crm, "any": anybody})
    assert settings.named_projects == {"acme", "globex"}
    assert Settings().named_projects == frozenset()


def test_settings_are_frozen() -> None:
    """Nothing changes settings once they are checked."""
    with pytest.raises(ValidationError):
        Settings().data = Path("elsewhere")


def test_every_field_is_described() -> None:
    """Each field has the sentence that its flag shows as help."""
    assert all(field.description for field in Settings.model_fields.values())


def test_empty_file_and_empty_variable_change_nothing(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An empty file is no fault, and an empty variable counts as not set."""
    file.write_text("# nothing yet\n")
    monkeypatch.setenv("JOURNEYTRACE_OTLP_GRPC", "")
    assert load_settings(file, {}) == Settings()


def test_sizes_take_units(file: Path) -> None:
    """A size is a number of bytes, with or without a unit."""
    file.write_text("max_request_bytes: 1MiB\nmax_event_bytes: 1000\n")
    settings = load_settings(file, {})
    assert settings.max_request_bytes == 1024 * 1024
    assert settings.max_event_bytes == 1000


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("otlp_gprc: localhost:1", "otlp_gprc: is unknown; did you mean otlp_grpc?"),
        ("zebra: 1", "zebra: is unknown; known are admin, admin_token"),
        ("idle_timeout: 90", "idle_timeout: must be a span of time such as 20m"),
        ("idle_timeout: 0s", "idle_timeout: must be longer than zero"),
        ("idle_timeout: 367d", "idle_timeout: must be longer than zero and at most 366d"),
        ("idle_timeout: 99999d", "at most 366d"),
        ("projects: {beta: {retention: 9}}", "projects.beta.retention: is unknown; did you mean"),
        (
            "projects: {beta: {zebra: 9}}",
            "projects.beta.zebra: is unknown; known are approve_with_open_hits, retention_days",
        ),
        ("projects: {beta: {retention_days: {a: 1}}}", "beta.retention_days: should be 30, 90"),
        ("admin: 9464", "admin: must be host:port such as 127.0.0.1:4317"),
        ("admin: localhost:70000", "admin: must be host:port"),
        ("data: ''", "data: must be a path"),
        ("max_event_bytes: 0", "max_event_bytes: should be greater than 0"),
        ("max_event_attributes: 0", "max_event_attributes: should be greater than 0"),
        ("max_event_attributes: many", "max_event_attributes: should be a valid integer"),
        ("max_request_bytes: 128MiB", "max_queued_bytes: must be at least max_request_bytes"),
        ("log_level: loud", "log_level: should be 'DEBUG', 'INFO'"),
    ],
)
def test_a_wrong_line_is_named(file: Path, line: str, said: str) -> None:
    """The message gives the key and what is allowed."""
    file.write_text(line)
    with pytest.raises(ConfigError) as caught:
        load_settings(file, {})
    assert said in str(caught.value)


def test_a_problem_names_its_own_layer(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """File, variable and flag each appear the way the user wrote them, one line a problem."""
    file.write_text("idle_timeout: soon\n")
    monkeypatch.setenv("JOURNEYTRACE_OTLP_HTTP", "4318")
    with pytest.raises(ConfigError) as caught:
        load_settings(file, {"log_level": "loud"})
    lines = str(caught.value).splitlines()
    assert [line.split(": ")[0] for line in lines] == [
        "JOURNEYTRACE_OTLP_HTTP",
        str(file),
        "--log-level",
    ]


def test_the_layer_that_won_is_named(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A value that was overridden is not the one to mend."""
    file.write_text("admin: 1\n")
    monkeypatch.setenv("JOURNEYTRACE_ADMIN", "2")
    with pytest.raises(ConfigError, match=r"^JOURNEYTRACE_ADMIN: must be host:port"):
        load_settings(file, {})


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("JOURNEYTRACE_IDLE_TIMOUT", "did you mean JOURNEYTRACE_IDLE_TIMEOUT?"),
        ("JOURNEYTRACE_ZEBRA", "is unknown; known are"),
        ("JOURNEYTRACE_DATA__SUB", "must be a path"),
    ],
)
def test_unknown_variables_are_refused(
    name: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A misspelt variable is a fault, not a silent default."""
    monkeypatch.setenv(name, "1m")
    with pytest.raises(ConfigError) as caught:
        load_settings(None, {})
    assert str(caught.value).startswith("JOURNEYTRACE_")
    assert said in str(caught.value)


LINKS = {
    "PORT": "tcp://10.96.0.17:4317",
    "PORT_4317_TCP": "tcp://10.96.0.17:4317",
    "PORT_4317_TCP_PROTO": "tcp",
    "PORT_4317_TCP_PORT": "4317",
    "PORT_4317_TCP_ADDR": "10.96.0.17",
    "PORT_53_UDP": "udp://[fd00::17]:53",
    "PORT_53_UDP_ADDR": "fd00::17",
    "SERVICE_HOST": "10.96.0.17",
    "SERVICE_PORT": "4317",
    "SERVICE_PORT_OTLP_GRPC": "4317",
}


@pytest.mark.parametrize("service", ["", "COLLECTOR_", "OTLP_GRPC_", "ADMIN_"])
def test_what_kubernetes_says_of_services_is_no_setting(
    service: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Behind a Service whose name begins like our variables the collector starts as without it."""
    for name, value in LINKS.items():
        monkeypatch.setenv(f"JOURNEYTRACE_{service}{name}", value)
    assert load_settings(None, {}) == Settings()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("JOURNEYTRACE_PORT", "4317"),
        ("JOURNEYTRACE_ADMIN_PORT", "9464"),
        ("JOURNEYTRACE_OTLP_GRPC_PORT", "127.0.0.1:4317"),
        ("JOURNEYTRACE_PORT_4317", "tcp://10.96.0.17:4317"),
        ("JOURNEYTRACE_PORT_4317_TCP_HOST", "10.96.0.17"),
        ("JOURNEYTRACE_SERVICE_HOST", "collector"),
        ("JOURNEYTRACE_SERVICE", "10.96.0.17"),
        ("JOURNEYTRACE_PROJECTS__BETA__X_PORT", "tcp://10.96.0.17:1"),
        ("JOURNEYTRACE_IDLE_TIMEOUT__SERVICE_PORT", "9"),
    ],
)
def test_what_only_looks_like_kubernetes_is_refused(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A variable that somebody may have meant for the collector is a fault all the same."""
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigError):
        load_settings(None, {})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"- a\n- b\n", "must hold keys and values"),
        (b"data: [\n", "is not valid YAML"),
        (b"data: a\ndata: b\n", "data stands twice"),
        (b"\xff\xfe\xfa", "is not valid YAML"),
    ],
)
def test_an_unusable_file_is_one_line(file: Path, text: bytes, said: str) -> None:
    """A file that is no mapping is refused with its name, in one line."""
    file.write_bytes(text)
    with pytest.raises(ConfigError) as caught:
        load_settings(file, {})
    assert str(caught.value).startswith(f"{file}: ")
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_refused(file: Path) -> None:
    """A file that was asked for must exist."""
    with pytest.raises(ConfigError, match="cannot be read"):
        load_settings(file, {})


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [("localhost:0", "localhost", 0), ("[::1]:4317", "::1", 4317), ("0.0.0.0:1", "0.0.0.0", 1)],
)
def test_addresses_round_trip(text: str, host: str, port: int) -> None:
    """An address prints the way it is written."""
    assert Address.parse(text) == Address(host, port)
    assert str(Address.parse(text)) == text


@pytest.mark.parametrize(
    "text",
    ["", ":1", "a", "a:", "a:b", "::1:80", "[x]:1", "a:65536", "a b:1"],
)
def test_bad_addresses(text: str) -> None:
    """Anything but host:port is refused."""
    with pytest.raises(ValueError, match=r".+"):
        Address.parse(text)


@given(st.integers(min_value=1, max_value=10**7))
def test_durations_round_trip(seconds: int) -> None:
    """Every whole span is read back as it was written."""
    span = timedelta(seconds=seconds)
    assert parse_duration(format_duration(span)) == span


@pytest.mark.parametrize(
    "text",
    ["", "90", "-5m", "5 m", "1m1h", "1.5h", "m", "9" * 30 + "d", "\u0663m"],
)
def test_bad_durations(text: str) -> None:
    """A bare number, another order or another unit is refused."""
    with pytest.raises(ValueError, match="span of time"):
        parse_duration(text)
