"""What leaves because of a change, when an exporter cannot say it of all."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from tests.support.events import NOON, event

from journeytrace.catalogue import builtin_catalogue
from journeytrace.conventions import COLLECTOR_EXPORT_FAILURES_TOTAL, Status
from journeytrace_collector.core.change import (
    Change,
    Parcel,
    SessionChange,
    Settlement,
    halves,
)
from journeytrace_collector.core.measure import Measure
from journeytrace_collector.core.sessionize import state_of
from journeytrace_collector.core.unknown import MAX_UNKNOWN, UnknownNames
from journeytrace_collector.health import Health
from journeytrace_collector.outbox.effects import MOST_FAULTS, effects
from journeytrace_collector.outbox.exporter import Exporter

CATALOGUE = builtin_catalogue()


class Fastidious(Exporter):
    """Lets all that it is given leave, thing by thing, until it meets what it cannot bear."""

    def __init__(self, *unbearable: str) -> None:
        self.unbearable = unbearable
        self.asked = 0

    def parcels(self, change: Change) -> Iterable[Parcel]:
        self.asked += 1
        for request in change.traces:
            for resource_spans in request.resource_spans:
                for scope_spans in resource_spans.scope_spans:
                    origin = f"{resource_spans.schema_url}/{scope_spans.scope.name}"
                    for span in scope_spans.spans:
                        yield self._parcel(f"{origin}/{span.name}")
        for item in change.logged:
            yield self._parcel(item.name, item.session_id)
        for session in change.sessions:
            for item in session.fresh:
                yield self._parcel(item.name, session.after.session_id)
            if session.settlement:
                yield self._parcel("settled", session.after.session_id)

    def _parcel(self, name: str, session: str | None = None) -> Parcel:
        if name.rpartition("/")[2] in self.unbearable:
            raise ValueError(f"Ann Example's passport says {name}")
        return Parcel("fastidious", name.encode(), session)


def request(*names: str, origin: str = "here") -> ExportTraceServiceRequest:
    """Make a request of spans, each third of which has a resource and a scope of its own."""
    made = ExportTraceServiceRequest()
    for start in range(0, len(names), 3):
        scope = made.resource_spans.add(schema_url=origin).scope_spans.add()
        scope.scope.name = "scope"
        for name in names[start : start + 3]:
            scope.spans.add(name=name)
    return made


def session(name: str, *events: str) -> SessionChange:
    """Make a session that is new with these events."""
    fresh = [event(e, NOON + n, session_id=name) for n, e in enumerate(events)]
    return SessionChange(None, state_of(fresh, CATALOGUE), fresh)


def followed(exporter: Exporter, change: Change) -> tuple[list[str], float]:
    """Give what leaves because of a change, and how often a fault was counted."""
    health = Health()
    followup = effects(Measure(CATALOGUE), {"it": exporter}, health)(change)
    counted = health.tally().rises.get((COLLECTOR_EXPORT_FAILURES_TOTAL.name, ("it", "internal")))
    return [parcel.payload.decode() for parcel in followup.parcels], counted or 0


@pytest.mark.parametrize("each", [1, 3, 108])
@pytest.mark.parametrize("poisoned", [0, 41, 107])
def test_one_poisoned_span_costs_no_neighbour(
    each: int, poisoned: int, caplog: pytest.LogCaptureFixture
) -> None:
    """Of 108 spans, in one request or in many, 107 leave in their order; the fault is told once."""
    names = [f"span-{n}" for n in range(108)]
    exporter = Fastidious(names[poisoned])
    requests = [request(*names[n : n + each]) for n in range(0, 108, each)]
    left, counted = followed(exporter, Change(NOON, traces=requests))
    expected = [name for name in names if name != names[poisoned]]
    assert left == [f"here/scope/{name}" for name in expected]
    assert counted == 1
    assert exporter.asked < 20
    (record,) = caplog.records
    assert "spans of" in record.getMessage()
    assert "ValueError at" in record.getMessage()
    assert "Ann Example" not in caplog.text


def test_sessions_and_logged_events_are_tried_one_by_one() -> None:
    """A fault with one session's event costs that of no other; each keeps its order."""
    change = Change(
        NOON,
        sessions=[session("a", "STEP_VIEW"), session("b", "POISON"), session("c", "APPROVED")],
        traces=[request("span")],
        logged=[event("API_CALL"), event("POISON"), event("CAMERA_OPENED")],
    )
    left, counted = followed(Fastidious("POISON"), change)
    assert left == ["here/scope/span", "API_CALL", "CAMERA_OPENED", "STEP_VIEW", "APPROVED"]
    assert counted == 2


def test_settlements_are_tried_one_by_one() -> None:
    """Time changes no state; what it makes of a session leaves all the same."""
    settlement = Settlement(0, None, Status.DROPPED)
    states = [session(name, "STEP_VIEW").after for name in ("a", "b", "c")]
    change = Change(
        NOON, sessions=[SessionChange(s, s, (), None, Status.DROPPED, settlement) for s in states]
    )
    change.sessions.append(session("d", "POISON"))
    assert followed(Fastidious("POISON"), change) == (["settled"] * 3, 1)


def test_parts_still_know_whose_the_spans_are() -> None:
    """Where spans are tried apart, every session is there as it is, with nothing to tell of it."""
    change = Change(NOON, [session("a", "STEP_VIEW"), session("b", "APPROVED")], [request("span")])
    parts = halves(change)
    assert parts is not None
    spans, _ = parts
    assert [s.after.session_id for s in spans.sessions] == ["a", "b"]
    assert [(s.before, list(s.fresh)) for s in spans.sessions] == [
        (s.after, []) for s in change.sessions
    ]


def test_a_change_of_nothing_is_one_thing() -> None:
    """What cannot be divided is given up as a whole."""
    assert halves(Change(NOON)) is None
    assert halves(Change(NOON, traces=[request("span")])) is None
    assert halves(Change(NOON, traces=[request()])) is None


def test_a_fault_that_is_everywhere_is_not_looked_for_for_ever() -> None:
    """An exporter that fails at everything is asked a bounded number of times."""
    names = [f"span-{n}" for n in range(5_000)]
    exporter = Fastidious(*names)
    left, counted = followed(exporter, Change(NOON, traces=[request(*names)]))
    assert left == []
    assert MOST_FAULTS <= counted < 2 * MOST_FAULTS
    assert exporter.asked < 5 * MOST_FAULTS


def test_unknown_names_are_told_after_the_commit_and_within_a_bound(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Each name has one line in the log once it is on disk, a hundred in all, and one for more."""
    unknown = UnknownNames(CATALOGUE)
    follow = effects(Measure(CATALOGUE), {}, Health(), unknown)
    made_up = [f"MADE_UP_{number}" for number in range(MAX_UNKNOWN + 5)]
    for part in (made_up[:3], made_up, made_up):
        before = len(caplog.records)
        followup = follow(Change(NOON, [session("one", *part)]))
        assert len(caplog.records) == before
        followup.committed()
    told = [record.getMessage() for record in caplog.records]
    assert len(told) == MAX_UNKNOWN + 1
    assert 'the event "MADE_UP_0" is not in the catalogue' in told[0]
    assert "`journeytrace catalogue unknown`" in told[0]
    assert told[-1] == "further names that are not in the catalogue are not told"
