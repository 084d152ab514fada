"""OTLP → events: pure, and one bad record never costs its neighbours (DESIGN section 4).

A journey event is any span, span event or log record that carries ``journey.event.name``. Records
without it are none of our business and only counted.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import sha256
from secrets import token_bytes
from typing import Any, Final, Literal

import msgspec
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from journeytrace import conventions as names
from journeytrace.catalogue import Catalogue, Role
from journeytrace_collector.core import fields
from journeytrace_collector.core.attributes import plain_attributes, service_of
from journeytrace_collector.core.change import Parcel
from journeytrace_collector.core.fields import MAX_NAME, BadFieldError
from journeytrace_collector.core.model import Event, Rejection
from journeytrace_collector.core.record import Limits, Record, Resolver
from journeytrace_collector.core.review import Guard
from journeytrace_collector.core.rights import ANYBODY, DESK, LacksRightError, Rights
from journeytrace_collector.core.weight import check_records
from journeytrace_collector.core.wire import LogsRequest, Read, TracesRequest, reader

__all__ = ["Decoded", "Decoder"]

_KEPT_REJECTIONS: Final = 5
_RELEASE: Final = f'"{names.SERVICE_VERSION}":'

_ZEROS: Final = bytes(16)

_TAGS: Final = (names.STAGE, names.EVENT_SOURCE, names.EVENT_IMPACT)
"""What is added to an event that would leave without it."""

_KEPT: Final = {
    names.STAGE: "stage",
    names.EVENT_SOURCE: "source",
    names.EVENT_IMPACT: "impact",
    names.SESSION_ID: "session_id",
    names.REASON: "reason",
    names.ERROR_CODE: "error_code",
    names.PROJECT_ID: "project_id",
    names.SUBMISSION_ID: "submission_id",
    names.FLOW_ID: "flow_id",
    names.USER_ID: "user_id",
    names.USER_EMAIL: "email",
}
"""What may be kept in other words than it was sent, and where it stands in `Event`."""


@dataclass(slots=True)
class Decoded:
    """What one request held."""

    events: list[Event] = field(default_factory=list)
    rejected: int = 0
    """Spans or log records of which at least one event was not taken."""
    rejections: list[Rejection] = field(default_factory=list)
    """The first few of the `problems`."""
    problems: int = 0
    """Events that were not taken."""
    forbidden: int = 0
    """Events among them that their sender had no right to."""
    ignored: int = 0
    """Spans or log records that are no journey events."""
    traces: ExportTraceServiceRequest | None = None
    """The request to carry on; None: nothing is carried, or it held log records."""
    logged: list[Event] = field(default_factory=list)
    """Events to be carried on that no span of `traces` stands for: they came as log records, or
    on a span that was rejected."""
    versions: set[tuple[str, str]] = field(default_factory=set)
    """(service, version) of those who sent an event and say both."""
    rights: Rights = ANYBODY
    """Of who sent it."""
    guard: Guard | None = None
    """What has to hold when its one event is stored; None: nothing."""
    parcels: list[tuple[bytes, Parcel]] = field(default_factory=list)
    """What leaves because of an event, by its id."""

    records: int = 0
    """Spans with their span events, or log records, so far."""

    def count(self, records: int) -> None:
        """Count records before they are decoded.

        Raises:
            RequestTooLargeError: there are too many.
        """
        self.records += records
        check_records(self.records)

    def reject(self, rejection: Rejection) -> None:
        """Note one event that is not taken."""
        self.problems += 1
        if len(self.rejections) < _KEPT_REJECTIONS:
            self.rejections.append(rejection)

    @property
    def message(self) -> str:
        """The answer's ``error_message``; empty: nothing was rejected."""
        text = "; ".join(map(str, self.rejections))
        more = self.problems - len(self.rejections)
        return f"{text}; and {more} more" if more > 0 else text


