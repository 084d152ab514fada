"""What the command line writes fits the terminal, is whole in a pipe, and never acts."""

from __future__ import annotations

import io
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from journeytrace_collector.cli.client import Event, Summary
from journeytrace_collector.cli.session_list import print_sessions
from journeytrace_collector.cli.terminal import chip, console, plain
from journeytrace_collector.cli.timeline import print_card, print_timeline

UUID = "2cbd2322-32b4-499d-a71e-9b4b3c0a4aaa"
ESCAPE = "\x1b[31mred\x1b]0;title\x07"


def summary(**changes: Any) -> Summary:
    """Make one session of the API."""
    session: Summary = {
        "session_id": UUID,
        "trace_id": UUID.replace("-", ""),
        "support_code": "4K7WQ2ZD",
        "project_id": "acme-kyc",
        "submission_id": "sub-1",
        "user_id": "u-1",
        "email": "anna.kim@example.com",
        "created_at": "2026-11-20T21:00:00Z",
        "last_event": "FINAL_PAGE_VIEW",
        "last_event_at": "2026-11-20T21:01:02.500000Z",
        "status": "COMPLETED",
        "decision": "REJECTED",
        "reason": "ARGOS_SCORE_BELOW_THRESHOLD",
        "decided_at": "2026-11-20T21:01:01Z",
        "stage": "POST",
        "last_error_code": "QS-10001",
        "events": 64,
        "impacts": {"NONE": 60, "RETAKE": 4, "BLOCKED": 0},
        "retention_days": 30,
        "expires_at": "2026-12-20T21:00:00Z",
        "settled_at": None,
        "revision": 0,
        "why": None,
    }
    return {**session, **changes}  # type: ignore[typeddict-item]


def event(**changes: Any) -> Event:
    """Make one event of the API."""
    made: Event = {
        "event_id": "0011223344556677",
        "name": "ID_RECOGNITION",
        "source": "BE",
        "stage": "STEP1",
        "impact": "RETAKE",
        "result": "FAIL",
        "reason": None,
        "error_code": "QS-10001",
        "at": "2026-11-20T21:00:01.234567Z",
        "duration_ms": 1730.4,
        "service": "kyc-api",
        "attributes": {"score": 0.61, "document": "PASSPORT"},
    }
    return {**made, **changes}  # type: ignore[typeddict-item]


def terminal(width: int, **options: Any) -> Console:
    """Open a terminal that remembers what it was sent."""
    return Console(
        file=io.StringIO(), width=width, markup=False, highlight=False, emoji=False, **options
    )


def written(out: Console) -> str:
    """Give what a terminal of `terminal` was sent."""
    assert isinstance(out.file, io.StringIO)
    return out.file.getvalue()


@given(st.text())
def test_plain_text_has_nothing_that_steers(text: str) -> None:
    """Whatever an event holds, only printable characters reach the terminal."""
    assert plain(text).isprintable()
    assert plain(text) == text or not text.isprintable()


@pytest.mark.parametrize("width", [30, 60, 80, 100, 120, 160, 250, 10_000])
@pytest.mark.parametrize("session_id", [UUID, "x" * 128])
def test_a_list_never_cuts(width: int, session_id: str) -> None:
    """Every value of a row can be copied in one piece at any width."""
    out = terminal(width)
    session = summary(session_id=session_id, decision="PENDING")
    print_sessions(out, [session])
    for value in (
        session_id,
        "anna.kim@example.com",
        "sub-1",
        "u-1",
        "FINAL_PAGE_VIEW",
        "2026-11-20 21:00:00",
        "2026-11-20 21:01:02",
        "COMPLETED",
        "PENDING",
        "ARGOS_SCORE_BELOW_THRESHOLD",
    ):
        assert value in written(out)


@pytest.mark.parametrize("width", [80, 100, 160])
def test_a_list_fits_the_terminal(width: int) -> None:
    """No line is longer than the terminal is wide, so nothing is broken by it."""
    out = terminal(width)
    print_sessions(out, [summary(), summary(submission_id=None, last_event="PAGE_HIDDEN")])
    assert max(len(line) for line in written(out).splitlines()) <= width


def test_status_and_decision_are_neighbours() -> None:
    """The decision stands in its own column beside the status, at every width."""
    for width in (80, 160, 1000):
        out = terminal(width)
        print_sessions(out, [summary()])
        assert re.search(r"Status +Decision", written(out))
        assert re.search(r"COMPLETED +REJECTED", written(out))


