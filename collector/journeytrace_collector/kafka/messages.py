"""What is written to the log: one message a trace, and whose word it is. Pure.

What travels is OTLP as the OpenTelemetry Collector's exporter writes it (protobuf, the key being
the trace id in hexadecimal digits), so both can write to one topic. What a sender may say has been
checked before; but whose a session is only the store knows. So the rights travel with the message
and are asked again there. A header can only narrow what may come by the topic.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

import msgspec
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, Span

from journeytrace.catalogue import Catalogue
from journeytrace_collector.core.decode import Decoded
from journeytrace_collector.core.event_span import event_span
from journeytrace_collector.core.model import Event
from journeytrace_collector.core.rights import ANYBODY, Rights

__all__ = ["RIGHTS", "Message", "carried", "headers_of", "messages", "rights_of"]

RIGHTS: Final = "journeytrace.rights"
"""The header with the rights of who sent it; absent: nothing but the topic's own bounds it."""

_OVERHEAD: Final = 1024
"""Bytes that a message has beside its value, as brokers count them, with key and headers."""
_FRAME: Final = 16
"""Bytes around a message within another, at most."""


class Message(NamedTuple):
    """One message."""

    key: bytes
    value: bytes
    spans: int


class _Rights(msgspec.Struct, frozen=True):
    sources: list[str]
    projects: list[str] | None = None


def headers_of(rights: Rights) -> dict[str, str | bytes | None]:
    """Give the headers of what somebody with these rights has sent."""
    if (rights.sources, rights.projects) == (ANYBODY.sources, ANYBODY.projects):
        return {}
    projects = None if rights.projects is None else sorted(rights.projects)
    return {RIGHTS: msgspec.json.encode(_Rights(sorted(rights.sources), projects))}


def rights_of(headers: Iterable[tuple[str, bytes | str | None]], bound: Rights) -> Rights:
    """Give the rights behind a message: `bound`, and no more than its header leaves of it.

    Raises:
        ValueError: the header says something else.
    """
    sources, projects = bound.sources, bound.projects
    for name, value in headers:
        if name != RIGHTS:
            continue
        try:
            found = msgspec.json.decode(value or b"", type=_Rights)
        except msgspec.MsgspecError as error:
            raise ValueError(f"the header {RIGHTS} cannot be read: {error}") from None
        sources &= frozenset(found.sources)
        if found.projects is not None:
            own = frozenset(found.projects)
            projects = own if projects is None else projects & own
    return Rights(bound.sender, sources, projects)


def carried(decoded: Decoded, catalogue: Catalogue) -> ExportTraceServiceRequest:
    """Give all that was taken of a request as one of spans, each event with all that it means."""
    request = ExportTraceServiceRequest()
    if decoded.traces is not None:
        request.MergeFrom(decoded.traces)
    versions = dict(decoded.versions)
    by_service: dict[str | None, list[Event]] = {}
    for event in decoded.logged:
        by_service.setdefault(event.service, []).append(event)
    for service, events in by_service.items():
        resource = request.resource_spans.add()
        told = {"service.name": service, "service.version": versions.get(service or "")}
        for key, value in told.items():
            if value is not None:
                resource.resource.attributes.add(key=key).value.string_value = value
        resource.scope_spans.add().spans.extend(event_span(one, catalogue) for one in events)
    return request


def messages(
    request: ExportTraceServiceRequest, most: int
) -> tuple[list[Message], Sequence[tuple[str, int]]]:
    """Divide a request by trace into messages of at most `most` bytes.

    Also gives the spans (name, bytes) that are larger alone, and so in none of them.
    """
    room = most - _OVERHEAD
    parts: dict[bytes, _Part] = {}
    large: list[tuple[str, int]] = []
    done: list[Message] = []
    for of, around, span in _spans(request):
        size = span.ByteSize() + _FRAME
        part = parts.setdefault(span.trace_id, _Part(span.trace_id))
        if size + around.ByteSize() > room:
            large.append((span.name, size))
            continue
        if part.spans and part.size + part.costs(of, around) + size > room:
            done.append(part.message())
            part = parts[span.trace_id] = _Part(span.trace_id)
        part.add(of, around, span, size)
    done += [part.message() for part in parts.values() if part.spans]
    return done, large


def _spans(
    request: ExportTraceServiceRequest,
) -> Iterator[tuple[int, ResourceSpans, Span]]:
    """Give each span with its resource and scope as one, and the number of that."""
    of = 0
    for resource in request.resource_spans:
        for scope in resource.scope_spans:
            around = ResourceSpans(schema_url=resource.schema_url)
            around.resource.CopyFrom(resource.resource)
            around.scope_spans.add(schema_url=scope.schema_url).scope.CopyFrom(scope.scope)
            of += 1
            for span in scope.spans:
                yield of, around, span


class _Part:
    """What one message will be."""

    def __init__(self, trace_id: bytes) -> None:
        self.size = self.spans = 0
        self._key = trace_id.hex().encode()
        self._request = ExportTraceServiceRequest()
        self._of = 0

    def costs(self, of: int, around: ResourceSpans) -> int:
        """Give the bytes that come with a span of these, beside its own."""
        return 0 if of == self._of else around.ByteSize() + _FRAME

    def add(self, of: int, around: ResourceSpans, span: Span, size: int) -> None:
        """Take a span in, with what it is of, and its bytes."""
        self.size += size + self.costs(of, around)
        if of != self._of:
            self._request.resource_spans.add().CopyFrom(around)
            self._of = of
        self._request.resource_spans[-1].scope_spans[-1].spans.append(span)
        self.spans += 1

    def message(self) -> Message:
        """Give it."""
        return Message(self._key, self._request.SerializeToString(), self.spans)
