"""How the desk is told who may open it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.desk.signing_in.conftest import Clock, opened_with
from tests.support.running import enter_in_background, free_settings

from journeytrace_collector.errors import ConfigError, StartError
from journeytrace_collector.process import Collector
from journeytrace_collector.security import Access
from journeytrace_collector.settings import Address, Settings, load_settings
from journeytrace_collector.settings.access import (
    DeskAccess,
    OpenIdConnect,
    ProxyHeader,
    ProxyToken,
)
from journeytrace_desk.access.cookies import KEY_FILE

HEADER = {"name": "X-User", "proxies": "10.0.0.0/8, ::1"}
TOKEN = {"name": "X-Jwt", "keys": "/keys.json", "issuer": "i", "audience": "a"}
OIDC = {"issuer": "https://id.example.com", "client_id": "desk"}
PEOPLE = {"ann@example.com": {"*": "admin"}}
URL = "https://desk.example.com"


def loaded(tmp_path: Path, access: dict[str, Any], **more: Any) -> Settings:
    """Read it from a file."""
    file = tmp_path / "collector.yaml"
    file.write_text(yaml.safe_dump({"desk_access": access, **more}))
    return load_settings(file, {})


def test_an_address_of_others_needs_to_know_people(tmp_path: Path) -> None:
    """Without that it is refused, with what to write; with it the desk listens anywhere."""
    with pytest.raises(ConfigError, match=r"desk: 0\.0\.0\.0:9465 .* desk_access .* oidc"):
        Access(load_settings(None, {"desk": "0.0.0.0:9465", "insecure": True}))
    access: dict[str, Any] = {"url": URL, "oidc": OIDC, "people": PEOPLE}
    Access(loaded(tmp_path, access, desk="0.0.0.0:9465"))


@pytest.mark.parametrize(
    ("access", "told"),
    [
        ({"people": PEOPLE}, "desk_access: says not how people are known: give proxy_header"),
        ({"proxy_header": HEADER}, "desk_access: nobody has a role: name them"),
        (
            {"proxy_header": HEADER, "proxy_token": TOKEN, "people": PEOPLE},
            "desk_access: proxy_header and proxy_token stand side by side: give one",
        ),
        ({"oidc": OIDC, "people": PEOPLE}, "url: is missing: .*/sign-in/callback"),
        ({"url": "http://desk.example.com"}, "desk_access.url: must begin with https"),
        ({"url": f"{URL}/below"}, "must be a scheme and a host alone"),
        ({"url": "https://u:p@desk.example.com"}, "must begin with https"),
        ({"url": "https://desk.example.com:x"}, "must begin with https"),
        ({"oidc": {**OIDC, "issuer": "http://id.example.com"}}, "issuer: must begin with https"),
        ({"oidc": {**OIDC, "scopes": "email"}}, "openid is missing"),
        ({"oidc": {**OIDC, "algorithms": "HS256"}}, "algorithms.0: should be 'RS256'"),
        ({"oidc": {**OIDC, "algorithms": "none"}}, "algorithms.0: should be 'RS256'"),
        ({"oidc": {**OIDC, "algorithms": ""}}, "algorithms: .*at least 1"),
        ({"proxy_token": {**TOKEN, "keys": "http://proxy/keys"}}, "keys: must begin with https"),
        ({"proxy_header": {**HEADER, "proxies": ""}}, "proxies: .*at least 1"),
        ({"proxy_header": {**HEADER, "proxies": "10.0.0.1/8"}}, "has host bits set"),
        ({"proxy_header": {**HEADER, "proxies": "proxy.internal"}}, "must be addresses such as"),
        ({"proxy_header": {**HEADER, "name": "X User"}}, "must be the name of a header"),
        ({"proxy_header": {"name": "X-User"}}, "proxies: field required"),
        ({"proxy_heder": HEADER}, "did you mean desk_access.proxy_header"),
        ({"oidc": {**OIDC, "client": "x"}}, "did you mean desk_access.oidc.client_id"),
        ({"people": {"ann": {"acme": "root"}}}, "people.ann.acme: should be 'viewer'"),
        ({"people": {"ann": "admin"}}, "people.ann: "),
        ({"lifetime": "5m", "oidc": OIDC, "url": URL, "people": PEOPLE}, "at least idle"),
        ({"idle": 30}, "desk_access.idle: must be a span of time"),
    ],
)
def test_what_is_wrong_is_said_where_it_stands(
    tmp_path: Path, access: dict[str, Any], told: str
) -> None:
    """With the key, and what is allowed instead."""
    with pytest.raises(ConfigError, match=told):
        loaded(tmp_path, access)


def test_variables_say_it_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in containers."""
    prefix = "JOURNEYTRACE_DESK_ACCESS__"
    monkeypatch.setenv(f"{prefix}PROXY_HEADER__NAME", "X-User")
    monkeypatch.setenv(f"{prefix}PROXY_HEADER__PROXIES", "10.0.0.7,10.1.0.0/16")
    monkeypatch.setenv(f"{prefix}GROUPS", '{"support": {"acme": "viewer"}}')
    found = load_settings(None, {}).desk_access
    assert found.proxy_header is not None
    assert [str(one) for one in found.proxy_header.proxies] == ["10.0.0.7/32", "10.1.0.0/16"]
    assert found.groups == {"support": {"acme": "viewer"}}


