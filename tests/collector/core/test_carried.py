"""What is carried on says what was stored."""

from __future__ import annotations

import json
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from tests.support.events import NOON, SESSION

from journeytrace.catalogue import builtin_catalogue
from journeytrace_collector.core.decode import Decoder

CARRYING = Decoder(builtin_catalogue(), carry=True)


def _attributes(values: dict[str, str | int]) -> list[KeyValue]:
    return [
        KeyValue(
            key=key,
            value=AnyValue(int_value=value)
            if isinstance(value, int)
            else AnyValue(string_value=value),
        )
        for key, value in values.items()
    ]


def carried(form: str, **sent: str | int) -> tuple[Any, dict[str, str]]:
    """Decode one event in this form; give it as stored, and its attributes as carried on."""
    request = ExportTraceServiceRequest()
    span = request.resource_spans.add().scope_spans.add().spans.add()
    span.trace_id, span.span_id, span.start_time_unix_nano = b"t" * 16, b"s" * 8, NOON
    record: Any = span if form == "span" else span.events.add(time_unix_nano=NOON)
    values: dict[str, str | int] = {
        "session.id": SESSION,
        "journey.event.name": "ID_RECOGNITION",
    }
    values |= {name.replace("__", "."): value for name, value in sent.items()}
    record.attributes.extend(_attributes(values))
    decoded = CARRYING.traces(request, NOON)
    assert decoded.traces is not None
    (event,) = decoded.events
    keys = [pair.key for pair in record.attributes]
    assert len(keys) == len(set(keys))
    return event, {pair.key: pair.value.string_value for pair in record.attributes}


@pytest.mark.parametrize("form", ["span", "span event"])
@pytest.mark.parametrize("stage", ["", "STEP2", "ST\x1bEP"])
def test_the_stage_that_leaves_is_the_one_that_is_stored(form: str, stage: str) -> None:
    """An empty stage is the catalogue's here and there; a control character is replaced in both."""
    event, left = carried(form, journey__stage=stage)
    assert event.stage == left["journey.stage"]
    assert event.stage


def test_a_stage_that_nobody_knows_leaves_no_empty_tag() -> None:
    """Where nothing is stored nothing is told."""
    event, left = carried("span", journey__event__name="OUR_OWN", journey__stage="")
    assert event.stage is None
    assert "journey.stage" not in left


def test_other_fields_leave_as_they_are_stored() -> None:
    """A UUID in its one spelling, a number as its digits, an empty reason not at all."""
    event, left = carried(
        "span", session__id=SESSION.replace("-", "").upper(), user__id=42, journey__reason=""
    )
    assert (event.session_id, event.user_id, event.reason) == (SESSION, "42", None)
    assert (left["session.id"], left["user.id"]) == (SESSION, "42")
    assert "journey.reason" not in left


def test_what_was_not_sent_is_added_for_tags_alone() -> None:
    """Source, stage and impact are told with every event; of the rest, what was sent."""
    _, left = carried("span event")
    assert set(left) == {
        "session.id",
        "journey.event.name",
        "journey.event.source",
        "journey.stage",
        "journey.event.impact",
    }


@pytest.mark.parametrize(
    ("resource", "name", "known"),
    [
        ({"service.name": "form", "service.version": "1.2"}, "STEP_VIEW", {("form", "1.2")}),
        ({"service.name": "form"}, "STEP_VIEW", set()),
        ({"service.version": "1.2"}, "STEP_VIEW", set()),
        ({"service.name": "form", "service.version": "1.2"}, None, set()),
    ],
)
def test_a_version_is_that_of_a_service_with_events(
    resource: dict[str, str | int], name: str | None, known: set[tuple[str, str]]
) -> None:
    """A service whose spans are none of ours is deployed without a mark on our dashboards."""
    request = ExportTraceServiceRequest()
    spans = request.resource_spans.add()
    spans.resource.attributes.extend(_attributes(resource))
    span = spans.scope_spans.add().spans.add(trace_id=b"t" * 16, span_id=b"s" * 8)
    span.start_time_unix_nano = NOON
    values: dict[str, str | int] = {"session.id": SESSION}
    span.attributes.extend(_attributes(values | ({"journey.event.name": name} if name else {})))
    assert CARRYING.traces(request, NOON).versions == known


@pytest.mark.parametrize(
    ("name", "said", "kept"),
    [
        ("SESSION_CREATED", {"channel": "web"}, {"channel": "web", "service.version": "1.5"}),
        ("SESSION_CREATED", {"service.version": "2"}, {"service.version": "2"}),
        ("STEP_VIEW", {"path": "/start"}, {"path": "/start"}),
    ],
)
def test_a_session_begins_under_the_release_of_its_service(
    name: str, said: dict[str, str | int], kept: dict[str, str]
) -> None:
    """The event that creates it keeps the version of the resource, unless it says one itself."""
    request = ExportTraceServiceRequest()
    spans = request.resource_spans.add()
    spans.resource.attributes.extend(
        _attributes({"service.name": "form", "service.version": "1.5"})
    )
    span = spans.scope_spans.add().spans.add(trace_id=b"t" * 16, span_id=b"s" * 8)
    span.start_time_unix_nano = NOON
    known: dict[str, str | int] = {"session.id": SESSION, "journey.event.name": name}
    span.attributes.extend(_attributes(known | said))
    decoded = CARRYING.traces(request, NOON)
    (event,) = decoded.events
    assert json.loads(event.metadata) == kept
    assert decoded.traces is request
    # What leaves has it on its resource already.
    assert len([one for one in span.attributes if one.key == "service.version"]) == len(
        [one for one in said if one == "service.version"]
    )
