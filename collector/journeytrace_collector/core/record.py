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
from journeytrace_collector.core.fields import MAX_FIELD, BadFieldError
from journeytrace_collector.core.model import Event
from journeytrace_collector.core.people import check_name, check_person, check_still
from journeytrace_collector.core.rights import OPERATOR

__all__ = ["MAX_AGE", "Limits", "Record", "Resolver", "believable", "written"]

LEAD: Final = 10 * 60 * 1_000_000_000
"""How far ahead of its arrival the time of an event is believed, in ns."""

MAX_AGE: Final = 366 * 86_400 * 1_000_000_000
"""How far back it is believed, and the longest duration, in ns."""

_SOURCES: Final = frozenset(source.value for source in names.Source)
_RESULTS: Final = frozenset(result.value for result in names.Result)
_IMPACTS: Final = frozenset(impact.value for impact in names.Impact)

_TEXTS: Final = (
    names.REASON,
    names.ERROR_CODE,
    names.PROJECT_ID,
    names.SUBMISSION_ID,
    names.FLOW_ID,
    names.USER_ID,
    names.USER_EMAIL,
)
"""Texts with a meaning of their own, in the order in which `Resolver` unpacks them."""

MAX_MEANINGS: Final = 4_096
"""Combinations of an event's name, result, impact, source and stage that are remembered."""

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


class _Meaning(NamedTuple):
    """What an event is, by what it says itself and by the catalogue."""

    name: str
    result: str | None
    impact: str
    source: str
    stage: str | None
    passive: bool
    """Whether it moves nothing of its session, or may be taken for such an event."""
    said_stage: str | None
    """Without the catalogue's."""


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


def believable(sent: int, duration: int, received: int) -> tuple[int, int]:
    """Give the time and the duration, in ns, that are believed of a record (DESIGN section 4).

    A phone whose clock stands in 1970 or a forged 2096 still has an event: it happened when it
    arrived. So does one without a clock. What ends long after it arrived has no known duration.
    """
    latest = received + LEAD
    at = sent if received - MAX_AGE <= sent <= latest else received
    if duration > MAX_AGE or at + duration > latest:
        return at, 0
    return at, duration


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
        self._meanings: dict[tuple[Any, ...], _Meaning] = {}

    def event(self, attributes: dict[str, Any], record: Record) -> Event:
        """Resolve one record. Takes its keys out of `attributes`; what is left is metadata."""
        sent_at, sent_duration, received, service, held_by, event_id = record
        if len(attributes) > self._limits.attributes:
            problem = f"are {len(attributes)}, at most {self._limits.attributes} are allowed"
            raise BadFieldError("attributes", problem)
        take = attributes.pop
        if event_id is None:
            event_id = _log_event_id(attributes, sent_at)
        if (sent_id := take(names.EVENT_ID, None)) is not None:
            event_id = fields.event_id(sent_id)
        session_id = fields.session_id(take(names.SESSION_ID, None) or held_by)
        meaning = self._meaning(
            take(names.EVENT_NAME),
            take(names.EVENT_RESULT, None),
            take(names.EVENT_IMPACT, None),
            take(names.EVENT_SOURCE, None),
            take(names.STAGE, None),
        )
        name, result, impact, source, stage, passive, _ = meaning
        # Most of these are absent most of the time, and a call for nothing is not free.
        reason, error_code, project_id, submission_id, flow_id, user_id, email = [
            None
            if (value := take(key, None)) is None
            else value
            if type(value) is str and 0 < len(value) <= MAX_FIELD and value.isprintable()
            else fields.text(key, value)
            for key in _TEXTS
        ]
        retention = take(names.RETENTION_DAYS, None)
        if retention is not None:
            retention = fields.retention_days(retention)
        if passive:
            self._check_passive(meaning, attributes)
        at, duration = believable(sent_at, sent_duration, received)
        if at != sent_at != 0:
            attributes[names.TIME_SENT] = written(sent_at)
        metadata = _metadata(attributes)
        if len(metadata) > self._limits.metadata_bytes:
            limit = self._limits.metadata_bytes
            raise BadFieldError("attributes", f"are {len(metadata)} bytes, at most {limit} allowed")
        return Event(
            session_id,
            event_id,
            name,
            source,
            stage,
            impact,
            result,
            reason,
            error_code,
            at,
            duration,
            received,
            service,
            project_id,
            submission_id,
            flow_id,
            user_id,
            email,
            retention,
            metadata.decode(),
        )

    def _meaning(self, *said: Any) -> _Meaning:
        """Give what the five attributes mean that the catalogue has a say in; few differ."""
        try:
            if (known := self._meanings.get(said)) is not None:
                return known
        except TypeError:  # a list or a map, which none of them may be, cannot be looked up
            pass
        meaning = self._found(*said)
        # Numbers that are equal need not be of one kind, and only some kinds are allowed.
        if all(one is None or type(one) is str for one in said):
            if len(self._meanings) >= MAX_MEANINGS:
                self._meanings.clear()
            self._meanings[said] = meaning
        return meaning

    def _found(self, name: Any, result: Any, impact: Any, source: Any, stage: Any) -> _Meaning:
        name = fields.event_name(name)
        facts = self._facts.get(name, _UNKNOWN)
        result = fields.choice(names.EVENT_RESULT, result, _RESULTS)
        impact = fields.choice(names.EVENT_IMPACT, impact, _IMPACTS)
        if impact is None:
            impact = facts.impact_on_failure if result == "FAIL" else facts.impact
        source = fields.choice(names.EVENT_SOURCE, source, _SOURCES) or facts.source
        stage = fields.text(names.STAGE, stage)
        passive = OPERATOR in {source, facts.source} or name in PASSIVE_OF_SERVICES
        return _Meaning(name, result, impact, source, stage or facts.stage, passive, stage)

    def _check_passive(self, meaning: _Meaning, attributes: dict[str, Any]) -> None:
        """Check what moves nothing of its session, and what would be taken for it."""
        name, result, impact, source, _, _, stage = meaning
        facts = self._facts.get(name, _UNKNOWN)
        if source == OPERATOR:
            spec = self._catalogue.events.get(name)
            check_name(name, spec)
            check_still(result, impact, ordered=self._catalogue.rank(stage) is not None)
            check_person(name, spec, attributes)
        elif facts.source == OPERATOR:
            raise BadFieldError(names.EVENT_SOURCE, f"is {source}, must be OP for {name!r}")
        else:
            if source != facts.source:
                problem = f"is {source}, must be {facts.source} for {name!r}"
                raise BadFieldError(names.EVENT_SOURCE, problem)
            check_still(result, impact, ordered=self._catalogue.rank(stage) is not None)


def _log_event_id(attributes: Mapping[str, Any], at: int) -> bytes:
    """Hash all that identifies a log record, so that the same record sent twice is one event."""
    session_id = fields.session_id(attributes.get(names.SESSION_ID))
    name = str(attributes[names.EVENT_NAME]).encode()
    time = at.to_bytes(8, "big")
    return sha256(trace_id(session_id) + name + time + _canonical(attributes)).digest()[:8]
