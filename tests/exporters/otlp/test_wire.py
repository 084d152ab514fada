"""Requests as bytes: what is cut and put together again is what it was."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from tests.support.otlp import pairs, span

from journeytrace_exporters.otlp.outgoing import Outgoing
from journeytrace_exporters.otlp.pack import pieces
from journeytrace_exporters.otlp.private import Attributes
from journeytrace_exporters.otlp.settings import OtlpSettings

_texts = st.sampled_from(["", "plain", "x" * 300, "FAIL"])
_attributes = st.dictionaries(st.sampled_from(["path", "user.email", "form.name"]), _texts)


@st.composite
def requests(draw: st.DrawFn) -> ExportTraceServiceRequest:
    """Give a request whose resources, scopes and spans hold what may not leave, or do not."""
    whole = ExportTraceServiceRequest()
    for scopes in draw(
        st.lists(st.lists(st.lists(_attributes, max_size=4), max_size=3), max_size=3)
    ):
        resource_spans = whole.resource_spans.add(schema_url=draw(_texts))
        resource_spans.resource.attributes.extend(pairs(draw(_attributes)))
        for spans in scopes:
            scope_spans = resource_spans.scope_spans.add(schema_url=draw(_texts))
            scope_spans.scope.attributes.extend(pairs(draw(_attributes)))
            for number, found in enumerate(spans):
                one = span(number)
                one.attributes.extend(pairs(found))
                scope_spans.spans.append(one)
    return whole


def _clean(attributes: Attributes) -> None:
    for index in reversed(range(len(attributes))):
        if attributes[index].key in {"user.email", "form.name"}:
            del attributes[index]


def _cleaned(request: ExportTraceServiceRequest) -> ExportTraceServiceRequest:
    for resource_spans in request.resource_spans:
        _clean(resource_spans.resource.attributes)
        for scope_spans in resource_spans.scope_spans:
            _clean(scope_spans.scope.attributes)
            for one in scope_spans.spans:
                _clean(one.attributes)
    return request


@settings(max_examples=60)
@given(request=requests())
def test_editing_touches_nothing_but_what_may_not_leave(request: ExportTraceServiceRequest) -> None:
    """A request that is edited part by part is the request without its private attributes."""
    outgoing = Outgoing(OtlpSettings.model_validate({"email": "drop", "mark_failures": False}))
    edited = outgoing.edited(request.SerializeToString())
    assert ExportTraceServiceRequest.FromString(edited) == _cleaned(request)


@settings(max_examples=60)
@given(request=requests(), target=st.integers(1, 2_000))
def test_pieces_hold_every_span_once(request: ExportTraceServiceRequest, target: int) -> None:
    """Cut by size, each span is there once, in order, under its resource and scope."""
    found = [
        ExportTraceServiceRequest.FromString(piece)
        for piece in pieces(request.SerializeToString(), target)
    ]
    assert _spans(found) == _spans([request])


def _spans(requests: list[ExportTraceServiceRequest]) -> list[tuple[bytes, bytes, Span]]:
    return [
        (resource.resource.SerializeToString(), scope.scope.SerializeToString(), one)
        for request in requests
        for resource in request.resource_spans
        for scope in resource.scope_spans
        for one in scope.spans
    ]
