"""Failed checks show as errors in a trace view."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status
from tests.support.events import NOON, event
from tests.support.otlp import journey_span, request, sent, span
from tests.support.receivers import spans_of

from journeytrace_collector.core.change import Change
from journeytrace_exporters.otlp import OtlpExporter

Make = Callable[..., OtlpExporter]

FAILED: dict[str, Any] = {"journey__event__result": "FAIL", "journey__event__impact": "RETAKE"}
ERROR = Status(code=Status.STATUS_CODE_ERROR, message="RETAKE QS-10001")
OK = Status(code=Status.STATUS_CODE_OK)
HOSTS = Status(code=Status.STATUS_CODE_ERROR, message="timed out")


def status(exporter: OtlpExporter, one: Span) -> Status:
    """Give the status with which a span leaves."""
    parcels = exporter.parcels(Change(NOON, traces=[request(one)]))
    (found,) = spans_of(*sent(parcels))
    return found.status


def test_a_failed_check_leaves_as_an_error(make: Make) -> None:
    """Its message is the impact and the error code."""
    one = journey_span(**FAILED, journey__error__code="QS-10001")
    assert status(make(), one) == ERROR


@pytest.mark.parametrize("own", [OK, HOSTS, Status(message="so so")])
def test_what_the_host_says_stands(make: Make, own: Status) -> None:
    """A status that came in is not overwritten."""
    one = journey_span(**FAILED)
    one.status.CopyFrom(own)
    assert status(make(), one) == own


@pytest.mark.parametrize(
    "one",
    [
        journey_span(journey__event__result="PASS", x="FAIL"),
        span(**FAILED),
        journey_span(x={"journey.event.result": "FAIL"}),
    ],
)
def test_nothing_else_is_an_error(make: Make, one: Span) -> None:
    """Neither a check that passed, nor a host's own span, nor a word in its metadata."""
    assert status(make(), one) == Status()


def test_marking_can_be_switched_off(make: Make) -> None:
    """`mark_failures: false` leaves the status as it came."""
    assert status(make(mark_failures=False), journey_span(**FAILED)) == Status()


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"error_code": "QS-10001"}, ERROR),
        ({}, Status(code=Status.STATUS_CODE_ERROR, message="RETAKE")),
        ({"result": "PASS"}, Status()),
    ],
)
def test_a_check_that_came_as_a_log_record_is_marked_too(
    make: Make, fields: dict[str, Any], expected: Status
) -> None:
    """The span that stands for it has the status that a span would have."""
    logged = event("ID_RECOGNITION", **{"result": "FAIL", **fields})
    (found,) = spans_of(*sent(make().parcels(Change(NOON, logged=[logged]))))
    assert found.status == expected
