"""Rules from the outside: the API, the command and the desk, against one collector."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from tests.desk.conftest import Desk
from tests.support.events import MINUTE, event
from tests.support.running import Enter, free_settings
from tests.support.waiting import PATIENCE, exhaust
from typer.testing import CliRunner, Result

from journeytrace.catalogue import builtin_catalogue
from journeytrace_collector.admin import replaying
from journeytrace_collector.cli import app
from journeytrace_collector.errors import StartError
from journeytrace_collector.insight.rule_file import RulesError
from journeytrace_collector.process import Collector
from journeytrace_collector.settings import Address
from journeytrace_collector.store.opening import load_rules, open_store

OWN = """
[rules.held-too-long]
off = true
[rules.no-retake]
meaning = "Approved although <a face> had to be taken again."
when = { decision = "APPROVED" }
forbids = { event = "FACE_COMPARE", result = "FAIL" }
"""
FINAL = "final-page-without-decision"


@pytest.fixture(scope="module")
def place(entering: Enter, tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """A collector with rules of its own over fifteen sessions, all but one at rest."""
    data = tmp_path_factory.mktemp("rules")
    (data / "own.toml").write_text(OWN)
    chosen = free_settings(
        data / "data", desk=Address("127.0.0.1", 0), conformance=data / "own.toml"
    )
    now = time.time_ns()
    old = now - 24 * 60 * MINUTE
    catalogue = builtin_catalogue()
    with closing(open_store(chosen, catalogue, load_rules(chosen.conformance, catalogue))) as store:
        for number in range(12):
            at = old + number * MINUTE
            store.write([event("FINAL_PAGE_VIEW", at, session_id=f"final-{number:02}")])
        for number in range(2):
            mine = {"session_id": f"approved-{number}"}
            store.write(
                [
                    event("ID_RECOGNITION", old, result="PASS", **mine),
                    event("FACE_COMPARE", old + 1, result="FAIL", **mine),
                    event("FACE_COMPARE", old + 2, result="PASS", **mine),
                    event("APPROVED", old + 3, **mine),
                    event("FINAL_PAGE_VIEW", old + 4, **mine),
                ]
            )
        exhaust("settling", lambda: store.settle(now, 5) == 5)
        store.write([event("FINAL_PAGE_VIEW", now, session_id="goes on")])
    collector: Collector = entering(Collector(chosen, lambda: now))
    return Desk(f"http://{collector.desk}", str(collector.admin), str(collector.otlp_http))


@pytest.fixture
def run(place: Desk) -> Callable[..., Result]:
    """Run a command against the collector."""
    return lambda *words: CliRunner().invoke(app, [*words, "--url", f"http://{place.admin}"])


def post(
    place: Desk, body: Any, query: str = "", kind: str = "application/json"
) -> tuple[int, Any]:
    """Ask for a replay."""
    with closing(http.client.HTTPConnection(place.admin, timeout=PATIENCE)) as connection:
        path = f"/api/v1/conformance/replay{query}"
        connection.request("POST", path, json.dumps(body), {"Content-Type": kind})
        reply = connection.getresponse()
        return reply.status, json.loads(reply.read() or b"null")


def test_the_rules_are_listed_with_who_violates_them(run: Callable[..., Result]) -> None:
    """A user's file is laid over the built-in rules, and each has its number of sessions."""
    rules = json.loads(run("conformance", "--json").stdout)["rules"]
    found = {rule["name"]: rule for rule in rules}
    assert len(found) == 8
    assert "held-too-long" not in found
    assert (found[FINAL]["sessions"], found["no-retake"]["sessions"]) == (12, 2)
    assert [name for name, rule in found.items() if rule["own"]] == ["no-retake"]
    assert "no-retake" in run("conformance").stdout


def test_lists_and_counts_filter_by_rule(run: Callable[..., Result]) -> None:
    """The sessions that violate a rule are listed, and each says which."""
    listed = json.loads(run("sessions", "--violates", "no-retake", "--json").stdout)["sessions"]
    assert {one["session_id"]: one["violates"] for one in listed} == {
        "approved-0": ["no-retake"],
        "approved-1": ["no-retake"],
    }
    assert "Violates      no-retake" in run("show", "approved-0").stdout
    assert "No session matches" in run("sessions", "--violates", "decided-unseen").stderr


