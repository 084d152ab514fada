"""What is told of what is stored, to programs and to people alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from journeytrace.catalogue import Catalogue, ErrorCodeSpec
from journeytrace.conventions import ACTOR_ID
from journeytrace_collector.admin import answers
from journeytrace_collector.core.derive import NO_CODES, Summary, rfc3339, status, summary
from journeytrace_collector.core.model import Event
from journeytrace_collector.core.operations import PASSIVE
from journeytrace_collector.core.unknown import UnknownNames, toml_lines
from journeytrace_collector.insight.as_known import as_known, revisions
from journeytrace_collector.insight.clocks import bounds, certain, clock
from journeytrace_collector.insight.why import why
from journeytrace_collector.store.base import Act, Known, OutboxRow, OutboxState

__all__ = [
    "known_at",
    "moment",
    "told",
    "told_acts",
    "told_destination",
    "told_event",
    "told_events",
    "told_parked",
    "told_unknown",
]


def told(known: Known, now: int, idle_timeout: int, catalogue: Catalogue) -> Summary:
    """Describe a session as it is at `now`, with its cause; both times in ns."""
    return summary(
        known.state,
        now,
        idle_timeout,
        known.settled_at,
        known.revision,
        retention=known.retention,
        why=why(known.state, status(known.state, now, idle_timeout), catalogue),
        error_codes=catalogue.error_codes,
        violates=known.violates,
    )


def known_at(
    known: Known, events: Sequence[Event], at: int, idle_timeout: int, catalogue: Catalogue
) -> Known | None:
    """Give a session as it was known at a moment; both times in ns.

    `events` are all of it. None: it had not begun by then.
    """
    state = as_known(events, at, catalogue)
    if state is None:
        return None
    if known.settled_at is None or known.settled_at > at:
        return Known(state, retention=known.retention)
    revision = known.revision and revisions(events, at, catalogue, idle_timeout)
    return Known(state, known.settled_at, min(revision, known.revision), known.retention)


class _Said(msgspec.Struct):
    actor: Any = msgspec.field(name=ACTOR_ID, default=None)


_said: Final = msgspec.json.Decoder(_Said).decode


def told_event(found: Event, error_codes: Mapping[str, ErrorCodeSpec] = NO_CODES) -> answers.Event:
    """Describe one event as DESIGN section 9 does; `error_codes`: those with a known meaning."""
    error = error_codes.get(found.error_code) if found.error_code else None
    actor = _said(found.metadata).actor if found.source == PASSIVE else None
    return answers.Event(
        event_id=found.event_id.hex(),
        name=found.name,
        source=found.source,
        stage=found.stage,
        impact=found.impact,
        result=found.result,
        reason=found.reason,
        error_code=found.error_code,
        error_meaning=error.meaning if error else None,
        error_page=error.page if error else None,
        actor=actor if isinstance(actor, str) else None,
        at=rfc3339(found.at),
        duration_ms=found.duration / 1e6,
        service=found.service,
        attributes=msgspec.Raw(found.metadata.encode()),
    )


def told_events(
    shown: Sequence[Event], every: Sequence[Event], catalogue: Catalogue
) -> answers.Events:
    """Describe events of one session, in their order; `every`: all that is known of it, for that
    tells which order is certain.
    """
    found = bounds(every, catalogue)
    orders = [None, *certain(shown, found)]
    told = [
        msgspec.structs.replace(told_event(one, catalogue.error_codes), order_certain=order)
        for one, order in zip(shown, orders, strict=False)
    ]
    return answers.Events(told, clock(found))


def told_unknown(found: UnknownNames) -> answers.Unknown:
    """Describe the names that came up and are not in the catalogue, with the lines for its file."""
    names = list(found)
    described = [
        answers.UnknownName(
            kind=name.kind,
            name=name.name,
            decision=name.decision,
            source=name.source,
            stage=name.stage,
            impact=name.impact,
            count=name.count,
            first_at=rfc3339(name.first_at),
            similar=name.similar,
        )
        for name in names
    ]
    return answers.Unknown(described, found.complete, toml_lines(names))


def told_destination(name: str, state: OutboxState) -> answers.Destination:
    """Describe how one destination is doing."""
    return answers.Destination(
        name=name,
        waiting=state.waiting,
        oldest_at=moment(state.oldest_at),
        backing_off=state.backing_off,
        backing_off_since=moment(state.backing_off_since),
        parked=state.parked,
    )


def told_parked(row: OutboxRow) -> answers.Parked:
    """Describe a parked parcel."""
    return answers.Parked(
        id=row.id,
        destination=row.parcel.destination,
        session_id=row.parcel.session_id,
        since=rfc3339(row.at),
        reason=row.reason,
    )


def told_acts(found: Sequence[Act]) -> answers.Acts:
    """Describe what people did."""
    return answers.Acts(
        [
            answers.Act(
                at=rfc3339(act.at),
                actor=act.actor,
                act=act.act,
                project=act.project,
                digest=act.digest.hex() if act.digest is not None else None,
                detail=dict(act.detail),
            )
            for act in found
        ]
    )


def moment(at: int | None) -> str | None:
    """Write a time in ns; None stays None."""
    return rfc3339(at) if at is not None else None
