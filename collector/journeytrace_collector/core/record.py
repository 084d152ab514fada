"""One record in whatever form → one event, resolved against the catalogue (DESIGN section 4)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, Final, NamedTuple

import msgspec

from journeytrace import conventions as names
from journeytrace.catalogue import PASSIVE_OF_SERVICES, Catalogue
from journeytrace.identity import trace_id
from journeytrace_collector.core import fields
from journeytrace_collector.core.fields import BadFieldError
from journeytrace_collector.core.model import Event
from journeytrace_collector.core.people import check_name, check_person, check_still
from journeytrace_collector.core.rights import OPERATOR

__all__ = ["Limits", "Record", "Resolver", "believable", "written"]

LEAD: Final = 10 * 60 * 1_000_000_000
"""How far ahead of its arrival the time of an event is believed, in ns."""

MAX_AGE: Final = 366 * 86_400 * 1_000_000_000
"""How far back it is believed, and the longest duration, in ns."""

_SOURCES: Final = frozenset(source.value for source in names.Source)
_RESULTS: Final = frozenset(result.value for result in names.Result)
_IMPACTS: Final = frozenset(impact.value for impact in names.Impact)

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
"""Texts with a meaning of their own, in the order in which `Resolver` unpacks them."""

_metadata = msgspec.json.Encoder().encode
_canonical = msgspec.json.Encoder(order="sorted").encode


@dataclass(frozen=True, slots=True)
class Limits:
    """What one event may weigh; a larger one is a mistake or an attack, and rejected."""

    attributes: int = 256
    metadata_bytes: int = 64 * 1024
    """Size of the metadata as JSON."""


class _Facts(NamedTuple):
    """What the catalogue says of an event, as plain strings: enum members are slow to store."""

    source: str
    stage: str | None
    impact: str
    impact_on_failure: str


_UNKNOWN: Final = _Facts("BE", None, "NONE", "NONE")


class Record(NamedTuple):
    """What the three forms of an event have in common."""

    at: int
    duration: int
    received: int
    service: str | None
    session_id: Any
    """Of the span that holds a span event; None: the record must carry its own."""
    span_id: bytes | None
    """The event's id, where the form has one of its own; None: hash the record."""


def believable(record: Record) -> tuple[int, int]:
    """Give the time and the duration, in ns, that are believed of a record (DESIGN section 4).

    A phone whose clock stands in 1970 or a forged 2096 still has an event: it happened when it
    arrived. So does one without a clock. What ends long after it arrived has no known duration.
    """
    earliest, latest = record.received - MAX_AGE, record.received + LEAD
    at = record.at if earliest <= record.at <= latest else record.received
    if record.duration > MAX_AGE or at + record.duration > latest:
        return at, 0
    return at, record.duration


def written(at: int) -> str:
    """Write a time as it was sent, to the ns: all 64 bits end in the year 2554."""
    seconds, ns = divmod(at, 1_000_000_000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{ns:09d}Z"


class Resolver:
    """Gives what a record means; see `Decoder` for the arguments."""

    def __init__(
        self,
        catalogue: Catalogue,
        limits: Limits | None = None,
    ) -> None:
        self._limits = limits or Limits()
        self._catalogue = catalogue
        self._facts = {
            name: _Facts(
                spec.source.value,
                spec.stage,
                spec.impact_of(None).value,
                spec.impact_of(names.Result.FAIL).value,
            )
            for name, spec in catalogue.events.items()
        }

    def event(self, attributes: dict[str, Any], record: Record) -> Event:
        """Resolve one record. Takes its keys out of `attributes`; what is left is metadata."""
        if len(attributes) > self._limits.attributes:
            problem = f"are {len(attributes)}, at most {self._limits.attributes} are allowed"
            raise BadFieldError("attributes", problem)
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
        if source == OPERATOR:
            spec = self._catalogue.events.get(name)
            check_name(name, spec)
            check_still(result, impact, ordered=self._catalogue.rank(stage) is not None)
            check_person(name, spec, attributes)
        elif facts.source == OPERATOR:
            raise BadFieldError(names.EVENT_SOURCE, f"is {source}, must be OP for {name!r}")
        elif name in PASSIVE_OF_SERVICES:
            if source != facts.source:
                problem = f"is {source}, must be {facts.source} for {name!r}"
                raise BadFieldError(names.EVENT_SOURCE, problem)
            check_still(result, impact, ordered=self._catalogue.rank(stage) is not None)
        at, duration = believable(record)
        if record.at not in (0, at):
            attributes[names.TIME_SENT] = written(record.at)
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
            at,
            duration,
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


def _log_event_id(attributes: Mapping[str, Any], at: int) -> bytes:
    """Hash all that identifies a log record, so that the same record sent twice is one event."""
    session_id = fields.session_id(attributes.get(names.SESSION_ID))
    name = str(attributes[names.EVENT_NAME]).encode()
    time = at.to_bytes(8, "big")
    return sha256(trace_id(session_id) + name + time + _canonical(attributes)).digest()[:8]