def test_a_replay_reads_all_in_parts_and_counts_nothing(
    run: Callable[..., Result],
    place: Desk,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """New rules are held against every session at rest, however small the parts are."""
    monkeypatch.setattr(replaying, "SESSIONS", 5)
    monkeypatch.setattr(replaying, "EVENTS", 6)
    (tmp_path / "new.toml").write_text(
        '[rules.passed]\nmeaning="Never passed."\nwhen={status="COMPLETED"}\n'
        'requires={event="FACE_COMPARE",result="PASS"}'
    )
    words = ("conformance", "--replay", "--since", "7d", "--rules", str(tmp_path / "new.toml"))
    found = json.loads(run(*words, "--json").stdout)
    assert found["checked"] == 14
    (rule,) = found["rules"]
    assert (rule["name"], rule["sessions"]) == ("passed", 12)
    newest = [f"final-{number:02}" for number in range(11, 1, -1)]
    assert [one["session_id"] for one in rule["newest"]] == newest
    assert "and 2 more" in run(*words).stdout
    assert "Of 14 sessions at rest" in run("conformance", "--replay", "--since", "7d").stdout
    assert json.loads(run("sessions", "--violates", "passed", "--json").stdout)["sessions"] == []
    assert counted(place) == {}


def counted(place: Desk) -> dict[str, float]:
    """Give what the collector has counted since it started, by rule."""
    with closing(http.client.HTTPConnection(place.admin, timeout=PATIENCE)) as connection:
        connection.request("GET", "/metrics")
        lines = connection.getresponse().read().decode().splitlines()
    found = [one for one in lines if one.startswith("journey_conformance_violations_total{")]
    return {
        line.partition('rule="')[2].partition('"')[0]: float(line.rpartition(" ")[2])
        for line in found
        if not line.endswith(" 0.0")
    }


@pytest.mark.parametrize(
    ("body", "query", "status", "said"),
    [
        ({"rules": "[rules.x]"}, "", 400, "rules.x demands nothing"),
        ({"rules": "x" * 70_000}, "", 400, "up to 65536 characters"),
        ({"rule": None}, "", 400, "cannot be read from the body"),
        ({"rules": None}, "?limit=3", 400, "limit is no parameter"),
        ({"rules": None}, "?since=yesterday", 400, "since is 'yesterday'"),
    ],
)
def test_a_replay_that_cannot_be_is_answered(
    place: Desk, body: Any, query: str, status: int, said: str
) -> None:
    """What is wrong with it is told, and with which part of it."""
    found, answer = post(place, body, query)
    assert found == status
    assert said in answer["error"]["message"]


def test_a_page_of_elsewhere_cannot_ask_for_a_replay(place: Desk) -> None:
    """It has to be said to be JSON, which a foreign page may not send unasked."""
    assert post(place, {"rules": None}, kind="text/plain")[0] == 415


def test_the_desk_shows_and_filters(place: Desk) -> None:
    """A session names its rules with what they mean, and leads to the others; the list marks it."""
    page = place.get("/session?id=approved-0").text
    assert '<a class="rule" href="/sessions?rule=no-retake">no-retake</a>' in page
    assert "Approved although &lt;a face&gt; had to be taken again." in page
    assert 'class="rules"' not in place.get("/session?id=goes+on").text
    listed = place.get("/sessions?rule=no-retake").text
    assert listed.count('class="rule"') == listed.count("rule broken") == 2
    assert '<option value="no-retake" selected>' in listed
    assert "2 match" in listed


def test_a_faulty_file_ends_the_start(tmp_path: Path, entering: Enter) -> None:
    """The collector says what to mend, and does not start."""
    (tmp_path / "own.toml").write_text('[rules.x]\nmeaning = "x"')
    settings = free_settings(tmp_path / "data", conformance=tmp_path / "own.toml")
    with pytest.raises((RulesError, StartError), match=r"own\.toml: rules\.x demands nothing"):
        entering(Collector(settings))


def test_a_file_is_checked_without_a_collector(tmp_path: Path) -> None:
    """A faulty one ends the command with what to mend; a good one is listed with the others."""
    file = tmp_path / "own.toml"
    file.write_text(OWN)
    good = CliRunner().invoke(app, ["conformance", "--rules", str(file)])
    assert (good.exit_code, "no-retake" in good.stdout) == (0, True)
    file.write_text("[rules.held-too-long]\noff = 1")
    faulty = CliRunner().invoke(app, ["conformance", "--rules", str(file)])
    assert (faulty.exit_code, "off is an integer; write true" in faulty.stderr) == (2, True)
