"""What the command line writes fits the terminal, is whole in a pipe, and never acts."""

from __future__ import annotations

import io
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from journeytrace_collector.cli.client import Event, Outbox, Summary
from journeytrace_collector.cli.columns import Claim, Column, widths
from journeytrace_collector.cli.outbox_list import print_outbox
from journeytrace_collector.cli.selection import Selection
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


ROWS = [
    summary(decision="PENDING"),
    summary(session_id="2cbd2322-32b4-499d-a71e-000000000000", submission_id=None),
    summary(session_id="x" * 128, status="IN_PROGRESS", decision=None, reason=None),
    summary(session_id="識別" * 40, email="é" * 300, user_id="u" * 200, last_event="L" * 200),
]


@pytest.mark.parametrize("colour", [False, True])
@pytest.mark.parametrize("width", [20, 40, 60, 79, 80, 100, 120, 160, 250, 600])
def test_a_list_has_a_line_a_session_and_none_too_wide(width: int, colour: bool) -> None:
    """Whatever the values are, each session is one line, and no line is wider than the terminal."""
    out = terminal(width, force_terminal=colour, color_system="256" if colour else None)
    print_sessions(out, ROWS)
    lines = [re.sub(r"\x1b\[[0-9;]*m", "", line) for line in written(out).splitlines()]
    assert max(map(cell_len, lines)) <= width
    assert lines[0].split()[0] in {"Session", "Created"}
    assert not [line for line in lines[1 : 1 + len(ROWS)] if not line.strip()]
    notes = " ".join(lines[1 + len(ROWS) :]).split()
    assert " ".join(notes) in {"", "Cut ids are beginnings of ids: `show` finds a session by one."}


@pytest.mark.parametrize("width", [40, 60, 80, 120])
def test_an_id_is_whole_or_a_beginning_that_tells_it_apart(width: int) -> None:
    """What stands in the list leads to one session; that it is cut is said."""
    ids = ["2cbd2322-32b4-499d-a71e-9b4b3c0a4aaa", "2cbd2322-32b4-5", "018f3b5e-0000-7000-8000-1"]
    out = terminal(width)
    print_sessions(out, [summary(session_id=one) for one in ids])
    text = written(out)
    shown = [
        next(word for word in line.split() if word[:4] in {"2cbd", "018f"})
        for line in text.splitlines()[1:4]
    ]
    for word, whole in zip(shown, ids, strict=True):
        assert whole.startswith(word)
        assert [one for one in ids if one.startswith(word)] == [whole]
    assert ("Cut ids" in text) is (shown != ids)


def test_the_wider_the_terminal_the_more_is_shown() -> None:
    """Which and what came of it first, then when and why, who last; nothing goes as it widens."""
    before: set[str] = set()
    columns = ("Session ID", "Status", "Decision", "Created", "Reason", "Last event", "Email")
    for width, least in ((40, 3), (80, 5), (120, 6), (160, 7)):
        out = terminal(width)
        print_sessions(out, [summary()])
        header = written(out).splitlines()[0]
        shown = {name for name in columns if name in header}
        assert shown >= {*columns[:least]} | before
        before = shown
    assert UUID in written(out)


@given(
    width=st.integers(1, 200),
    wanted=st.lists(st.tuples(st.integers(0, 4), st.integers(1, 60) | st.none()), min_size=1),
    longest=st.lists(st.integers(1, 80), min_size=5, max_size=5),
)
def test_claims_never_take_more_than_there_is(
    width: int, wanted: list[tuple[int, int | None]], longest: list[int]
) -> None:
    """Columns and the gaps between them fit, and none is wider than what stands in it."""
    columns = [Column[str](str(number), Text, is_id=number == 0) for number in range(5)]
    most = dict(zip(columns, longest, strict=True))
    granted = widths([Claim(columns[number], size) for number, size in wanted], most, width)
    assert columns[wanted[0][0]] in granted
    assert sum(granted.values()) + 2 * (len(granted) - 1) <= width
    assert all(0 < size <= most[column] for column, size in granted.items())


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
    """The card has the decision apart from the status, the codes and the impacts felt."""
    out = terminal(80)
    print_card(out, summary())
    text = written(out)
    assert re.search(r"Support code +4K7WQ2ZD\n", text)
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
    print_timeline(out, Selection([event(reason="SELFIE_DUPLICATE")]), "2026-11-20T21:00:00Z")
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


def test_a_timeline_breaks_no_name() -> None:
    """At any width from 72 on, names of events and what is said of them stand in one piece."""
    blocked = event(name="RATE_LIMIT_CHECK", stage="PRE_CHECKS", impact="BLOCKED", duration_ms=23)
    screen = event(name="ERROR_PAGE_VIEWED", stage="ENVIRONMENT", result=None, duration_ms=0)
    for width in range(72, 130):
        out = terminal(width)
        print_timeline(out, Selection([blocked, screen]), "2026-11-20T21:00:00Z")
        text = written(out)
        for word in ("RATE_LIMIT_CHECK", "ERROR_PAGE_VIEWED", "ENVIRONMENT", "BLOCKED", "23 ms"):
            assert word in text, width
        assert max(map(cell_len, text.splitlines())) <= width


