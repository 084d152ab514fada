"""What lists say of a session's person, and what people made of it: a fold of events (section 13).

It depends on the set of events alone: the newest screening tells what became of a category, and of
each hit the newest mark counts, by (time, event id).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Any, Final

import msgspec

from journeytrace import conventions as names
from journeytrace.conventions import Source
from journeytrace_collector.core.model import Event

__all__ = [
    "CLEARED",
    "CONFIRMED",
    "ENDED",
    "REQUESTED",
    "Category",
    "Compared",
    "Found",
    "Hit",
    "Mark",
    "Screening",
    "State",
    "marks",
    "open_hits",
    "screening",
]

REQUESTED: Final = "SCREENING_REQUESTED"
ENDED: Final = "SCREENING_ENDED"
CLEARED: Final = "SCREENING_HIT_CLEARED"
CONFIRMED: Final = "SCREENING_HIT_CONFIRMED"


class Category(StrEnum):
    """What kind of risk an entry of a list is about."""

    PEP = "pep"
    """Politically exposed, or close to somebody who is."""
    SANCTIONS = "sanctions"
    CRIMINAL = "criminal"
    ADVERSE_MEDIA = "adverse_media"
    OTHER = "other"


class State(StrEnum):
    """What became of a category."""

    CLEAR = "CLEAR"
    """A list of it was searched and nothing was found."""
    HITS = "HITS"
    NOT_COVERED = "NOT_COVERED"
    """No list of it was searched, so nobody knows."""
    FAILED = "FAILED"
    """It could not be searched, so nobody knows."""


class Compared(msgspec.Struct, frozen=True):
    """One thing that was compared: the evidence for a hit, or against it."""

    what: str
    """``name``, ``birth date`` or ``country``, or what else a screener calls it."""
    asked: str
    """What was looked for; empty: it was not known."""
    listed: str
    """What the list says; empty: nothing."""
    agrees: bool | None = None
    """None: one side is missing, or only the score tells."""


class Mark(msgspec.Struct, frozen=True):
    """What a person made of a hit."""

    at: int
    """ns"""
    event_id: str
    """In hex; where two are of one time the greater counts."""
    confirmed: bool
    """It is this person; else it is somebody else."""
    actor: str
    text: str
    """Why."""
    session_id: str
    """The session that it was said in."""


class Hit(msgspec.Struct, frozen=True, omit_defaults=True):
    """An entry of a list that may be the person."""

    id: str
    """Of the entry, as its list has it."""
    name: str
    score: float
    """0 to 1, as the screener has it; no probability."""
    categories: tuple[Category, ...]
    """At least one."""
    lists: tuple[str, ...] = ()
    """The lists that the entry stands on."""
    birth_date: str | None = None
    country: str | None = None
    evidence: tuple[Compared, ...] = ()
    referents: tuple[str, ...] = ()
    """Ids that the entry had before it was found to be the same as others."""
    known: Mark | None = None
    """What was made of it in another session of the person, when this one was screened."""

    @property
    def ids(self) -> frozenset[str]:
        """All ids by which somebody may have spoken of it."""
        return frozenset((self.id, *self.referents))


class Found(msgspec.Struct, frozen=True):
    """A hit as it stands."""

    hit: Hit
    mark: Mark | None
    """None: it is open."""


class Screening(msgspec.Struct, frozen=True):
    """What the screenings of a session have come to."""

    at: int
    """When the newest ended, in ns."""
    screener: str
    lists: str | None
    """The version of the lists that were searched; None: not known."""
    states: Mapping[Category, State]
    """Of every category."""
    found: tuple[Found, ...]
    """The best first. Of a category that failed these are the hits that were known before."""
    hidden: int | None
    """How many hits nobody had cleared, where they cannot be read here; None: they can."""
    query: Mapping[str, Any] | None
    """What was looked for; None: it cannot be read here."""
    unread: int
    more: int
    problem: str | None
    """Why it failed; None: it did not."""

    def of(self, category: Category) -> tuple[Found, ...]:
        """Give the hits of a category."""
        return tuple(one for one in self.found if category in one.hit.categories)


class _Said(msgspec.Struct):
    """What the metadata of the events tell. Whatever is of another kind is not believed."""

    actor: Any = msgspec.field(name=names.ACTOR_ID, default=None)
    hit: Any = msgspec.field(name=names.PRIVATE_HIT, default=None)
    text: Any = msgspec.field(name=names.PRIVATE_TEXT, default=None)
    hits: Any = msgspec.field(name=names.PRIVATE_HITS, default=None)
    query: Any = msgspec.field(name=names.PRIVATE_QUERY, default=None)
    screener: Any = msgspec.field(name=names.SCREENING_SCREENER, default=None)
    lists: Any = msgspec.field(name=names.SCREENING_LISTS, default=None)
    number: Any = msgspec.field(name=names.SCREENING_HITS, default=None)
    unread: Any = msgspec.field(name=names.SCREENING_UNREAD, default=None)
    more: Any = msgspec.field(name=names.SCREENING_MORE, default=None)
    problem: Any = msgspec.field(name=names.SCREENING_PROBLEM, default=None)


_said = msgspec.json.Decoder(_Said).decode
_hits = msgspec.json.Decoder(tuple[Hit, ...]).decode
_query = msgspec.json.Decoder(dict[str, Any]).decode
_attributes = msgspec.json.Decoder(dict[str, Any]).decode
_CHECKED: Final = frozenset({State.CLEAR, State.HITS})


def screening(events: Iterable[Event]) -> Screening | None:
    """Fold what is known of a session; None: it was never screened."""
    mine = [event for event in events if event.source == Source.OP]
    ended = sorted((one for one in mine if one.name == ENDED), key=_stamp, reverse=True)
    if not ended:
        return None
    newest, said = ended[0], _said(ended[0].metadata)
    read = [(_states(event), _listed(event)) for event in ended]
    own = _own_marks(mine)
    hits: dict[str, Hit] = {}
    for category in Category:
        # The newest that could look: one that fails takes nothing back.
        looked = next((found for states, found in read if states[category] in _CHECKED), ())
        for hit in looked or ():
            if category in hit.categories:
                hits.setdefault(hit.id, hit)
    found = [Found(hit, _mark_of(hit, own)) for hit in hits.values()]
    found.sort(key=lambda one: (-one.hit.score, one.hit.id))
    return Screening(
        at=newest.at,
        screener=_text(said.screener) or "",
        lists=_text(said.lists),
        states=read[0][0],
        found=tuple(found),
        hidden=_number(said.number) if read[0][1] is None else None,
        query=_read(_query, said.query),
        unread=_number(said.unread),
        more=_number(said.more),
        problem=_text(said.problem),
    )


def open_hits(events: Iterable[Event]) -> int:
    """Count the hits that stand in the way of an approval: those that nobody has cleared.

    One that was confirmed is among them.
    """
    known = screening(events)
    if known is None:
        return 0
    standing = sum(one.mark is None or one.mark.confirmed for one in known.found)
    return standing + (known.hidden or 0)


def marks(events: Sequence[Event]) -> dict[str, Mark]:
    """Give what is known of hits by their ids: said in this session, or remembered by it.

    `events` are those of one session.
    """
    mine = [event for event in events if event.source == Source.OP]
    known = [
        (one, hit.known)
        for event in mine
        if event.name == ENDED
        for hit in _listed(event) or ()
        if hit.known is not None
        for one in hit.ids
    ]
    return _newest([*known, *_own_marks(mine).items()])


def _own_marks(events: Iterable[Event]) -> dict[str, Mark]:
    found = []
    for event in events:
        if event.name not in {CLEARED, CONFIRMED}:
            continue
        said = _said(event.metadata)
        if isinstance(said.hit, str) and isinstance(said.actor, str):
            mark = Mark(
                at=event.at,
                event_id=event.event_id.hex(),
                confirmed=event.name == CONFIRMED,
                actor=said.actor,
                text=_text(said.text) or "",
                session_id=event.session_id,
            )
            found.append((said.hit, mark))
    return _newest(found)


def _newest(found: Iterable[tuple[str, Mark]]) -> dict[str, Mark]:
    newest: dict[str, Mark] = {}
    for one, mark in found:
        before = newest.get(one)
        if before is None or (mark.at, mark.event_id) > (before.at, before.event_id):
            newest[one] = mark
    return newest


def _mark_of(hit: Hit, own: Mapping[str, Mark]) -> Mark | None:
    """Give what was made of a hit: here, else elsewhere.

    Where entries that were marked have become one, a confirmation outweighs what else was said.
    """
    said = [own[one] for one in hit.ids if one in own]
    if said:
        return max(said, key=lambda mark: (mark.confirmed, mark.at, mark.event_id))
    return hit.known


def _states(event: Event) -> dict[Category, State]:
    """Give what became of each category. What is not told was not checked."""
    attributes = _attributes(event.metadata)
    states = {}
    for category in Category:
        told = str(attributes.get(names.SCREENING_STATES + category))
        states[category] = State(told) if told in State.__members__ else State.NOT_COVERED
    return states


def _listed(event: Event) -> tuple[Hit, ...] | None:
    """Give the hits of a screening; None: they are not told, or masked."""
    found: tuple[Hit, ...] | None = _read(_hits, _said(event.metadata).hits)
    return found


def _read(decode: Any, text: Any) -> Any:
    try:
        return decode(text) if isinstance(text, str) else None
    except msgspec.MsgspecError:
        return None


def _stamp(event: Event) -> tuple[int, bytes]:
    return event.at, event.event_id


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _number(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0
