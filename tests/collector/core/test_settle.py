"""The derived spans of DESIGN section 6."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from opentelemetry.proto.trace.v1.trace_pb2 import Status as SpanStatus
from tests.support.events import MINUTE, NOON, SECOND, SESSION, event, journeys

from journeytrace.catalogue import builtin_catalogue
from journeytrace.conventions import Status
from journeytrace.identity import revision_span_id, root_span_id, stage_span_id, trace_id
from journeytrace_collector.core.change import Settlement
from journeytrace_collector.core.model import Event
from journeytrace_collector.core.sessionize import SessionState, distinct, fold, merge
from journeytrace_collector.core.settle import derived_spans, request_of

CATALOGUE = builtin_catalogue()
TRACE = trace_id(SESSION)
FIRST = Settlement(0, None, Status.COMPLETED)

JOURNEY = [
    event("SESSION_CREATED", NOON, project_id="acme", user_id="u-1"),
    event("STEP1_ENTERED", NOON + MINUTE),
    event("ID_RECOGNITION", NOON + 2 * MINUTE, result="FAIL", duration=SECOND),
    event("SUBMISSION_CREATED", NOON + 3 * MINUTE, submission_id="sub-1"),
    event("REJECTED", NOON + 4 * MINUTE, reason="CUSTOM_POLICY", error_code="QS-10001"),
    event("FINAL_PAGE_VIEW", NOON + 5 * MINUTE, duration=2 * SECOND),
]


def state(*events: Event) -> SessionState:
    """Fold the events of one session."""
    (found,) = fold(events or JOURNEY, CATALOGUE).values()
    return found


def attributes(span: Span) -> dict[str, object]:
    """Give plain values."""
    return {
        pair.key: getattr(pair.value, pair.value.WhichOneof("value") or "")
        for pair in span.attributes
    }


def serialised(found: SessionState, settlement: Settlement = FIRST) -> bytes:
    """Give the bytes that leave."""
    return request_of(derived_spans(found, settlement)).SerializeToString(deterministic=True)


def test_the_root_says_how_the_session_ended() -> None:
    """The root has the ids of DESIGN section 3, spans all events, and carries all that is known."""
    root = derived_spans(state(), FIRST)[0]
    assert (root.name, root.kind) == ("journey.session", Span.SPAN_KIND_INTERNAL)
    assert (root.trace_id, root.span_id) == (TRACE, root_span_id(TRACE))
    assert root.parent_span_id == b""
    assert root.start_time_unix_nano == NOON
    assert root.end_time_unix_nano == NOON + 5 * MINUTE + 2 * SECOND
    assert attributes(root) == {
        "session.id": SESSION,
        "journey.support_code": "YP7YYHZX",
        "journey.status": "COMPLETED",
        "journey.decision": "REJECTED",
        "journey.reason": "CUSTOM_POLICY",
        "journey.stage": "POST",
        "journey.submission.id": "sub-1",
        "journey.project.id": "acme",
        "user.id": "u-1",
        "journey.last_event": "FINAL_PAGE_VIEW",
        "journey.error.code": "QS-10001",
        "journey.events": 6,
        "journey.impacts.none": 3,
        "journey.impacts.retake": 1,
        "journey.impacts.rejected": 1,
        "journey.impacts.completed": 1,
    }


def test_what_is_not_known_is_left_out() -> None:
    """A session with one bare event has no empty attributes."""
    root = derived_spans(state(event("OUR_OWN_EVENT")), FIRST)[0]
    assert attributes(root) == {
        "session.id": SESSION,
        "journey.support_code": "YP7YYHZX",
        "journey.status": "COMPLETED",
        "journey.last_event": "OUR_OWN_EVENT",
        "journey.events": 1,
        "journey.impacts.none": 1,
    }


def test_the_address_is_in_no_derived_span() -> None:
    """Derived spans say nothing about the user but the host's own id."""
    assert b"@" not in serialised(state(event("SESSION_CREATED", email="a@example.com")))


@pytest.mark.parametrize("status", list(Status))
def test_only_an_error_is_an_error(status: Status) -> None:
    """The span status is ERROR for the status ERROR, and unset for any other."""
    root = derived_spans(state(), Settlement(0, None, status))[0]
    error = status is Status.ERROR
    assert (root.status.code == SpanStatus.STATUS_CODE_ERROR) == error
    assert attributes(root)["journey.status"] == status.value


