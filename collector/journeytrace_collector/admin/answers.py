"""What the admin API answers: a type for each answer, whose fields say what they mean."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

import msgspec

from journeytrace.conventions import Impact, Result, Source
from journeytrace_collector.core.derive import Summary
from journeytrace_collector.core.funnel import Step
from journeytrace_collector.core.model import Rfc3339
from journeytrace_collector.insight.clocks import Clock
from journeytrace_collector.insight.loss import LossGroup

__all__ = [
    "Act",
    "Acts",
    "Conformance",
    "CorrectedFunnel",
    "Count",
    "Destination",
    "Discarded",
    "Document",
    "Erasable",
    "Erased",
    "Error",
    "ErrorAnswer",
    "Event",
    "Events",
    "Outbox",
    "Parked",
    "Replayed",
    "ReplayedRule",
    "Report",
    "Requeued",
    "Rule",
    "Sessions",
    "Unknown",
    "UnknownName",
    "Violator",
]


def _one_of(words: type[StrEnum]) -> msgspec.Meta:
    # As text, for that is how it comes out of a store: nothing that is read there may fail here.
    return msgspec.Meta(extra_json_schema={"enum": [word.value for word in words]})


_Source = Annotated[str, _one_of(Source)]
_Impact = Annotated[str, _one_of(Impact)]
_Result = Annotated[str, _one_of(Result)]
_Object = Annotated[msgspec.Raw, msgspec.Meta(extra_json_schema={"type": "object"})]
Document = Annotated[dict[str, Any], msgspec.Meta(extra_json_schema={"required": ["openapi"]})]
"""An OpenAPI document."""


class Error(msgspec.Struct, frozen=True):
    """Why there is no answer."""

    message: str
    """What was wrong and what to do, for people."""
    field: str | msgspec.UnsetType = msgspec.UNSET
    """What was wrong: the name of a parameter, or of what is in the body or the path."""
    allowed: str | msgspec.UnsetType = msgspec.UNSET
    """What would not be, for people."""


class ErrorAnswer(msgspec.Struct, frozen=True):
    """What is answered instead."""

    error: Error
    """Why."""


class Sessions(msgspec.Struct, frozen=True):
    """One page of the list."""

    sessions: list[Summary]
    """The newest first."""
    next_cursor: str | None
    """Leads to the next page, as `cursor`; None: there is none."""
    searched_until: Rfc3339 | None
    """The page ends early, for what matches is rare: sessions created since then were looked at,
    the rest is on the next pages. None: the page is as long as it can be."""


class Count(msgspec.Struct, frozen=True):
    """How many sessions match."""

    sessions: int
    """Exact up to 1,000, unless `more` says otherwise."""
    more: bool
    """Whether there can be more of them: the count ended at 1,000, or where what matches is rare
    among very many sessions."""


class Event(msgspec.Struct, frozen=True):
    """One event of a session."""

    event_id: str
    """Unique within the session: 16 hexadecimal digits."""
    name: str
    """As the catalogue has it, or the sender's own."""
    source: _Source
    """Seen on the screen (FE), executed on the server (BE), or done by a person (OP)."""
    stage: str | None
    """Where in the journey it belongs."""
    impact: _Impact
    """What the user felt."""
    result: _Result | None
    """What came of it, if it is a check."""
    reason: str | None
    """Of the decision, if it is one."""
    error_code: str | None
    """The code that was shown."""
    error_meaning: str | None
    """What the code means; None: the catalogue does not know it."""
    error_page: str | None
    """Address of what is written about the code; None: the catalogue names none."""
    actor: str | None
    """The person who did it; None: no person did (the source is not OP), or none was named."""
    at: Rfc3339
    """When it happened, by the sender's clock."""
    duration_ms: float
    """How long it took, in milliseconds; 0: it has no extent."""
    service: str | None
    """The service that recorded it."""
    attributes: _Object
    """All else that was recorded."""
    order_certain: bool | msgspec.UnsetType | None = msgspec.UNSET
    """Whether it certainly happened after the one before it in this answer; None: it is the first.
    Clocks differ: see `clock`. Beside `clock` it is always there."""


class Events(msgspec.Struct, frozen=True):
    """The events of a session."""

    events: list[Event]
    """In order of time, then of id."""
    clock: Clock | None = None
    """How far the screen's clock is from the server's, by what both told of the same calls; None:
    too little tells it, and between screen and server no order is certain."""


class CorrectedFunnel(msgspec.Struct, frozen=True):
    """How far a number of sessions came, and how many more there were than were seen."""

    sessions: int
    """All of them, also those that came to no ordered stage."""
    steps: list[Step]
    """Every ordered stage, in the order of the journey."""
    by: str | None = None
    """What `loss` is told apart by; None: nothing."""
    loss: list[LossGroup] | None = None
    """Of the sessions that have come to rest: lost beacons told apart from lost users. None: people
    are counted, who cannot be estimated so."""


class Report(msgspec.Struct, frozen=True):
    """A report of a session."""

    sha256: str
    """Of the file: 64 hexadecimal digits. The session's REPORT_ISSUED has it too."""
    key: str | None
    """Id of the key that signed it; None: it is not signed."""
    pdf: bytes
    """The file, in Base64."""


