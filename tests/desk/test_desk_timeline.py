"""A session as a picture: pure numbers."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.events import MINUTE, NOON, SECOND, event

from journeytrace_desk.views.axis import FOLD, Axis
from journeytrace_desk.views.timeline import WIDTH, timeline

SPANS = st.lists(st.tuples(st.integers(0, 10**14), st.integers(0, 10**12)), min_size=1, max_size=40)


@settings(max_examples=60)
@given(SPANS)
def test_time_goes_from_left_to_right(spans: list[tuple[int, int]]) -> None:
    """Whatever happened when: what is later is never further left, and nothing leaves the page."""
    axis = Axis(((at, at + took) for at, took in spans), 50, 1150)
    moments = sorted({moment for at, took in spans for moment in (at, at + took)})
    places = [axis.x(moment) for moment in moments]
    assert places == sorted(places)
    assert places[0] >= 50 - 1e-6
    assert places[-1] <= 1150 + 1e-6
    ticks = [tick.x for tick in axis.ticks()]
    assert all(after - before >= 50 for before, after in pairwise(ticks))


def test_a_long_silence_is_folded() -> None:
    """Ten minutes of nothing take no more room than any other fold, and say how long they were."""
    events = [event("STEP_VIEW", NOON + at * SECOND) for at in (0, 5, 9, 609, 612)]
    picture = timeline(events, {})
    ((gap, words),) = picture.gaps
    assert (gap.width, words) == (FOLD, "10 min")
    places = [mark.x for mark in picture.lanes[0].marks]
    assert places[2] - places[0] > (WIDTH - FOLD) / 2


def test_what_took_time_is_a_bar_and_what_failed_is_told() -> None:
    """A check is as long as it took; result, impact and code stand in its title."""
    events = [
        event("STEP_VIEW"),
        event(
            "ID_RECOGNITION",
            NOON + SECOND,
            duration=SECOND,
            result="FAIL",
            impact="RETAKE",
            error_code="QS-10001",
        ),
    ]
    screen, server = timeline(events, {}).lanes
    (dot,), (bar,) = screen.marks, server.marks
    assert (dot.width, dot.tone) == (0, "plain")
    assert bar.width > 100
    assert (bar.tone, bar.title) == ("bad", "ID_RECOGNITION FAIL RETAKE QS-10001 +0:01.000 1.00 s")


@pytest.mark.parametrize("count", [1, 40, 4_000])
def test_a_crowd_is_counted_and_failures_are_in_front(count: int) -> None:
    """No more marks than have room; each event is one or is counted, a failure is always one."""
    events = [event("STEP_VIEW", NOON + n, event_id=n.to_bytes(8, "big")) for n in range(count)]
    events.append(event("STEP_VIEW", NOON + count, result="FAIL"))
    (lane, _) = timeline(events, {}).lanes
    assert len(lane.marks) < 1_200
    assert len(lane.marks) + sum(more.count for more in lane.more) == count + 1
    assert sum(mark.tone == "bad" for mark in lane.marks) == 1


def test_stages_do_not_cover_each_other() -> None:
    """Bands in one row, with their names, keep apart; names stay on the page."""
    stages = {
        "ENTRY": (0, NOON, NOON + MINUTE),
        "PRE_CHECKS": (1, NOON + MINUTE - SECOND, NOON + MINUTE),
        "STEP1": (2, NOON + MINUTE, NOON + 2 * MINUTE),
        "DECISION": (5, NOON + 2 * MINUTE - 1, NOON + 2 * MINUTE),
    }
    events = [event("STEP_VIEW"), event("STEP_VIEW", NOON + 2 * MINUTE)]
    bands = timeline(events, stages).bands
    assert {band.name for band in bands} == set(stages)
    taken: list[tuple[int, float, float]] = []
    for band in bands:
        assert band.label_x is not None
        left = min(band.x, band.label_x)
        right = max(band.x + band.width, band.label_x + 6 * len(band.name))
        assert 0 <= left < right <= WIDTH
        assert not any(y == band.y and left < end and begin < right for y, begin, end in taken)
        taken.append((band.y, left, right))


def test_what_a_person_did_has_its_lane() -> None:
    """The lane of the desk is there as soon as somebody did something."""
    events = [event("STEP_VIEW"), event("NOTE_ADDED", NOON + SECOND, source="OP")]
    assert [lane.name for lane in timeline(events[:1], {}).lanes] == ["FE", "BE"]
    assert [lane.name for lane in timeline(events, {}).lanes] == ["FE", "BE", "OP"]