def test_a_pipe_gets_one_plain_line_a_session(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a terminal there is no colour and no folding, whatever COLUMNS says."""
    monkeypatch.setenv("COLUMNS", "40")
    piped = io.StringIO()
    monkeypatch.setattr("sys.stdout", piped)
    out = console()
    sessions = [summary(session_id=f"{number}" * 128) for number in range(3)]
    print_sessions(out, sessions)
    assert "\x1b" not in piped.getvalue()
    assert len(piped.getvalue().splitlines()) == 1 + len(sessions)


def test_nothing_yet_is_a_dash() -> None:
    """A session before STEP1 shows a dash for its submission and its decision."""
    out = terminal(1000)
    print_sessions(out, [summary(submission_id=None, decision=None, reason=None)])
    assert written(out).count("—") == 2


@pytest.mark.parametrize(
    ("status", "colour"),
    [
        ("COMPLETED", "green"),
        ("IN_PROGRESS", "blue"),
        ("DROPPED", "orange"),
        ("ERROR", "red"),
    ],
)
def test_chips(status: str, colour: str) -> None:
    """Each status has its colour."""
    assert colour in str(chip(status).spans[0].style)


def test_no_color_is_respected(monkeypatch: pytest.MonkeyPatch) -> None:
    """NO_COLOR leaves no colour, on a terminal too."""
    out = terminal(160, force_terminal=True, color_system="256")
    print_sessions(out, [summary()])
    coloured = re.compile(r"\x1b\[[0-9;]*\b[34]\d")
    assert coloured.search(written(out))
    monkeypatch.setenv("NO_COLOR", "1")
    bare = terminal(160, force_terminal=True, color_system="256")
    print_sessions(bare, [summary()])
    assert not coloured.search(written(bare))


def test_a_card_shows_what_is_known() -> None:
    """The card has the decision apart from the status, the last error code and the impacts felt."""
    out = terminal(80)
    print_card(out, summary())
    text = written(out)
    assert re.search(r"Status +COMPLETED\n", text)
    assert re.search(r"Decision +REJECTED  ARGOS_SCORE_BELOW_THRESHOLD  2026-11-20 21:01:01", text)
    assert re.search(r"Error code +QS-10001", text)
    assert re.search(r"Events +64  RETAKE 4\n", text)
    assert re.search(r"Expires +2026-12-20 21:00:00 UTC \(30 days\)", text)


def test_a_card_keeps_a_long_id_whole() -> None:
    """An id wider than the terminal is left to the terminal to wrap."""
    out = terminal(60)
    print_card(out, summary(session_id="y" * 128))
    assert "y" * 128 in written(out)


@pytest.mark.parametrize("width", [80, 120, 160, 1000])
def test_a_timeline_shows_every_field(width: int) -> None:
    """Time since the start, source, stage, event, result, impact, length, code and metadata."""
    out = terminal(width)
    print_timeline(out, [event(reason="SELFIE_DUPLICATE")], "2026-11-20T21:00:00Z")
    text = written(out)
    for value in (
        "+00:01.235",
        "BE",
        "STEP1",
        "ID_RECOGNITION",
        "FAIL",
        "RETAKE",
        "1.73 s",
        "SELFIE_DUPLICATE",
        "QS-10001",
        "score=0.61",
        "document=PASSPORT",
    ):
        assert value in text
    assert max(len(line) for line in text.splitlines()) <= width
    assert "not that" in text


@pytest.mark.parametrize(
    ("at", "shown"),
    [
        ("2026-11-20T21:00:00Z", "+00:00.000"),
        ("2026-11-20T22:02:03.004Z", "+1:02:03.004"),
        ("2026-11-20T20:59:59.800Z", "-00:00.200"),
    ],
)
def test_times_count_from_the_start(at: str, shown: str) -> None:
    """Hours appear when there are any, and a clock that is behind gives a minus."""
    out = terminal(200)
    print_timeline(out, [event(at=at)], "2026-11-20T21:00:00Z")
    assert shown in written(out)


@pytest.mark.parametrize("width", [80, 120, 1000])
def test_text_of_an_event_does_not_act(width: int) -> None:
    """Markup and escape sequences in an event are shown, not obeyed."""
    out = terminal(width)
    hostile = event(
        name=ESCAPE,
        stage=ESCAPE,
        reason="[red]x[/red]",
        error_code=ESCAPE,
        attributes={
            ESCAPE: ESCAPE,
            "note": "[link=http://a.b]x[/link]",
            "smile": ":smile:",
        },
    )
    print_timeline(out, [hostile], "2026-11-20T21:00:00Z")
    print_card(out, summary(user_id=ESCAPE, email="[blink]", last_event=ESCAPE))
    print_sessions(out, [summary(user_id=ESCAPE, email="[blink]", last_event=ESCAPE)])
    text = written(out)
    assert "\x1b" not in text
    assert "\x07" not in text
    assert "\\x1b[31mred" in text
    assert "[red]x[/red]" in text
    assert "[blink]" in text
    assert ":smile:" in text


def test_metadata_with_spaces_is_quoted_and_long_values_are_shortened() -> None:
    """One value cannot be taken for two, and none buries the rest."""
    out = terminal(10_000)
    attributes = {"device": "Pixel 10", "blob": "z" * 5000, "ok": True, "list": [1, 2]}
    print_timeline(out, [event(attributes=attributes)], "2026-11-20T21:00:00Z")
    text = written(out)
    assert 'device="Pixel 10"' in text
    assert "ok=true" in text
    assert "list=[1, 2]" in text
    assert "z" * 200 + "… (5000 characters)" in text