class Rule(msgspec.Struct, frozen=True):
    """One rule that sessions are held against."""

    name: str
    """Also the label of what counts its violations."""
    meaning: str
    """What it means that a session violates it."""
    demands: Annotated[
        str,
        msgspec.Meta(extra_json_schema={"enum": ["requires", "forbids", "before", "within"]}),
    ]
    """What kind of thing it asks of a session."""
    own: bool
    """Whether a file of your own has it, or a part of it."""
    sessions: int
    """How many sessions violate it, as they are now."""
    more: bool
    """Whether there can be more of them: nobody counted further."""


class Conformance(msgspec.Struct, frozen=True):
    """The rules that are in force."""

    rules: list[Rule]
    """In the order of their files."""


class Violator(msgspec.Struct, frozen=True):
    """A session that would violate a rule."""

    session_id: str
    """The session's id."""
    created_at: Rfc3339
    """When its first event happened."""


class ReplayedRule(msgspec.Struct, frozen=True):
    """What became of one rule."""

    name: str
    """The rule's name."""
    meaning: str
    """What it means that a session violates it."""
    sessions: int
    """How many of those that were checked would violate it."""
    newest: list[Violator]
    """The newest of them, ten at most."""


class Replayed(msgspec.Struct, frozen=True):
    """What rules say of a part of the past. Nothing of it is counted or marked."""

    checked: int
    """How many sessions were looked at: those that have come to rest."""
    rules: list[ReplayedRule]
    """In the order of their file."""
    next_cursor: str | None
    """Leads to the next part, as `cursor`; None: this was the last."""


class UnknownName(msgspec.Struct, frozen=True):
    """A name that came up and is not in the catalogue."""

    kind: Annotated[str, msgspec.Meta(extra_json_schema={"enum": ["event", "stage", "reason"]})]
    """Of what it is the name."""
    name: str
    """As it was sent."""
    decision: str | None
    """Which decision the reason was given for; None: it is no reason."""
    source: str | None
    """How the event came first, as do `stage` and `impact`; None: it is no event."""
    stage: str | None
    """Of an event or a reason; None: it came without."""
    impact: str | None
    """None: it is no event."""
    count: int
    """Events that had it, since the collector started."""
    first_at: Rfc3339
    """When it was first received."""
    similar: str | None
    """A known name that reads much the same; None: none does."""


class Unknown(msgspec.Struct, frozen=True):
    """The names that came up since the collector started and are not in its catalogue."""

    names: list[UnknownName]
    """In the order in which they came up."""
    complete: bool
    """False: there were more than are remembered."""
    toml: str
    """The lines that a catalogue file would need, ready to be completed."""


class Erasable(msgspec.Struct, frozen=True):
    """What an erasure would erase."""

    sessions: int
    """How many."""
    events: int
    """In all of them."""


class Erased(msgspec.Struct, frozen=True):
    """What an erasure has erased."""

    erased: int
    """Sessions."""
    events: int
    """In all of them."""


class Destination(msgspec.Struct, frozen=True):
    """How one destination of the outbox is doing."""

    name: str
    """Of the exporter, as the settings have it."""
    waiting: int
    """Parcels that have not left."""
    oldest_at: Rfc3339 | None
    """When the oldest of these was put there; None: nothing waits."""
    backing_off: int
    """Lines that failed and are left alone until their time has come."""
    backing_off_since: Rfc3339 | None
    """When the oldest parcel of these lines was put there; None: there is none."""
    parked: int
    """Parcels that the destination will never take as they are."""


class Parked(msgspec.Struct, frozen=True):
    """A parked parcel, but for what is in it, which is personal data."""

    id: int
    """For requeueing and discarding."""
    destination: str
    """Whom it was for."""
    session_id: str | None
    """None: it is about no single session."""
    since: Rfc3339
    """When it was put into the outbox."""
    reason: str | None
    """Why it was not taken."""


class Outbox(msgspec.Struct, frozen=True):
    """What is to leave the collector and has not."""

    destinations: list[Destination]
    """Those that have parcels, by name."""
    parked: list[Parked]
    """The newest first."""


class Requeued(msgspec.Struct, frozen=True):
    """What requeueing has done."""

    requeued: int
    """Parcels that are back in line."""


class Discarded(msgspec.Struct, frozen=True):
    """What discarding has done."""

    discarded: int
    """Parcels that are gone for good."""


class Act(msgspec.Struct, frozen=True):
    """What somebody did that stands in no session."""

    at: Rfc3339
    """When."""
    actor: str
    """Who: a person, or `admin` for whoever showed the admin token."""
    act: str
    """What, in one word, such as `erase`: a session was erased on request."""
    project: str | None
    """Where; None: in no project."""
    digest: str | None
    """Of the id of the session that it was about: salted, so it names none."""
    detail: dict[str, str | int]
    """What else there is to say, and nothing of what sessions hold."""


class Acts(msgspec.Struct, frozen=True):
    """Who did what."""

    acts: list[Act]
    """The newest first."""
