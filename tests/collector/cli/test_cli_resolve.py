"""A session is found by what people have of it: its id, the beginning of that, its support code."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pytest
from tests.support.events import IDLE_TIMEOUT, SECOND, event
from tests.support.running import enter_in_background, free_settings
from tests.support.waiting import PATIENCE
from typer.testing import CliRunner, Result

from journeytrace.catalogue import builtin_catalogue
from journeytrace.identity import support_code, trace_id
from journeytrace_collector.cli import app
from journeytrace_collector.process import Collector
from journeytrace_collector.store import SqliteStore

Ask = Callable[..., Result]

ONE = "018f3b5e-0000-7000-8000-000000000001"
TWO = "018f3b5e-0000-7000-8000-000000000002"
OTHER = "2cbd2322-32b4-499d-a71e-9b4b3c0a4aaa"
CODE = support_code(trace_id(OTHER))
SHARED = ("shared-292709", "shared-643921")
"""Ids that happen to have one support code: one pair in 2⁴⁰ does."""
SHARED_CODE = "W7N8YECG"


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of a collector that knows six sessions."""
    settings = free_settings(tmp_path_factory.mktemp("store"))
    at = time.time_ns()
    with closing(SqliteStore(settings.data, builtin_catalogue(), IDLE_TIMEOUT)) as store:
        for number, session_id in enumerate((ONE, TWO, OTHER, "by-code-alone", *SHARED)):
            blocked = {"result": "FAIL", "impact": "BLOCKED"} if session_id == TWO else {}
            store.write([event("IP_RISK_CHECK", at - number * SECOND, session_id=session_id)])
            store.write([event("FACE_COMPARE", at, session_id=session_id, **blocked)])
    with enter_in_background() as enter:
        yield f"http://{enter(Collector(settings)).admin}"


@pytest.fixture
def ask(url: str) -> Ask:
    """Run a command against the collector."""
    return lambda *words: CliRunner().invoke(app, [*words, "--url", url])


def shown(answer: Result) -> str:
    """Give the id of the session that ``show --json`` has found."""
    assert answer.exit_code == 0, answer.output
    found: str = json.loads(answer.stdout)["session"]["session_id"]
    return found


@pytest.mark.parametrize(
    ("given", "found"),
    [
        (OTHER, OTHER),
        (OTHER[:8], OTHER),
        ("2CBD2322-32B4", OTHER),
        ("2cbd232232b4499d", OTHER),
        (CODE, OTHER),
        (f"{CODE[:4]}-{CODE[4:]}".lower(), OTHER),
        ("by-code", "by-code-alone"),
    ],
)
def test_one_session_is_meant(ask: Ask, given: str, found: str) -> None:
    """A whole id, the beginning of one, and a code as it was heard lead to the session."""
    assert shown(ask("show", given, "--json")) == found


def test_several_are_listed(ask: Ask) -> None:
    """A beginning of two ids lists both and ends with exit code 2."""
    answer = ask("show", "018f3b5e")
    assert answer.exit_code == 2
    assert ONE in answer.stdout
    assert TWO in answer.stdout
    assert "2 sessions are called '018f3b5e'" in answer.stderr


def get(url: str) -> tuple[int, dict[str, Any]]:
    """Ask the API."""
    try:
        with urllib.request.urlopen(url, timeout=PATIENCE) as answer:  # noqa: S310 - our own
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def test_sessions_that_share_a_code_are_listed(ask: Ask) -> None:
    """Their support code lists them and ends with exit code 2."""
    answer = ask("show", f"{SHARED_CODE[:4]}-{SHARED_CODE[4:]}".lower())
    assert answer.exit_code == 2
    assert all(session in answer.stdout for session in SHARED)
    assert "2 sessions are called 'w7n8-yecg': give more of the id." in answer.stderr


def test_the_api_names_none_of_those_that_share_a_code(url: str) -> None:
    """It answers 409, and that one can search for the code, which finds them all."""
    status, answer = get(f"{url}/api/v1/sessions/{SHARED_CODE}")
    error = answer["error"]
    assert (status, error["field"]) == (409, "support_code")
    assert f"several sessions have the support code '{SHARED_CODE}': search" in error["message"]
    status, answer = get(f"{url}/api/v1/sessions?field=support_code&search={SHARED_CODE}")
    assert {row["session_id"] for row in answer["sessions"]} == set(SHARED)


def test_none_is_said(ask: Ask) -> None:
    """What begins no id and is no code ends in one clear line."""
    answer = ask("show", "018f3b5f")
    assert answer.exit_code == 1
    assert "no session has the id '018f3b5f', an id that begins so, or that" in answer.stderr


def listed(answer: Result) -> list[str]:
    """Give the ids of a ``sessions --json``."""
    return [row["session_id"] for row in json.loads(answer.stdout)["sessions"]]


def test_the_list_filters_by_one_event(ask: Ask) -> None:
    """--event and --impact speak of one event, and not of two."""
    words = ("sessions", "--impact", "blocked", "--json", "--event")
    assert listed(ask(*words, "FACE_COMPARE")) == [TWO]
    assert listed(ask(*words, "IP_RISK_CHECK")) == []


def test_the_list_shows_and_searches_support_codes(ask: Ask) -> None:
    """A code that is typed in lower case finds its session, whose row has it."""
    answer = ask("sessions", "--search", CODE.lower())
    assert OTHER in answer.stdout
    assert CODE in answer.stdout


def test_a_plain_date_is_a_time(ask: Ask) -> None:
    """--since and --until take a date: the beginning of that day in UTC."""
    assert len(listed(ask("sessions", "--since", "2026-01-01", "--json"))) == 6
    assert listed(ask("sessions", "--until", "2026-01-01", "--json")) == []