def test_each_ordered_stage_has_a_span() -> None:
    """Stages come in order, under the root, from their first event to the end of their last."""
    stages = derived_spans(state(), FIRST)[1:]
    assert [attributes(span)["journey.stage"] for span in stages] == [
        "ENTRY",
        "STEP1",
        "DECISION",
        "POST",
    ]
    step1 = stages[1]
    assert (step1.name, step1.kind) == ("journey.stage STEP1", Span.SPAN_KIND_INTERNAL)
    assert (step1.trace_id, step1.span_id) == (TRACE, stage_span_id(TRACE, "STEP1"))
    assert step1.parent_span_id == root_span_id(TRACE)
    assert step1.start_time_unix_nano == NOON + MINUTE
    assert step1.end_time_unix_nano == NOON + 3 * MINUTE
    assert attributes(step1) == {
        "session.id": SESSION,
        "journey.project.id": "acme",
        "journey.stage": "STEP1",
    }


@pytest.mark.parametrize("number", [1, 12])
def test_a_revision_is_one_span_of_its_own(number: int) -> None:
    """Settling again sends no root, but a revision under the root that tells all."""
    told = frozenset(state().stages)
    settlement = Settlement(number, Status.DROPPED, Status.COMPLETED, told)
    (revision,) = derived_spans(state(), settlement)
    root = derived_spans(state(), FIRST)[0]
    assert revision.name == "journey.session.revision"
    assert revision.span_id == revision_span_id(TRACE, number)
    assert revision.parent_span_id == root.span_id
    assert attributes(revision) == {**attributes(root), "journey.revision": number}
    assert revision.start_time_unix_nano == root.start_time_unix_nano


def test_a_revision_brings_the_stages_that_are_new() -> None:
    """A stage first seen after settling gets its span beside the revision, as any other stage."""
    settlement = Settlement(1, Status.DROPPED, Status.COMPLETED, frozenset({"ENTRY", "STEP1"}))
    revision, *stages = derived_spans(state(), settlement)
    assert revision.name == "journey.session.revision"
    assert stages == derived_spans(state(), FIRST)[3:]
    assert [span.name for span in stages] == ["journey.stage DECISION", "journey.stage POST"]


def test_revisions_have_ids_of_their_own() -> None:
    """No two revisions share an id with each other or with the root."""
    ids = {revision_span_id(TRACE, number) for number in range(1, 200)} | {root_span_id(TRACE)}
    assert len(ids) == 200


def test_the_revision_id_is_this_one() -> None:
    """The rule is part of the contract: the root's, with the number behind the trace id."""
    assert revision_span_id(bytes(range(16)), 12).hex() == "eaee9e0a6a86388e"


def test_derived_spans_name_their_maker() -> None:
    """Resource and scope tell that the collector made the spans."""
    (resource_spans,) = request_of(derived_spans(state(), FIRST)).resource_spans
    (pair,) = resource_spans.resource.attributes
    assert (pair.key, pair.value.string_value) == ("service.name", "journeytrace")
    assert resource_spans.scope_spans[0].scope.name == "journeytrace.collector"


@given(events=journeys(), seed=st.integers(0, 2**32), revision=st.integers(0, 3))
def test_order_and_splits_do_not_matter(events: list[Event], seed: int, revision: int) -> None:
    """However the events came, in what order and batches, the same bytes leave."""
    settlement = Settlement(revision, None, Status.DROPPED)
    shuffled = Random(seed).sample(events, len(events))
    again = fold(shuffled, CATALOGUE)
    for session_id, found in fold(events, CATALOGUE).items():
        assert serialised(again[session_id], settlement) == serialised(found, settlement)


@given(events=journeys(sessions=1), cut=st.integers(1, 24))
def test_who_comes_first_in_a_merge_does_not_matter(events: list[Event], cut: int) -> None:
    """Merging the states of two disjoint sets either way round gives the same bytes."""
    unique = list(distinct(events).values())
    assume(len(unique) > 1)
    cut = 1 + cut % (len(unique) - 1)
    one, other = state(*unique[:cut]), state(*unique[cut:])
    assert serialised(merge(one, other)) == serialised(merge(other, one))


@given(events=journeys(sessions=1))
def test_every_parent_is_there(events: list[Event]) -> None:
    """Each derived span but the root has the root for a parent, and no id comes twice."""
    root, *stages = derived_spans(state(*events), FIRST)
    assert {span.parent_span_id for span in stages} <= {root.span_id}
    assert len({span.span_id for span in (root, *stages)}) == len(stages) + 1
    for span in stages:
        assert root.start_time_unix_nano <= span.start_time_unix_nano <= span.end_time_unix_nano
        assert span.end_time_unix_nano <= root.end_time_unix_nano
