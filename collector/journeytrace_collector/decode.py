"""OTLP → events: pure, and one bad record never costs its neighbours (DESIGN section 4).

A journey event is any span, span event or log record that carries ``journey.event.name``. Records
without it are none of our business and only counted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Final, NamedTuple

import msgspec
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from journeytrace import conventions as names
from journeytrace.catalogue import Catalogue, Role
from journeytrace.identity import trace_id
from journeytrace_collector import fields
from journeytrace_collector.attributes import plain_attributes, service_name
from journeytrace_collector.fields import MAX_NAME, BadFieldError
from journeytrace_collector.model import Event, Rejection

__all__ = ["Decoded", "Decoder", "Limits"]

MAX_TIME: Final = 2**63 - 1
_KEPT_REJECTIONS: Final = 5

_SOURCES: Final = frozenset(source.value for source in names.Source)
_RESULTS: Final = frozenset(result.value for result in names.Result)
_IMPACTS: Final = frozenset(impact.value for impact in names.Impact)

_TAGS: Final = {
    names.STAGE: "stage",
    names.EVENT_SOURCE: "source",
    names.EVENT_IMPACT: "impact",
}
"""What is added to an event that leaves without it, and where it stands in `Event`."""

_TEXTS: Final = (
    names.STAGE,
    names.REASON,
    names.ERROR_CODE,
    names.PROJECT_ID,
    names.SUBMISSION_ID,
    names.FLOW_ID,
    names.USER_ID,
    names.USER_EMAIL,
)
"""Texts with a meaning of their own, in the order in which `Decoder` unpacks them."""

_metadata = msgspec.json.Encoder().encode
_canonical = msgspec.json.Encoder(order="sorted").encode


@dataclass(frozen=True, slots=True)
class Limits:
    """What one event may weigh; a larger one is a mistake or an attack, and rejected."""

    attributes: int = 256
    metadata_bytes: int = 64 * 1024
    """Size of the metadata as JSON."""


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
    ignored: int = 0
    """Spans or log records that are no journey events."""
    traces: ExportTraceServiceRequest | None = None
    """The request to carry on; None: nothing is carried, or it held log records."""
    logged: list[Event] = field(default_factory=list)
    """Events that came as log records, to be carried on."""

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


class _Facts(NamedTuple):
    """What the catalogue says of an event, as plain strings: enum members are slow to store."""

    source: str
    stage: str | None
    impact: str
    impact_on_failure: str
    creates: bool


_UNKNOWN: Final = _Facts("BE", None, "NONE", "NONE", creates=False)


class _Record(NamedTuple):
    """What the three forms of an event have in common."""

    at: int
    duration: int
    received: int
    service: str | None
    session_id: Any
    """Of the span that holds a span event; None: the record must carry its own."""
    span_id: bytes | None
    """The event's id, where the form has one of its own; None: hash the record."""


