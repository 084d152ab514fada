from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from opentelemetry.context import attach, detach, set_value
from opentelemetry.instrumentation.utils import suppress_instrumentation

import journeytrace
from journeytrace import Event, Journey

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from contextlib import AbstractContextManager

    from journeytrace.testing import RecordedJourneys


@contextmanager
def by(key: str) -> Iterator[None]:
    """Suppress by one of the two keys alone."""
    token = attach(set_value(key, True))
    try:
        yield
    finally:
        detach(token)


def by_sdk() -> AbstractContextManager[None]:
    """Suppress as the SDK's own exporters do."""
    from opentelemetry.context import _SUPPRESS_INSTRUMENTATION_KEY

    return by(_SUPPRESS_INSTRUMENTATION_KEY)


@pytest.mark.parametrize(
    "suppress", [suppress_instrumentation, by_sdk, lambda: by("suppress_instrumentation")]
)
def test_nothing_is_recorded_where_instrumentation_is_suppressed(
    journeys: RecordedJourneys,
    counted: Callable[[], Mapping[str, int]],
    suppress: Callable[[], AbstractContextManager[None]],
) -> None:
    """Neither events nor checks nor what they observe go out, under either key; code runs on."""
    ran = []
    journey = Journey.resume("s")

    @journeytrace.check(Event.FACE_COMPARE)
    def compare() -> None:
        ran.append("compare")

    with journey.activate(), suppress():
        journey.record(Event.STEP_VIEW)
        journey.approve()
        compare()
        with journey.check(Event.ID_RECOGNITION) as check:
            check.fail(error_code="QS-10001")
            check.observe(Event.ID_DOCUMENT_RETRY)
            check.set(score=1)
            ran.append("check")
    assert ran == ["compare", "check"]
    assert not journeys.spans
    assert counted() == {}


def test_a_check_that_began_before_still_ends(journeys: RecordedJourneys) -> None:
    """It goes out with how it ended, without what it observed in the suppressed part."""
    with Journey.resume("s").check(Event.ID_RECOGNITION) as check:
        with suppress_instrumentation():
            check.observe(Event.ID_DOCUMENT_RETRY)
        check.fail()
    [event] = journeys.events()
    assert (event.name, event.result) == ("ID_RECOGNITION", "FAIL")
