"""What holds for verdicts: which session they were made of, and by whom (DESIGN section 13).

Whoever decides has looked at a session as it was. `Version` tells that; `check` runs inside the
transaction that would store the verdict, with the session held, so that nothing can come between.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from struct import Struct
from typing import Any, Final

import msgspec

from journeytrace.catalogue import Catalogue, Role
from journeytrace.conventions import VERDICT_PROPOSAL, Decision
from journeytrace_collector.core.model import Event
from journeytrace_collector.core.operations import VERDICTS, Verdict, is_passive, operations_of
from journeytrace_collector.core.screening import open_hits
from journeytrace_collector.core.sessionize import SessionState, Stamp
from journeytrace_collector.errors import MovedOnError, VerdictNotAllowedError

__all__ = [
    "Guard",
    "Rules",
    "SessionMovedOnError",
    "Version",
    "check",
    "is_verdict",
    "news_since",
    "read_version",
    "same_person",
    "version_of",
    "write_version",
]

_PACKED: Final = Struct(">Iq8sq8s")
_MARK: Final = 6
"""Bytes of a digest that tell a version of one session from anything else."""
_NOTHING: Final[Stamp] = (0, bytes(8))


@dataclass(frozen=True, slots=True)
class Version:
    """A session as somebody saw it. Who looks at it, or writes a note, makes no other version."""

    events: int
    """How many there were that are not passive: one that comes late is new, and not the newest."""
    last: Stamp
    """The newest of them."""
    reviewed: Stamp | None
    """The newest verdict or proposal; None: there was neither."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What a project asks of verdicts."""

    two_people: bool = False
    """One proposes, and another one decides."""
    approve_with_open_hits: bool = False
    """A session can be approved although hits of its screening are open."""


@dataclass(frozen=True, slots=True)
class Guard:
    """What has to hold when an event is stored, or it is not."""

    expected: Version | None
    """The session has not moved on from this; None: it may have."""
    rules: Callable[[str | None], Rules]
    """By project; None: of sessions without one."""


class SessionMovedOnError(MovedOnError):
    """See there. `version` is the session's now; None: it is gone."""

    def __init__(self, version: Version | None, news: Sequence[Event] = ()) -> None:
        names = ", ".join(event.name for event in news)
        super().__init__(f"the session has moved on: {names or 'it is gone'}")
        self.version = version
        self.news = tuple(news)
        """What is new, in its order: see `news_since`."""


def version_of(state: SessionState) -> Version:
    """Give the version of a session that has begun."""
    at, event_id, _ = state.last
    newest = (one.stamp for one in _reviews(state) if one is not None)
    return Version(state.events, (at, event_id), max(newest, default=None))


def write_version(version: Version, session_id: str) -> str:
    """Write a version for a form, so that nobody takes it for another session's."""
    reviewed = version.reviewed or _NOTHING
    packed = _PACKED.pack(version.events, *version.last, *reviewed)
    return urlsafe_b64encode(packed + _mark(packed, session_id)).decode()


def read_version(text: str, session_id: str) -> Version:
    """Read what `write_version` wrote.

    Raises:
        ValueError: that is no version of this session.
    """
    try:
        raw = urlsafe_b64decode(text.encode("ascii"))
    except (Error, UnicodeEncodeError):
        raw = b""
    packed = raw[:-_MARK]
    if len(packed) != _PACKED.size or raw[-_MARK:] != _mark(packed, session_id):
        raise ValueError("is no version of this session")
    events, at, event_id, reviewed_at, reviewed_id = _PACKED.unpack(packed)
    reviewed = (reviewed_at, reviewed_id)
    return Version(events, (at, event_id), None if reviewed == _NOTHING else reviewed)


def _mark(packed: bytes, session_id: str) -> bytes:
    said = b"journey.version:" + packed + session_id.encode("utf-8", "surrogatepass")
    return sha256(said).digest()[:_MARK]


def is_verdict(name: str, catalogue: Catalogue) -> bool:
    """Whether an event of this name decides, or proposes to."""
    spec = catalogue.events.get(name)
    return spec is not None and (spec.role in VERDICTS or spec.role is Role.VERDICT_PROPOSE)