class Decoder:
    """Turns OTLP requests into events.

    Args:
        catalogue: what an event means that does not say so itself.
        limits: None: the default ones.
        retention: by project id, the days that a session created now is kept, if it does not say.
        carry: whether to keep the request for those who forward it, tagged with what the catalogue
            knows and without the records that were rejected.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        limits: Limits | None = None,
        retention: Mapping[str, int] | None = None,
        *,
        carry: bool = False,
    ) -> None:
        self._limits = limits or Limits()
        self._retention = retention or {}
        self._carry = carry
        self._facts = {
            name: _Facts(
                spec.source.value,
                spec.stage,
                spec.impact_of(None).value,
                spec.impact_of(names.Result.FAIL).value,
                spec.role is Role.CREATE,
            )
            for name, spec in catalogue.events.items()
        }

    def traces(self, request: ExportTraceServiceRequest, received: int) -> Decoded:
        """Decode spans and their span events; `received` is the time of arrival in ns."""
        decoded = Decoded(traces=request if self._carry else None)
        for resource_spans in request.resource_spans:
            service = service_name(resource_spans.resource)
            for scope_spans in resource_spans.scope_spans:
                rejected = [
                    number
                    for number, span in enumerate(scope_spans.spans)
                    if not self._span(span, service, received, decoded)
                ]
                if self._carry:
                    _delete(scope_spans.spans, rejected)
        return decoded

    def logs(self, request: ExportLogsServiceRequest, received: int) -> Decoded:
        """Decode log records; `received` is the time of arrival in ns."""
        decoded = Decoded()
        for resource_logs in request.resource_logs:
            service = service_name(resource_logs.resource)
            for scope_logs in resource_logs.scope_logs:
                for record in scope_logs.log_records:
                    self._log(record, service, received, decoded)
        return decoded

    def _span(self, span: Span, service: str | None, received: int, decoded: Decoded) -> bool:
        """Decode one span with its span events; False: the span itself was rejected."""
        attributes = plain_attributes(span.attributes)
        session_id = attributes.get(names.SESSION_ID)
        problems_before = decoded.problems
        is_event = taken = names.EVENT_NAME in attributes
        if is_event:
            start, end = span.start_time_unix_nano, span.end_time_unix_nano
            # Without a start there is no telling how long it took.
            duration = max(0, end - start) if start else 0
            try:
                _check_span_ids(span)
                record = _Record(start, duration, received, service, None, span.span_id)
                self._take(attributes, record, span.attributes, decoded)
            except BadFieldError as bad:
                taken = False
                decoded.reject(Rejection(f"span {span.name[:MAX_NAME]!r}", bad.name, bad.problem))
        holds_events = bool(span.events) and self._span_events(
            span, session_id, service, received, decoded
        )
        decoded.rejected += decoded.problems > problems_before
        decoded.ignored += not (is_event or holds_events)
        return taken or not is_event

    def _span_events(
        self, span: Span, session_id: Any, service: str | None, received: int, decoded: Decoded
    ) -> bool:
        """Decode the span events of a span; False: none of them is a journey event."""
        found = False
        rejected = []
        for number, event in enumerate(span.events):
            attributes = plain_attributes(event.attributes)
            if names.EVENT_NAME not in attributes:
                continue
            found = True
            at = event.time_unix_nano
            try:
                _check_span_ids(span)
                own_id = _hashed_id(span.span_id, attributes[names.EVENT_NAME], at)
                record = _Record(at, 0, received, service, session_id, own_id)
                self._take(attributes, record, event.attributes, decoded)
            except BadFieldError as bad:
                rejected.append(number)
                where = f"span event {event.name[:MAX_NAME]!r}"
                decoded.reject(Rejection(where, bad.name, bad.problem))
        if self._carry:
            _delete(span.events, rejected)
        return found

    def _take(
        self, attributes: dict[str, Any], record: _Record, sent: Any, decoded: Decoded
    ) -> None:
        """Decode one event, and tag the `sent` attributes if they are carried on."""
        absent = [key for key in _TAGS if key not in attributes] if self._carry else ()
        event = self._event(attributes, record)
        decoded.events.append(event)
        for key in absent:
            if (value := getattr(event, _TAGS[key])) is not None:
                sent.add(key=key).value.string_value = value

    def _log(self, log: LogRecord, service: str | None, received: int, decoded: Decoded) -> None:
        attributes = plain_attributes(log.attributes)
        if names.EVENT_NAME not in attributes:
            decoded.ignored += 1
            return
        # Its trace and span id are not looked at: OTLP reads invalid ones as "belongs to no trace".
        name = log.event_name or str(attributes[names.EVENT_NAME])
        try:
            at = log.time_unix_nano or log.observed_time_unix_nano
            event = self._event(attributes, _Record(at, 0, received, service, None, None))
            decoded.events.append(event)
            if self._carry:
                decoded.logged.append(event)
        except BadFieldError as bad:
            decoded.rejected += 1
            where = f"log record {name[:MAX_NAME]!r}"
            decoded.reject(Rejection(where, bad.name, bad.problem))

    def _event(self, attributes: dict[str, Any], record: _Record) -> Event:
        """Resolve one record. Takes its keys out of `attributes`; what is left is metadata."""
        if len(attributes) > self._limits.attributes:
            problem = f"are {len(attributes)}, at most {self._limits.attributes} are allowed"
            raise BadFieldError("attributes", problem)
        if record.at + record.duration > MAX_TIME:
            raise BadFieldError("time", "is past the year 2262; it is in ns since 1970")
        take = attributes.pop
        event_id = record.span_id
        if event_id is None:
            event_id = _log_event_id(attributes, record.at)
        if (sent_id := take(names.EVENT_ID, None)) is not None:
            event_id = fields.event_id(sent_id)
        session_id = fields.session_id(take(names.SESSION_ID, None) or record.session_id)
        name = fields.event_name(take(names.EVENT_NAME))
        facts = self._facts.get(name, _UNKNOWN)
        result = fields.choice(names.EVENT_RESULT, take(names.EVENT_RESULT, None), _RESULTS)
        impact = fields.choice(names.EVENT_IMPACT, take(names.EVENT_IMPACT, None), _IMPACTS)
        if impact is None:
            impact = facts.impact_on_failure if result == "FAIL" else facts.impact
        source = (
            fields.choice(names.EVENT_SOURCE, take(names.EVENT_SOURCE, None), _SOURCES)
            or facts.source
        )
        # Most of these are absent most of the time, and a call for nothing is not free.
        stage, reason, error_code, project_id, submission_id, flow_id, user_id, email = [
            None if (value := take(key, None)) is None else fields.text(key, value)
            for key in _TEXTS
        ]
        retention = fields.retention_days(take(names.RETENTION_DAYS, None))
        if facts.creates and retention is None and project_id is not None:
            retention = self._retention.get(project_id)
        metadata = _metadata(attributes)
        if len(metadata) > self._limits.metadata_bytes:
            limit = self._limits.metadata_bytes
            raise BadFieldError("attributes", f"are {len(metadata)} bytes, at most {limit} allowed")
        return Event(
            session_id,
            event_id,
            name,
            source,
            stage or facts.stage,
            impact,
            result,
            reason,
            error_code,
            # A sender without a clock still has an event: it happened no later than it arrived.
            record.at or record.received,
            record.duration,
            record.received,
            record.service,
            project_id,
            submission_id,
            flow_id,
            user_id,
            email,
            retention,
            metadata.decode(),
        )


def _delete(records: Any, numbers: list[int]) -> None:
    """Delete items of a repeated field; from the end, so that the numbers stay right."""
    for number in reversed(numbers):
        del records[number]


def _hashed_id(span_id: bytes, name: Any, at: int) -> bytes:
    return sha256(span_id + str(name).encode() + at.to_bytes(8, "big")).digest()[:8]


def _log_event_id(attributes: Mapping[str, Any], at: int) -> bytes:
    """Hash all that identifies a log record, so that the same record sent twice is one event."""
    session_id = fields.session_id(attributes.get(names.SESSION_ID))
    name = str(attributes[names.EVENT_NAME]).encode()
    time = at.to_bytes(8, "big")
    return sha256(trace_id(session_id) + name + time + _canonical(attributes)).digest()[:8]


def _check_span_ids(span: Span) -> None:
    fields.check_id("trace_id", span.trace_id, 16)
    fields.check_id("span_id", span.span_id, 8)