def test_every_setting_is_described() -> None:
    """At every depth."""
    parts = (DeskAccess, ProxyHeader, ProxyToken, OpenIdConnect)
    assert all(field.description for part in parts for field in part.model_fields.values())


@pytest.mark.parametrize("content", [None, "", "short", b"\xff\xfe" * 40])
def test_a_file_of_keys_has_keys(tmp_path: Path, content: str | bytes | None) -> None:
    """What is missing, empty, guessable or no text is refused at the start."""
    file = tmp_path / "keys"
    if content is not None:
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        file.chmod(0o600)
    access: dict[str, Any] = {"url": URL, "oidc": OIDC, "people": PEOPLE, "key_file": str(file)}
    with enter_in_background() as enter, pytest.raises(ConfigError, match=r"desk_access\.key_file"):
        opened_with(enter, tmp_path / "data", Clock(), **access)


@pytest.mark.parametrize("key", ["key_file", "client_secret_file"])
def test_a_secret_that_everybody_reads_is_refused(tmp_path: Path, key: str) -> None:
    """With what to do about it."""
    file = tmp_path / "secret"
    file.write_text("s" * 40)
    file.chmod(0o644)
    access: dict[str, Any] = {"url": URL, "oidc": dict(OIDC), "people": PEOPLE}
    (access if key == "key_file" else access["oidc"])[key] = str(file)
    with pytest.raises(ConfigError, match=rf"{key}: .* can be read or replaced by everybody"):
        loaded(tmp_path, access)


def test_a_missing_client_secret_is_said_at_the_start(tmp_path: Path) -> None:
    """Not when the first one signs in."""
    oidc = {**OIDC, "client_secret_file": str(tmp_path / "nowhere")}
    access: dict[str, Any] = {"url": URL, "oidc": oidc, "people": PEOPLE}
    with enter_in_background() as enter, pytest.raises(ConfigError, match="client_secret_file"):
        opened_with(enter, tmp_path / "data", Clock(), **access)


def test_two_people_have_to_be_known(tmp_path: Path) -> None:
    """Where nobody is told from anybody else two people can never decide, and that is said."""
    data, there = tmp_path / "data", Address("127.0.0.1", 0)
    more: dict[str, Any] = {"projects": {"acme": {"two_people": True}}}
    with enter_in_background() as enter:
        with pytest.raises(ConfigError, match="two_people: nobody is told from anybody else"):
            enter(Collector(free_settings(data, desk=there, **more)))
        enter(Collector(free_settings(data, **more)))


def test_a_folder_that_takes_no_key_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the setting that names another place."""

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("journeytrace_desk.access.cookies.os.link", full)
    access: dict[str, Any] = {"url": URL, "oidc": OIDC, "people": PEOPLE}
    told = "No space left on device; or name a file: desk_access.key_file"
    with enter_in_background() as enter, pytest.raises(StartError, match=told):
        opened_with(enter, tmp_path / "data", Clock(), **access)


def test_a_key_that_everybody_reads_is_refused(tmp_path: Path) -> None:
    """Also the one that was made, where somebody has opened its file."""
    file = tmp_path / "data" / KEY_FILE
    file.parent.mkdir(mode=0o700)
    file.write_text("k" * 40)
    file.chmod(0o644)
    access: dict[str, Any] = {"url": URL, "oidc": OIDC, "people": PEOPLE}
    with enter_in_background() as enter, pytest.raises(StartError, match="by everybody"):
        opened_with(enter, tmp_path / "data", Clock(), **access)