def news_since(seen: Version, events: Sequence[Event], catalogue: Catalogue) -> list[Event]:
    """Give what of a session's events is new to whoever saw that version, in their order.

    Of what is not passive it is what came in last; of what people do it is verdicts and proposals.
    """
    moving = sorted(
        (one for one in events if not is_passive(one)),
        # Younger than the newest that was seen is new; how much of the rest is, their number tells.
        key=lambda one: ((one.at, one.event_id) > seen.last, one.received, one.at, one.event_id),
    )
    fresh = {one.event_id for one in moving[seen.events :]}
    return [
        one
        for one in events
        if one.event_id in fresh
        or (
            is_passive(one)
            and is_verdict(one.name, catalogue)
            and (seen.reviewed is None or (one.at, one.event_id) > seen.reviewed)
        )
    ]


def check(
    guard: Guard,
    event: Event,
    state: SessionState | None,
    stored: Callable[[], Sequence[Event]],
    catalogue: Catalogue,
) -> Event:
    """Check an event that is about to be stored; give it, no older than the verdict before it.

    Args:
        guard: what has to hold.
        event: the one that is new.
        state: the session's; None: there is no such session.
        stored: gives the session's events, in their order.
        catalogue: what the names mean.

    Raises:
        SessionMovedOnError: the session is another one than was seen.
        VerdictNotAllowedError: the rules forbid it.
    """
    if guard.expected is not None:
        if state is None or not state.begun:
            raise SessionMovedOnError(None)
        if guard.expected != (now := version_of(state)):
            raise SessionMovedOnError(now, news_since(guard.expected, stored(), catalogue))
    if not is_verdict(event.name, catalogue):
        return event
    before = [one.at for one in _reviews(state) if one is not None]
    if before and event.at <= max(before):
        # Two collectors' clocks differ, and one is set back. What was decided last has to hold.
        event = msgspec.structs.replace(event, at=max(before) + 1)
    said = operations_of([event], catalogue)
    rules = guard.rules(state.project if state is not None else event.project_id)
    _check_people(event, said.verdict, state, rules)
    new = said.verdict or said.proposal
    if new and new.decision == Decision.APPROVED and not rules.approve_with_open_hits:
        hits = open_hits(stored()) if state is not None else 0
        if hits:
            raise VerdictNotAllowedError(
                f"{hits} hit{'' if hits == 1 else 's'} of the screening"
                f" {'is' if hits == 1 else 'are'} open, and nobody is approved here before all are"
                " cleared"
            )
    return event


def _check_people(
    event: Event, verdict: Verdict | None, state: SessionState | None, rules: Rules
) -> None:
    """Check that two people agree, where they have to, or where the verdict says so."""
    named = _metadata(event.metadata).get(VERDICT_PROPOSAL)
    if verdict is None or (named is None and not rules.two_people):
        return
    proposal = state.open_proposal if state is not None else None
    if named is None:
        raise VerdictNotAllowedError(
            "two people decide here: one proposes, and another one agrees with that"
        )
    if proposal is None or proposal.event_id.hex() != named:
        raise VerdictNotAllowedError("the proposal that it names does not stand any more")
    if same_person(proposal.person, verdict.person):
        raise VerdictNotAllowedError(
            f"{proposal.person} has proposed it: another person decides, who is not the same"
        )
    if proposal.decision != verdict.decision:
        raise VerdictNotAllowedError(
            f"{proposal.decision} was proposed: who does not agree proposes something else"
        )


def same_person(one: str, other: str) -> bool:
    """Whether two names are of the same person: providers spell an address in either case."""
    return one.strip().casefold() == other.strip().casefold()


def _reviews(state: SessionState | None) -> tuple[Verdict | None, Verdict | None]:
    done = state.operations if state is not None else None
    return (done.verdict, done.proposal) if done is not None else (None, None)


_metadata = msgspec.json.Decoder(dict[str, Any]).decode
