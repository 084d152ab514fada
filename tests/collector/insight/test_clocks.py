"""The true offset of a screen's clock lies in the bounds, and what is certain is so."""

from __future__ import annotations

from itertools import pairwise
from random import Random
from statistics import median
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.clocks import Session, draw
from tests.support.events import MINUTE, NOON, SECOND, event

from journeytrace.catalogue import builtin_catalogue
from journeytrace_collector.core.model import Event
from journeytrace_collector.insight.clocks import Bounds, bounds, certain, clock

CATALOGUE = builtin_catalogue()
AHEAD = 2 * 60 * MINUTE + 3 * MINUTE
MILLISECOND = 1_000_000


def call(
    screen: str, server: str, at: int, took: int = SECOND, ahead: int = AHEAD, **fields: Any
) -> list[Event]:
    """Give what both sides tell of a call in the middle of which the server acts."""
    begun = event(screen, at + ahead, duration=took, **fields)
    return [begun, event(server, at + took // 2)]


TWO = [
    *call("CREATE_FLOW", "FLOW_ID_ISSUED", NOON),
    *call("CHECK_IP_RISK", "IP_RISK_CHECK", NOON + MINUTE, SECOND // 2),
]


def test_an_offset_lies_in_what_all_calls_have_in_common() -> None:
    """The shortest way there, and the shortest way back, whichever call had them."""
    found = bounds(TWO, CATALOGUE)
    reach = SECOND // 4 + MILLISECOND
    assert found == Bounds(AHEAD - reach, AHEAD + reach, 2)


@pytest.mark.parametrize(
    ("more", "why"),
    [
        (TWO[:2], "one call may be two attempts of which each side has lost another"),
        (TWO[:3], "the other call was seen by one side alone"),
        (
            [*TWO, *call("CREATE_FLOW", "FLOW_ID_ISSUED", NOON + 9 * SECOND)],
            "of two attempts nobody knows which belong together",
        ),
        ([*TWO[:2], *call("CHECK_RATE_LIMIT", "RATE_LIMIT_CHECK", NOON, ahead=0)], "they differ"),
        (
            [*TWO[:2], *call("CHECK_IP_RISK", "IP_RISK_CHECK", NOON, took=0)],
            "what has no extent may be told before or after the call",
        ),
        (
            [*TWO[:2], *call("SUBMIT_STEP1", "ID_RECOGNITION", NOON)],
            "what is submitted is looked at when the answer has been given",
        ),
        (
            [*TWO[:2], *call("FRONT_SESSION_START", "SESSION_CREATED", NOON)],
            "the page does not say before what it began",
        ),
    ],
)
def test_too_little_gives_no_bounds(more: list[Event], why: str) -> None:
    """Rather than bounds that may be wrong."""
    assert bounds(more, CATALOGUE) is None, why


def test_times_are_taken_as_they_were_sent() -> None:
    """Whatever the collector has made of them: of a page's, and of those that it does not believe.

    What stands there and is no time is passed over.
    """
    sent = "2026-06-01T14:03:00.000000000Z"
    for key in ("journey.time.screen", "journey.time.sent"):
        told: dict[str, Any] = {"metadata": f'{{"{key}":"{sent}"}}', "received": NOON + 3 * SECOND}
        first = call("CREATE_FLOW", "FLOW_ID_ISSUED", NOON, ahead=0, **told)
        found = bounds([*first, *TWO[2:]], CATALOGUE)
        assert found is not None
        assert found.low <= AHEAD <= found.high
    odd = call("CREATE_FLOW", "FLOW_ID_ISSUED", NOON, metadata='{"journey.time.sent":7}')
    assert bounds([*odd, *TWO[2:]], CATALOGUE) is not None


def test_order_is_certain_where_the_bounds_say_so() -> None:
    """On one side by its own clock; between the two only what is further apart than the bounds."""
    found = Bounds(AHEAD - SECOND, AHEAD + SECOND, 2)
    shown = [
        event("SESSION_CREATED", NOON),
        event("STEP_VIEW", NOON + AHEAD + 3 * SECOND),
        event("JS_ERROR", NOON + AHEAD + 4 * SECOND),
        event("STEP1_ENTERED", NOON + 5 * SECOND),
        event("STEP2_ENTERED", NOON + 5 * SECOND),
    ]
    assert certain(shown, found) == [True, True, False, False]
    assert certain(shown, None) == [False, True, False, False]
    assert certain([], found) == []


@pytest.mark.parametrize(
    ("low", "high", "text"),
    [
        (7_379_600, 7_380_400, "Screen's clock 2 h 3 min ahead (±400 ms)"),
        (-1_500, -500, "Screen's clock 1.0 s behind (±500 ms)"),
        (-40, 60, "Screen's clock agrees with the server's (±50 ms)"),
        (86_000_000, 86_002_000, "Screen's clock 23 h 53 min ahead (±1.0 s)"),
        (-90_061_000, -90_059_000, "Screen's clock 1 d 1 h 1 min behind (±1.0 s)"),
        (59_600, 59_700, "Screen's clock 1 min 0 s ahead (±50 ms)"),
    ],
)
def test_an_offset_is_told_in_words(low: int, high: int, text: str) -> None:
    """By its middle and half of its width; in ms here."""
    found = clock(Bounds(low * MILLISECOND, high * MILLISECOND, 3))
    assert found is not None
    assert (found.text, found.calls) == (text, 3)
    assert (found.ahead_low, found.ahead_high) == (low / 1000, high / 1000)


def test_without_bounds_nothing_is_told() -> None:
    """There is no clock to describe."""
    assert clock(None) is None


def holds(session: Session) -> Bounds | None:
    """Hold one session against what really happened."""
    found = bounds(session.events, CATALOGUE)
    if found is not None:
        assert found.low <= session.ahead <= found.high
    shown = pairwise(session.events)
    for (a, b), sure in zip(shown, certain(session.events, found), strict=True):
        assert not sure or session.truth[a.event_id] < session.truth[b.event_id]
    return found


@given(st.integers(0, 2**32), st.booleans())
@settings(max_examples=60, deadline=None)
def test_what_is_claimed_is_so(seed: int, public: bool) -> None:
    """Whatever was lost, tried again or came in whatever batches, by a clock a day off."""
    rng = Random(seed)
    holds(draw(rng, public=public, lost=rng.choice((0.0, 0.06, 0.3)), again=rng.choice((0.1, 0.4))))


@pytest.mark.proof
@pytest.mark.parametrize("public", [False, True])
def test_what_is_claimed_of_5000_sessions_is_so(
    public: bool,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Of each way in: with how many have bounds, and how wide they are."""
    rng = Random(20)
    widths, pairs, sure = [], 0, 0
    for _ in range(5000):
        session = draw(rng, public=public)
        if found := holds(session):
            widths.append((found.high - found.low) / SECOND)
            sides = [a.source != b.source for a, b in pairwise(session.events)]
            pairs += sum(sides)
            sure += sum(x and y for x, y in zip(sides, certain(session.events, found), strict=True))
    with capsys.disabled():
        way = "pages" if public else "services"
        print(  # noqa: T201 - figures for the page
            f"\n{way}: bounds of {len(widths) / 5000:.1%}, half of them narrower than"
            f" {median(widths):.3f} s; {sure / pairs:.1%} of neighbours of two sides are certain"
        )
    assert len(widths) > 4000
