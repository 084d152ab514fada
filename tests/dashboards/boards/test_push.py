"""Pushing to a server that answers as Grafana's API is documented; no Grafana runs here."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

import pytest
from tests.support.waiting import join

from journeytrace_dashboards.alerts import Settings, alert_groups
from journeytrace_dashboards.push import PushError, push
from journeytrace_dashboards.push_alerts import push_alerts
from journeytrace_dashboards.sources import Addresses, datasources

TOKEN = "glsa_only-for-tests"
SOURCES = datasources(
    Addresses("http://prometheus:9090", "http://tempo:3200", "postgresql://reader@db/journeytrace")
)
Document = dict[str, Any]
GROUPS = "/api/v1/provisioning/folder/journeytrace/rule-groups/"
RULE_FIELDS = {
    *("annotations", "condition", "data", "execErrState", "folderUID", "for", "id", "isPaused"),
    *("keep_firing_for", "labels", "missing_series_evals_to_resolve", "noDataState"),
    *("notification_settings", "orgID", "provenance", "record", "ruleGroup", "title", "uid"),
    "updated",
}
"""What Grafana documents of a ProvisionedAlertRule."""


class Grafana:
    """Keeps what it is given, under the uids it is given, and remembers who wrote what."""

    def __init__(self) -> None:
        self.sources: dict[str, Document] = {}
        self.folders: dict[str, Document] = {}
        self.boards: dict[str, Document] = {}
        self.groups: dict[str, Document] = {}
        self.writes: list[str] = []
        answer = self._answer

        class Handler(BaseHTTPRequestHandler):
            def do(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                body = json.loads(self.rfile.read(length)) if length else {}
                authorised = self.headers["Authorization"] == f"Bearer {TOKEN}"
                found = answer(self.command, self.path, body) if authorised else None
                content = json.dumps(found or {"message": "not found or not yours"}).encode()
                self.send_response(200 if found else 404 if authorised else 401)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = do_PUT = do  # noqa: N815 - the names that the base looks for

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        join(self._thread)
        self._server.server_close()

    def _answer(self, method: str, path: str, body: Document) -> Document | None:
        uid = path.rsplit("/", 1)[-1]
        if method != "GET":
            self.writes.append(f"{method} {path}")
            return self._write(path, uid, body)
        if path.startswith("/api/datasources/uid/"):
            return self.sources.get(uid)
        if path.startswith("/api/folders/"):
            return self.folders.get(uid)
        if path.startswith(GROUPS):
            return self.groups.get(uid)
        assert path.startswith("/api/dashboards/uid/"), path
        return self.boards.get(uid)

    def _write(self, path: str, uid: str, body: Document) -> Document:
        if path.startswith("/api/datasources"):
            # Secrets are never shown again, and some fields come from Grafana.
            shown = {key: value for key, value in body.items() if key != "secureJsonData"}
            uid = body["uid"]
            self.sources[uid] = {**shown, "id": 1, "orgId": 1, "readOnly": False}
            return self.sources[uid]
        if path == "/api/folders":
            self.folders[body["uid"]] = body
            return body
        if path.startswith(GROUPS):
            return self._write_group(uid, body)
        assert path == "/api/dashboards/db"
        board = body["dashboard"]
        version = self.boards.get(board["uid"], {"dashboard": {"version": 0}})["dashboard"][
            "version"
        ]
        self.boards[board["uid"]] = {
            "dashboard": {**board, "id": 7, "version": version + 1},
            "meta": {"folderUid": body["folderUid"]},
        }
        return {"uid": board["uid"], "status": "success"}

    def _write_group(self, uid: str, body: Document) -> Document:
        """Take a group as the API is documented: nothing unknown, everything that it needs."""
        assert set(body) == {"title", "folderUid", "interval", "rules"}
        assert body["title"] == uid
        assert body["interval"] % 10 == 0
        for rule in body["rules"]:
            assert set(rule) <= RULE_FIELDS
            assert set(rule) >= {"uid", "title", "orgID", "condition", "data", "for"}
            assert (rule["ruleGroup"], rule["folderUID"]) == (uid, body["folderUid"])
        given = [{"id": 1, "updated": "2026-01-01T00:00:00Z", **rule} for rule in body["rules"]]
        self.groups[uid] = {**body, "rules": given}
        return self.groups[uid]


@pytest.fixture
def grafana() -> Iterator[Grafana]:
    """An empty one."""
    with Grafana() as server:
        yield server


def test_everything_is_brought(grafana: Grafana, boards: dict[str, Document]) -> None:
    """Data sources first, then the folder, then the dashboards into it."""
    said = list(push(grafana.url, TOKEN, SOURCES, "secret"))
    assert [line.split()[0] for line in said] == ["created"] * 8
    assert set(grafana.sources) == {"postgresql", "prometheus", "tempo"}
    assert [*grafana.folders] == ["journeytrace"]
    for board in boards.values():
        there = grafana.boards[board["uid"]]
        assert there["dashboard"] == board | {"id": 7, "version": 1}
        assert there["meta"]["folderUid"] == "journeytrace"


def test_again_nothing_is_written(grafana: Grafana) -> None:
    """It can run after every deployment."""
    list(push(grafana.url, TOKEN, SOURCES))
    grafana.writes.clear()
    said = list(push(grafana.url, TOKEN, SOURCES))
    assert [line.split()[0] for line in said] == ["unchanged"] * 8
    assert grafana.writes == []


def test_what_was_changed_by_hand_comes_back(grafana: Grafana) -> None:
    """And what is as it should be is left alone."""
    list(push(grafana.url, TOKEN, SOURCES))
    grafana.writes.clear()
    grafana.boards["journeytrace-sessions"]["dashboard"]["title"] = "Mine"
    grafana.boards["journeytrace-health"]["meta"]["folderUid"] = "elsewhere"
    grafana.sources["tempo"]["jsonData"]["tracesToMetrics"]["tags"] = []
    said = list(push(grafana.url, TOKEN, SOURCES))
    assert [line for line in said if line.startswith("updated")] == [
        "updated data source tempo",
        "updated dashboard journeytrace-sessions",
        "updated dashboard journeytrace-health",
    ]
    assert grafana.writes == [
        "PUT /api/datasources/uid/tempo",
        "POST /api/dashboards/db",
        "POST /api/dashboards/db",
    ]


def test_alerts_are_brought_and_again_nothing_is_written(grafana: Grafana) -> None:
    """Into the dashboards' folder, each group by itself."""
    said = list(push_alerts(grafana.url, TOKEN, Settings()))
    assert {line.split()[0] for line in said} == {"created"}
    names = {group.name for group in alert_groups() if group.alerts}
    assert set(grafana.groups) == names
    rules = [rule for group in grafana.groups.values() for rule in group["rules"]]
    assert {rule["title"] for rule in rules} >= {"JourneyNoSessions", "JourneySendersRefused"}
    grafana.writes.clear()
    said = list(push_alerts(grafana.url, TOKEN, Settings()))
    assert {line.split()[0] for line in said} == {"unchanged"}
    assert grafana.writes == []


