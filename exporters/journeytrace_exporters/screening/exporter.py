"""The screening exporter: who is looked up when, and what is recorded of it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from hashlib import sha256
from typing import Any, Final

import msgspec

from journeytrace import conventions as names
from journeytrace.conventions import Source
from journeytrace_collector.background import keep_doing
from journeytrace_collector.core.change import Change, Parcel
from journeytrace_collector.core.fields import BadFieldError
from journeytrace_collector.core.model import Event
from journeytrace_collector.core.screening import (
    ENDED,
    REQUESTED,
    Category,
    Hit,
    State,
    screening,
)
from journeytrace_collector.errors import (
    PermanentExportError,
    RetryableExportError,
    UnavailableError,
)
from journeytrace_collector.outbox.exporter import Context, Exporter
from journeytrace_exporters._http import excerpt
from journeytrace_exporters.screening.again import Again
from journeytrace_exporters.screening.memory import recognised, remembered
from journeytrace_exporters.screening.person import names_somebody, query_of, told
from journeytrace_exporters.screening.screener import Answer, Query, Screener, ScreenerError
from journeytrace_exporters.screening.settings import ScreeningSettings

__all__ = ["ACTOR", "DESTINATION", "ScreeningExporter"]

DESTINATION: Final = "screening"
ACTOR: Final = "screening"
"""In the record, of what nobody did by hand."""
_NO_NAME: Final = "no name is known yet"
_SECONDS: Final = 45
"""For one screening in all: parcels are handed out for a minute."""
_ROOM: Final = 0.6
"""The part of an event's metadata that hits may take."""


class _Wanted(msgspec.Struct):
    """Payload of a parcel. It names nobody: who is looked for is read when it is time."""

    trigger: str
    """Id of the event because of which, in hex."""
    at: int
    """Since when it is wanted, in ns."""
    asked: bool = False
    """Somebody asked; else a name became known."""


class ScreeningExporter(Exporter):
    """Looks up the people of sessions."""

    at_once = 8

    def __init__(self, settings: ScreeningSettings, screener: Screener, context: Context) -> None:
        self._settings = settings
        self._screener = screener
        self._context = context
        self._again = Again(settings, screener, context)

    def destinations(self) -> tuple[str, ...]:
        """Give the one there is."""
        return (DESTINATION,)

    def parcels(self, change: Change) -> Iterator[Parcel]:
        """Give one for each time that somebody asked, and one where a name can be new."""
        for session in change.sessions:
            if not session.fresh or not session.after.begun:
                continue
            if self._settings.projects and session.after.project not in self._settings.projects:
                continue
            for event in session.fresh:
                if event.name == REQUESTED and event.source == Source.OP:
                    yield _parcel(event, change.at, asked=True)
            named = [one for one in session.fresh if names_somebody(one, self._settings)]
            if named:
                yield _parcel(named[-1], change.at)

    async def deliver(self, parcel: Parcel) -> None:
        """Screen the person of one session; see `Exporter.deliver`."""
        wanted = msgspec.json.decode(parcel.payload, type=_Wanted)
        if parcel.session_id is None:
            raise PermanentExportError("names no session")
        try:
            await self._screen(parcel.session_id, wanted)
        except ScreenerError as error:
            raise RetryableExportError(excerpt(str(error))) from error
        except UnavailableError as error:
            raise RetryableExportError(str(error)) from error
        except BadFieldError as error:
            raise PermanentExportError(f"cannot be recorded: {error}") from error

    async def run(self) -> None:
        """Ask again for what is undecided whenever lists have changed."""
        await keep_doing("screen again", self._again.step, self._context.health)

    async def close(self) -> None:
        """Let go of the screener."""
        await self._screener.close()

    async def _screen(self, session_id: str, wanted: _Wanted) -> None:
        store = self._context.store
        events = await asyncio.to_thread(store.events, session_id)
        ended = _id("ended", session_id, wanted.trigger)
        if not events or any(event.event_id == ended for event in events):
            return  # it was erased, or it is done and the end of the delivery was not heard
        query = query_of(events, self._settings)
        before = screening(events)
        if query is None:
            if wanted.asked:
                await self._record(session_id, ended, _failed(_NO_NAME))
            return
        if not wanted.asked and before is not None and before.query == told(query):
            return
        now = self._context.clock()
        known = await asyncio.to_thread(remembered, store, events, now)
        cleared = frozenset(one for one, mark in known.items() if not mark.confirmed)
        asked = replace(query, cleared=cleared)
        try:
            answer = await self._asked(asked)
        except ScreenerError as error:
            if now - wanted.at < self._settings.give_up_after.total_seconds() * 1e9:
                raise
            problem = excerpt(str(error))
            await self._record(session_id, ended, {**_failed(problem), **_query(query)})
            return
        hits = recognised(answer.hits, known)
        standing = sum(hit.known is None or hit.known.confirmed for hit in hits) + answer.more
        told_of = self._told(answer, hits)
        attributes = {**told_of, **_query(query), names.SCREENING_HITS: standing}
        await self._record(session_id, ended, attributes)

    async def _asked(self, query: Query) -> Answer:
        try:
            async with asyncio.timeout(_SECONDS):
                return await self._screener.screen(query)
        except TimeoutError as error:
            raise ScreenerError(f"no answer within {_SECONDS} s") from error

    def _told(self, answer: Answer, hits: Sequence[Hit]) -> dict[str, Any]:
        """Say what a screening gave. What is too much for one event is counted alone."""
        room = int(self._context.settings.max_event_bytes * _ROOM)
        text, kept = _encoded(hits), list(hits)
        while len(msgspec.json.encode(text)) > room and kept:
            kept.pop()
            text = _encoded(kept)
        found: dict[str, Any] = {
            names.SCREENING_STATES + category: state.value
            for category, state in answer.states.items()
        }
        found[names.PRIVATE_HITS] = text
        if answer.lists is not None:
            found[names.SCREENING_LISTS] = answer.lists
        if answer.unread:
            found[names.SCREENING_UNREAD] = answer.unread
        if more := answer.more + len(hits) - len(kept):
            found[names.SCREENING_MORE] = more
        return found

    async def _record(self, session_id: str, ended: bytes, said: Mapping[str, Any]) -> None:
        attributes = {
            names.SCREENING_ID: ended.hex(),
            names.SCREENING_SCREENER: self._screener.name,
            **said,
        }
        await self._context.record(ENDED, session_id, ACTOR, attributes, event_id=ended)


def _parcel(event: Event, at: int, *, asked: bool = False) -> Parcel:
    payload = msgspec.json.encode(_Wanted(event.event_id.hex(), at, asked))
    return Parcel(DESTINATION, payload, event.session_id)


def _id(what: str, session_id: str, of: str) -> bytes:
    return sha256(f"journey.screening.{what}:{session_id}:{of}".encode()).digest()[:8]


def _query(query: Query) -> dict[str, str]:
    return {names.PRIVATE_QUERY: msgspec.json.encode(told(query)).decode()}


def _failed(problem: str) -> dict[str, Any]:
    states = {names.SCREENING_STATES + category: State.FAILED.value for category in Category}
    return {**states, names.SCREENING_PROBLEM: problem}


def _encoded(hits: Sequence[Hit]) -> str:
    return msgspec.json.encode(list(hits)).decode()