class Decoder:
    """Turns OTLP requests into events.

    Args:
        catalogue: what an event means that does not say so itself.
        limits: None: the default ones.
        carry: whether to keep requests of spans for those who forward them, tagged with what the
            catalogue knows and without the records that were rejected.
        carry_logged: whether to keep the events that came as log records for those who forward
            them.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        limits: Limits | None = None,
        *,
        carry: bool = False,
        carry_logged: bool = False,
    ) -> None:
        self._resolve = Resolver(catalogue, limits).event
        self._creating = {
            name for name, spec in catalogue.events.items() if spec.role is Role.CREATE
        }
        self._carry = carry
        self.traces_as = ExportTraceServiceRequest if carry else TracesRequest
        """What to parse a request of spans as: what is carried on has to be as OTLP has it."""
        self.logs_as = LogsRequest
        """What to parse a request of log records as."""
        self._carry_logged = carry_logged

    def traces(self, request: Any, received: int, rights: Rights = ANYBODY) -> Decoded:
        """Decode spans and their span events.

        Args:
            request: what came in, an ``ExportTraceServiceRequest`` or what was parsed as
                `traces_as`; tagged if it is carried on.
            received: the time of arrival in ns.
            rights: of who sent it.

        Raises:
            RequestTooLargeError: it holds too many records.
        """
        decoded = Decoded(traces=request if self._carry else None, rights=rights)
        read = plain_attributes if isinstance(request, ExportTraceServiceRequest) else reader()
        for resource_spans in request.resource_spans:
            service, version = service_of(resource_spans.resource)
            before = len(decoded.events)
            for scope_spans in resource_spans.scope_spans:
                spans = scope_spans.spans
                decoded.count(len(spans))
                rejected = [
                    number
                    for number, span in enumerate(spans)
                    if not self._span(span, read, service, received, decoded)
                ]
                if self._carry:
                    _delete(spans, rejected)
            if service and version and len(decoded.events) > before:
                decoded.versions.add((service, version))
                self._tell_release(decoded.events, before, version)
        return decoded

    def logs(self, request: Any, received: int, rights: Rights = ANYBODY) -> Decoded:
        """Decode log records; see `traces`."""
        decoded = Decoded(rights=rights)
        read = plain_attributes if isinstance(request, ExportLogsServiceRequest) else reader()
        for resource_logs in request.resource_logs:
            service, version = service_of(resource_logs.resource)
            before = len(decoded.events)
            for scope_logs in resource_logs.scope_logs:
                decoded.count(len(scope_logs.log_records))
                for record in scope_logs.log_records:
                    self._log(record, read, service, received, decoded)
            if service and version and len(decoded.events) > before:
                decoded.versions.add((service, version))
                self._tell_release(decoded.events, before, version)
        return decoded

    def operation(self, attributes: dict[str, Any], received: int) -> Decoded:
        """Decode one event that a person at the desk is the cause of, and nothing else.

        Raises:
            BadFieldError: it is none.
        """
        decoded = Decoded(rights=DESK)
        # In the place of a span of its own: what is done twice is two events, unless it says so.
        record = Record(received, 0, received, None, None, token_bytes(8))
        event = self._event(attributes, record, decoded)
        if self._carry_logged:
            decoded.logged.append(event)
        return decoded

    def told(
        self,
        records: Iterable[tuple[str, dict[str, Any], Record]],
        faulty: Sequence[Rejection],
        rights: Rights,
    ) -> Decoded:
        """Decode records that were rebuilt of what somebody said, and were not OTLP any more.

        Args:
            records: where each was found, its attributes, and the rest of it.
            faulty: what was rejected before.
            rights: of who said it.
        """
        decoded = Decoded(rights=rights)
        for rejection in faulty:
            decoded.reject(rejection)
        for where, attributes, record in records:
            try:
                event = self._event(attributes, record, decoded)
                if self._carry_logged:
                    decoded.logged.append(event)
            except BadFieldError as bad:
                decoded.reject(Rejection(where, bad.name, bad.problem))
        decoded.rejected = decoded.problems
        return decoded

    def _tell_release(self, events: list[Event], first: int, version: str) -> None:
        """Keep the version of the service with the event that created a session: see `Groups`.

        `first` is the number of its first event. What leaves has it on its resource.
        """
        for number, event in enumerate(events[first:], first):
            if event.name in self._creating and _RELEASE not in event.metadata:
                said = msgspec.json.decode(event.metadata, type=dict[str, Any])
                metadata = msgspec.json.encode({**said, names.SERVICE_VERSION: version}).decode()
                events[number] = msgspec.structs.replace(event, metadata=metadata)

    def _span(
        self, span: Span, read: Read, service: str | None, received: int, decoded: Decoded
    ) -> bool:
        """Decode one span with its span events; False: the span itself was rejected."""
        problems_before = decoded.problems
        session_id = None
        is_event = taken = True
        try:
            attributes = read(span.attributes)
            session_id = attributes.get(names.SESSION_ID)
            is_event = names.EVENT_NAME in attributes
            if is_event:
                start = span.start_time_unix_nano
                span_id = _checked_span_id(span)
                # Without a start there is no telling how long it took.
                duration = max(0, span.end_time_unix_nano - start) if start else 0
                record = Record(start, duration, received, service, None, span_id)
                if not self._carry:
                    self._event(attributes, record, decoded)
                elif (event := self._tagged(attributes, record, span, decoded)).at != start:
                    span.start_time_unix_nano = event.at
                    span.end_time_unix_nano = event.at + event.duration
        except BadFieldError as bad:
            taken = False
            decoded.reject(Rejection(f"span {span.name[:MAX_NAME]!r}", bad.name, bad.problem))
        events_before = len(decoded.events)
        holds_events = False
        if span.events:
            decoded.count(len(span.events))
            holds_events = self._span_events(span, read, session_id, service, received, decoded)
        if not taken and self._carry_logged:
            # They are good, and what would carry them is not carried on.
            decoded.logged += decoded.events[events_before:]
        if decoded.problems > problems_before:
            decoded.rejected += 1
        if not (is_event or holds_events):
            decoded.ignored += 1
        return taken

    def _span_events(  # noqa: PLR0917
        self,
        span: Span,
        read: Read,
        session_id: Any,
        service: str | None,
        received: int,
        decoded: Decoded,
    ) -> bool:
        """Decode the span events of a span; False: none of them is a journey event."""
        found = False
        rejected = []
        for number, event in enumerate(span.events):
            try:
                attributes = read(event.attributes)
                if names.EVENT_NAME not in attributes:
                    continue
                found = True
                at = event.time_unix_nano
                own_id = _hashed_id(_checked_span_id(span), attributes[names.EVENT_NAME], at)
                record = Record(at, 0, received, service, session_id, own_id)
                if not self._carry:
                    self._event(attributes, record, decoded)
                    continue
                taken = self._tagged(attributes, record, event, decoded)
                if event.time_unix_nano != taken.at:
                    # Its id was made of the time that was sent: whoever decodes it next is told.
                    _replace(event.attributes, names.EVENT_ID, taken.event_id.hex())
                    event.time_unix_nano = taken.at
            except BadFieldError as bad:
                rejected.append(number)
                where = f"span event {event.name[:MAX_NAME]!r}"
                decoded.reject(Rejection(where, bad.name, bad.problem))
        if self._carry:
            _delete(span.events, rejected)
        return found

    def _tagged(
        self, attributes: dict[str, Any], record: Record, sent: Any, decoded: Decoded
    ) -> Event:
        """Decode one event that is carried on, and let what was `sent` say what is kept."""
        # Resolving takes them out.
        said = [(key, attributes[key]) for key in _KEPT if key in attributes]
        stage, source, impact = [key not in attributes for key in _TAGS]
        event = self._event(attributes, record, decoded)
        for key, value in said:
            if (kept := getattr(event, _KEPT[key])) != value:
                _replace(sent.attributes, key, kept)
        # What is absent comes from the catalogue, so there are few combinations.
        tags = _tags(stage and event.stage, source and event.source, impact and event.impact)
        sent.attributes.extend(tags)
        if record.at not in (0, event.at):
            time_sent = sent.attributes.add(key=names.TIME_SENT)
            time_sent.value.string_value = attributes[names.TIME_SENT]
        return event

    def _event(self, attributes: dict[str, Any], record: Record, decoded: Decoded) -> Event:
        source, rights = attributes.get(names.EVENT_SOURCE), decoded.rights
        try:
            rights.check_sent(source)
            event = self._resolve(attributes, record)
            rights.check(event, source)
        except LacksRightError:
            decoded.forbidden += 1
            raise
        decoded.events.append(event)
        return event

    def _log(
        self, log: LogRecord, read: Read, service: str | None, received: int, decoded: Decoded
    ) -> None:
        name = log.event_name
        try:
            attributes = read(log.attributes)
            if names.EVENT_NAME not in attributes:
                decoded.ignored += 1
                return
            # Its trace and span id are not looked at: OTLP reads invalid ones as "belongs to no
            # trace".
            name = name or str(attributes[names.EVENT_NAME])
            at = log.time_unix_nano or log.observed_time_unix_nano
            record = Record(at, 0, received, service, None, None)
            event = self._event(attributes, record, decoded)
            if self._carry_logged:
                decoded.logged.append(event)
        except BadFieldError as bad:
            decoded.rejected += 1
            where = f"log record {name[:MAX_NAME]!r}"
            decoded.reject(Rejection(where, bad.name, bad.problem))


def _delete(records: Any, numbers: list[int]) -> None:
    """Delete items of a repeated field; from the end, so that the numbers stay right."""
    for number in reversed(numbers):
        del records[number]


def _replace(attributes: Any, key: str, value: str | None) -> None:
    """Give an attribute another value; None: take it away."""
    _delete(attributes, [number for number, pair in enumerate(attributes) if pair.key == key])
    if value is not None:
        attributes.add(key=key).value.string_value = value


@lru_cache(maxsize=1024)
def _tags(*values: str | Literal[False] | None) -> list[KeyValue]:
    """Give attributes to be copied, for copying them is several times cheaper than making them."""
    return [
        KeyValue(key=key, value=AnyValue(string_value=value))
        for key, value in zip(_TAGS, values, strict=True)
        if value
    ]


def _hashed_id(span_id: bytes, name: Any, at: int) -> bytes:
    return sha256(span_id + str(name).encode() + at.to_bytes(8, "big")).digest()[:8]


def _checked_span_id(span: Span) -> bytes:
    trace_id, span_id = span.trace_id, span.span_id
    if len(trace_id) != 16 or len(span_id) != 8 or trace_id == _ZEROS or span_id == _ZEROS[:8]:
        fields.check_id("trace_id", trace_id, 16)
        fields.check_id("span_id", span_id, 8)
    return span_id
