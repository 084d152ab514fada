"""What people did, as rows of a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

from journeytrace.catalogue import Catalogue
from journeytrace.conventions import ACTOR_ID
from journeytrace_collector.core import acts as names
from journeytrace_collector.core.derive import rfc3339
from journeytrace_collector.core.model import Event
from journeytrace_collector.store.base import Act
from journeytrace_desk.views.asked import link
from journeytrace_desk.views.subjects import counted

__all__ = ["COLUMNS", "PURPOSE", "WORDS", "Deed", "Line", "cells", "deed", "line", "said"]

WORDS: Final = {
    names.ERASE: "erased a session",
    names.EXPORT: "exported a session",
    names.LIST: "took out a list",
    names.RETENTION: "chose a retention period",
    names.SIGN_IN: "signed in",
    names.SIGN_OUT: "signed out",
}
PURPOSE: Final = "journey.private.purpose"
"""Attribute: what somebody wanted something for, in their own words."""

COLUMNS: Final = ("at", "actor", "act", "project", "session digest", "detail")


@dataclass(frozen=True, slots=True)
class Line:
    """One act."""

    at: str
    actor: str
    word: str
    project: str | None
    digest: str | None
    """As hex; None: it was about no session."""
    said: str


def line(act: Act) -> Line:
    """Describe an act."""
    word = WORDS.get(act.act, act.act)
    digest = act.digest.hex() if act.digest else None
    return Line(rfc3339(act.at), act.actor, word, act.project, digest, said(act))


def said(act: Act) -> str:
    """Tell what else there is to say of an act."""
    detail = dict(act.detail)
    if act.act == names.RETENTION and {"before", "after"} <= detail.keys():
        return f"{detail['before']} days before, {detail['after']} days now"
    if act.act == names.ERASE and isinstance(detail.get("events"), int):
        return counted(int(detail["events"]), "event")
    if act.act == names.LIST and {"of", "filters"} <= detail.keys():
        return f"{detail['of']}: {detail['filters'] or 'all of them'}"
    return ", ".join(f"{name}: {value}" for name, value in detail.items())


def cells(act: Act) -> Sequence[str | None]:
    """Give the row of one act in a file, in the order of `COLUMNS`."""
    digest = act.digest.hex() if act.digest else None
    return rfc3339(act.at), act.actor, act.act, act.project, digest, said(act)


@dataclass(frozen=True, slots=True)
class Deed:
    """What somebody did with one session."""

    at: str
    actor: str | None
    name: str
    meaning: str
    purpose: str | None
    session: str
    address: str


class _Said(msgspec.Struct):
    actor: str | None = msgspec.field(name=ACTOR_ID, default=None)
    purpose: str | None = msgspec.field(name=PURPOSE, default=None)


_read = msgspec.json.Decoder(_Said, strict=False).decode


def deed(event: Event, catalogue: Catalogue) -> Deed:
    """Describe an event of source OP."""
    try:
        told = _read(event.metadata)
    except msgspec.DecodeError:
        # Nobody vouches for what the sender of such an event wrote beside its name.
        told = _Said()
    spec = catalogue.events.get(event.name)
    return Deed(
        at=rfc3339(event.at),
        actor=told.actor,
        name=event.name,
        meaning=spec.meaning if spec else "",
        purpose=told.purpose,
        session=event.session_id,
        address=link("/session", {"id": event.session_id}),
    )