@pytest.mark.parametrize("width", [80, 100, 120, 1000])
def test_an_outbox_can_be_read(width: int) -> None:
    """At any usual width nothing of destinations and parked parcels is cut or stacked up."""
    outbox: Outbox = {
        "destinations": [
            {
                "name": "webhook:audit",
                "waiting": 12345,
                "oldest_at": "2026-11-20T21:00:01Z",
                "backing_off": 678,
                "backing_off_since": "2026-11-20T21:00:02Z",
                "parked": 90,
            }
        ],
        "parked": [
            {
                "id": 1234567,
                "destination": "webhook:audit",
                "session_id": UUID,
                "since": "2026-11-20T21:00:03Z",
                "reason": '404: {"error":{"message":"Not Found: POST /nothing"}}',
            }
        ],
    }
    out = terminal(width)
    print_outbox(out, outbox)
    text = written(out)
    for word in ("webhook:audit", "12345", "678", "90", "1234567", UUID, "/nothing", "Not Found:"):
        assert word in text
    for second in (1, 2, 3):
        assert f"2026-11-20 21:00:0{second}" in text
    assert max(map(cell_len, text.splitlines())) <= width
    assert len(text.splitlines()) < 10


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
    print_timeline(out, Selection([event(at=at)]), "2026-11-20T21:00:00Z")
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
    print_timeline(out, Selection([hostile]), "2026-11-20T21:00:00Z")
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
    print_timeline(out, Selection([event(attributes=attributes)]), "2026-11-20T21:00:00Z")
    text = written(out)
    assert 'device="Pixel 10"' in text
    assert "ok=true" in text
    assert "list=[1, 2]" in text
    assert "z" * 200 + "… (5000 characters)" in text


@pytest.mark.parametrize(
    ("took", "result", "shown"),
    [
        (None, None, ""),
        (0.0, None, ""),
        (0.02, None, ""),
        (0.02, "PASS", "< 1 ms"),
        (0.6, None, "1 ms"),
        (999.6, "PASS", "1000 ms"),
        (1730.4, "FAIL", "1.73 s"),
    ],
)
@pytest.mark.parametrize("width", [80, 120, 1000])
def test_what_has_no_duration_took_nothing(
    took: float | None, result: str | None, shown: str, width: int
) -> None:
    """Only what lasted says for how long; 0 ms is never said."""
    out = terminal(width)
    made = event(duration_ms=took, result=result, attributes={})
    print_timeline(out, Selection([made]), "2026-11-20T21:00:00Z")
    text = written(out)
    assert "0 ms" not in text.replace("1000 ms", "")
    assert re.findall(r"(?:< )?[\d.]+ m?s\b", text) == ([shown] if shown else [])


def test_what_is_left_out_is_counted() -> None:
    """Before, after, and by what else; nothing is said of what is all there."""
    out = terminal(80)
    print_timeline(out, Selection([], 12, 1, 30, 2), "2026-11-20T21:00:00Z")
    said = " ".join(written(out).split())
    assert said.startswith(
        "… 12 events before No event to show. … 1 event after Left out: 30 events that neither"
        " failed nor had an impact; 2 events of another source."
    )
    whole = terminal(80)
    print_timeline(whole, Selection([event()]), "2026-11-20T21:00:00Z")
    assert "…" not in written(whole)
    assert "Left out" not in written(whole)


def test_a_card_begins_with_the_cause() -> None:
    """Why it ended as it did; where nothing is in the way, that."""
    out = terminal(80)
    print_card(out, summary(status="IN_PROGRESS", why=None))
    assert written(out).startswith("The session goes on, and nothing stands in its way.\n\nSession")


def test_a_verdict_is_shown_with_its_person() -> None:
    """The card says who decided, and what had been decided without that person."""
    out = terminal(200)
    print_card(out, summary(decision="APPROVED", decided_by="ann", automatic_decision="REJECTED"))
    (line,) = [line for line in written(out).splitlines() if line.startswith("Decision")]
    assert line.endswith("by ann (automatic: REJECTED)")
    out = terminal(200)
    print_card(out, summary(decided_by="AUTOMATIC", automatic_decision="REJECTED"))
    assert " by " not in written(out)


def test_what_people_say_of_a_decision_is_shown() -> None:
    """Whoever confirmed is named as such, with their own words; so is who proposed another one."""
    proposal = {
        "decision": "APPROVED",
        "reason": None,
        "text": "It is her brother.",
        "proposed_by": "ben",
        "proposed_at": "2026-11-20T22:00:00Z",
    }
    said = {"decision_confirmed": True, "reason_text": "Same\x1b[2J face."}
    out = terminal(200)
    print_card(out, summary(decided_by="ann", proposal=proposal, **said))
    lines = {line[:14].strip(): line[14:] for line in written(out).splitlines()}
    assert "confirmed by ann" in lines["Decision"]
    assert lines["In own words"].startswith("Same")
    assert "\x1b" not in lines["In own words"]
    assert lines["Proposal"].startswith("APPROVED")
    assert "by ben, for a second person to decide: It is her brother." in lines["Proposal"]


def test_what_a_person_did_stands_out() -> None:
    """A row of source OP is marked as such."""
    out = terminal(200, force_terminal=True, color_system="256")
    print_timeline(out, Selection([event(source="OP", name="NOTE_ADDED")]), "2026-11-20T21:00:00Z")
    assert "\x1b[7mOP\x1b[0m" in written(out)
