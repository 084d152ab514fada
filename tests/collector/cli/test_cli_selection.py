"""Which events of a session `show` shows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from journeytrace_collector.cli.client import Event
from journeytrace_collector.cli.selection import instant, select

START = datetime(2026, 11, 20, 23, 50, tzinfo=UTC)
END = START + timedelta(minutes=20)
NOW = START + timedelta(days=3)


def event(
    second: int, result: str | None = None, impact: str = "NONE", source: str = "BE"
) -> Event:
    """Make one event, so many seconds after the start."""
    at = (START + timedelta(seconds=second)).isoformat()
    return cast(Event, {"at": at, "result": result, "impact": impact, "source": source})


EVENTS = [
    event(0),
    event(59, "PASS"),
    event(60, "FAIL"),
    event(90, "FAIL", "RETAKE"),
    event(121),
    event(180, impact="APPROVED"),
]


def test_failed_keeps_what_failed_or_had_an_impact() -> None:
    """A crash, a retake and a decision stay; the rest is counted."""
    chosen = select(EVENTS, failed=True)
    assert chosen.events == [EVENTS[2], EVENTS[3], EVENTS[5]]
    assert (chosen.before, chosen.after, chosen.quiet, chosen.elsewhere) == (0, 0, 3, 0)


def test_what_people_did_is_of_another_source() -> None:
    """One source is kept, and all events of the two others are counted."""
    others = [event(200, "FAIL", source="FE"), event(300, source="OP"), event(400, source="OP")]
    chosen = select([*EVENTS, *others], source="BE", failed=True)
    assert chosen.events == [EVENTS[2], EVENTS[3], EVENTS[5]]
    assert (chosen.quiet, chosen.elsewhere) == (3, 3)


def test_around_keeps_what_is_near() -> None:
    """The bounds are included, and what stands before and after is counted."""
    around = START + timedelta(seconds=90)
    chosen = select(EVENTS, around=around, within=timedelta(seconds=30))
    assert chosen.events == EVENTS[2:4]
    assert (chosen.before, chosen.after) == (2, 2)


@given(
    seconds=st.lists(st.integers(-500, 500)),
    failed=st.booleans(),
    around=st.none() | st.integers(-600, 600),
    within=st.integers(0, 10**10),
)
def test_every_event_is_shown_or_counted(
    seconds: list[int], failed: bool, around: int | None, within: int
) -> None:
    """However the choices are combined, and however far they reach."""
    events = [event(second, "FAIL" if second % 2 else None) for second in sorted(seconds)]
    at = None if around is None else START + timedelta(seconds=around)
    chosen = select(events, failed=failed, around=at, within=timedelta(seconds=within))
    left_out = chosen.before + chosen.after + chosen.quiet
    assert len(chosen.events) + left_out == len(events)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("+01:08.5", START + timedelta(seconds=68.5)),
        ("+1:00:01", START + timedelta(seconds=3601)),
        ("-00:00.200", START - timedelta(milliseconds=200)),
        ("23:55", START + timedelta(minutes=5)),
        ("00:05:30", START + timedelta(minutes=15, seconds=30)),
        ("23:40", START - timedelta(minutes=10)),
        ("2026-11-20T23:55:00Z", START + timedelta(minutes=5)),
        ("2026-11-21 01:55:00+02:00", START + timedelta(minutes=5)),
        ("2026-11-20 23:55:00", START + timedelta(minutes=5)),
        ("3d", START),
    ],
)
def test_a_time_has_many_forms(text: str, expected: datetime) -> None:
    """As the timeline, the cause, the API or a person writes it."""
    assert instant(text, START, END, NOW) == expected


@pytest.mark.parametrize("text", ["", "soon", "25:00", "5", "+5", "2026-13-01", f"{10**8}d"])
def test_what_is_no_time_is_explained(text: str) -> None:
    """The message shows what would be one."""
    with pytest.raises(ValueError, match=r"\+01:08\.123.*14:31.*RFC 3339.*2h"):
        instant(text, START, END, NOW)
