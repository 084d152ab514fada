"""One session, one person, and the way to them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Final

from aiohttp import web

from journeytrace.conventions import Status
from journeytrace_collector.admin.api import MAX_SEARCH, BadParameterError
from journeytrace_collector.core.operations import began
from journeytrace_collector.store.base import SessionQuery
from journeytrace_desk.pages import Pages
from journeytrace_desk.reading import Found, Reading
from journeytrace_desk.views import session as views
from journeytrace_desk.views.asked import link, stated
from journeytrace_desk.views.events import chosen as choose
from journeytrace_desk.views.events import line
from journeytrace_desk.views.sessions import person
from journeytrace_desk.views.timeline import LANES, timeline

__all__ = ["SessionPages"]

_PARAMETERS: Final = ("id", "source", "failed", "find", "from", "seen")
MOST_ATTEMPTS: Final = 200


class SessionPages:
    """Answers with a session, or with those of a person."""

    def __init__(self, reading: Reading, pages: Pages) -> None:
        self._reading = reading
        self._pages = pages

    async def find(self, request: web.Request) -> web.Response:
        """Lead to the one session that is meant, else to the list of those that may be."""
        text = request.query.get("q", "").strip()
        if len(text) > MAX_SEARCH:
            raise BadParameterError("q", "is too long", f"up to {MAX_SEARCH} characters")
        found = await self._reading.session(text, self._reading.now()) if text else None
        if found is not None:
            raise web.HTTPSeeOther(link("/session", {"id": found.summary.session_id}))
        raise web.HTTPSeeOther(link("/sessions", {"search": text}))

    async def session(self, request: web.Request) -> web.Response:
        """Answer with why a session ended as it did, and with all that happened."""
        given = stated(request.query)
        first = _check(given)
        now = self._reading.now()
        found = await self._found(given, now)
        session = found.summary
        if session.session_id != given["id"]:
            raise web.HTTPSeeOther(link("/session", {**given, "id": session.session_id}))
        seen = views.fingerprint(session)
        if given.pop("seen", None) == seen:
            return web.Response(status=204)
        events = await self._reading.events(session.session_id)
        if not events:
            raise _unknown(session.session_id)
        kept: dict[str, str] = {
            name: given[name] for name in ("source", "failed", "find") if name in given
        }
        # A long session is laid out beside what else there is to do.
        picture = await asyncio.to_thread(timeline, events, found.known.state.stages)
        chosen = choose(session.session_id, events, kept, first)
        catalogue, decision = self._reading.catalogue, session.decision
        reason = catalogue.reasons.get((decision, session.reason or "")) if decision else None
        trace = self._reading.settings.desk_trace_url
        page: dict[str, str | None] = {
            "id": session.session_id,
            **kept,
            "from": str(first) if first else None,
        }
        return self._pages.answer(
            "session.html",
            session=session,
            cause=views.cause(session, events),
            reason_meaning=reason.meaning if reason else None,
            lasted=views.lasted(events),
            person=link("/person", {"id": session.user_id}) if session.user_id else None,
            trace=trace.replace("{trace_id}", session.trace_id) if trace else None,
            picture=picture,
            chosen=chosen,
            lines=[line(one, began(events), catalogue) for one in chosen.events],
            first=first,
            # Until it has settled more is to be expected.
            live=link("/session", {**page, "seen": seen}) if _goes_on(found) else None,
        )

    async def person(self, request: web.Request) -> web.Response:
        """Answer with all sessions of one user id, in their order."""
        user_id = request.query.get("id", "")
        if not user_id or len(user_id) > MAX_SEARCH or len(request.query) != 1:
            raise BadParameterError("id", "is missing or too long", "the whole of a user id")
        query = SessionQuery(user=user_id, limit=MOST_ATTEMPTS)
        found = await self._reading.sessions(query, self._reading.now())
        if not found.sessions:
            raise web.HTTPNotFound(text=f"No session has the user id {user_id}.")
        return self._pages.answer(
            "person.html", person=person(user_id, found.sessions), more=found.next is not None
        )

    async def _found(self, given: Mapping[str, str], now: int) -> Found:
        found = await self._reading.session(given["id"], now)
        if found is None:
            raise _unknown(given["id"])
        return found


def _unknown(text: str) -> web.HTTPNotFound:
    return web.HTTPNotFound(text=f"No session has the id or support code {text}.")


def _goes_on(found: Found) -> bool:
    return found.summary.status is Status.IN_PROGRESS or found.known.settled_at is None


def _check(given: Mapping[str, str]) -> int:
    """Check the parameters of a session; give the number of the first event to show."""
    for name in given:
        if name not in _PARAMETERS:
            raise BadParameterError(name, "is no parameter of a session", ", ".join(_PARAMETERS))
    if "id" not in given:
        raise BadParameterError("id", "is missing", "a session id or a support code")
    if given.get("source", LANES[0]) not in LANES:
        raise BadParameterError("source", f"is {given['source']!r}", ", ".join(LANES))
    if given.get("failed", "yes") != "yes":
        raise BadParameterError("failed", f"is {given['failed']!r}", "yes")
    if len(given.get("find", "")) > MAX_SEARCH:
        raise BadParameterError("find", "is too long", f"up to {MAX_SEARCH} characters")
    first = given.get("from", "0")
    if not (first.isascii() and first.isdigit() and len(first) < 7):
        raise BadParameterError("from", f"is {first!r}", "the number of an event")
    return int(first)