def test_only_the_alerts_that_differ_are_written(grafana: Grafana) -> None:
    """Whether by hand in Grafana or in the settings; what others keep there is left alone."""
    list(push_alerts(grafana.url, TOKEN, Settings()))
    grafana.writes.clear()
    grafana.groups["Theirs"] = {"title": "Theirs"}
    grafana.groups["JourneyErrorSpike"]["rules"][0]["isPaused"] = True
    said = list(push_alerts(grafana.url, TOKEN, replace(Settings(), rejected_share=0.5)))
    assert [line for line in said if line.startswith("updated")] == [
        "updated alerts JourneyErrorSpike",
        "updated alerts JourneySenders",
    ]
    assert grafana.writes == [f"PUT {GROUPS}JourneyErrorSpike", f"PUT {GROUPS}JourneySenders"]
    assert grafana.groups["Theirs"] == {"title": "Theirs"}


def test_what_is_not_ours_is_left_alone(grafana: Grafana) -> None:
    """Data sources that nobody asked for, and what others keep there."""
    grafana.sources["prometheus"] = {"uid": "prometheus", "url": "http://somebody-else's"}
    grafana.boards["theirs"] = {"dashboard": {"uid": "theirs"}, "meta": {"folderUid": ""}}
    list(push(grafana.url, TOKEN, []))
    assert grafana.sources == {"prometheus": {"uid": "prometheus", "url": "http://somebody-else's"}}
    assert grafana.boards["theirs"]["dashboard"] == {"uid": "theirs"}


def test_a_new_password_is_written(grafana: Grafana) -> None:
    """Grafana does not show the old one, so it cannot be compared."""
    list(push(grafana.url, TOKEN, SOURCES, "old"))
    grafana.writes.clear()
    list(push(grafana.url, TOKEN, SOURCES, "new"))
    assert grafana.writes == ["PUT /api/datasources/uid/postgresql"]


def test_a_wrong_token_says_what_is_needed(grafana: Grafana) -> None:
    """Nothing is written."""
    with pytest.raises(PushError, match="service account"):
        list(push(grafana.url, "wrong", SOURCES))
    assert grafana.writes == []


def test_no_grafana_is_told() -> None:
    """With the address that was asked."""
    with pytest.raises(PushError, match=r"^http://127\.0\.0\.1:9 cannot be reached: [^<>()]+$"):
        list(push("http://127.0.0.1:9", TOKEN, SOURCES))


def test_exemplars_open_traces_and_traces_lead_to_metrics() -> None:
    """The data sources know each other by their uids."""
    settings = {source["uid"]: source["jsonData"] for source in SOURCES}
    assert settings["prometheus"]["exemplarTraceIdDestinations"] == [
        {"name": "trace_id", "datasourceUid": "tempo"}
    ]
    assert settings["tempo"]["tracesToMetrics"]["datasourceUid"] == "prometheus"


@pytest.mark.parametrize("url", ["http://db/x", "postgresql://db", "postgresql:///x", "db:5432"])
def test_an_address_that_is_none_is_refused(url: str) -> None:
    """With the form it should have."""
    with pytest.raises(ValueError, match="postgresql://user@host:5432/db"):
        datasources(Addresses(postgresql=url))
