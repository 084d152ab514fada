"""One session, one person, and the way to them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Final

from aiohttp import web

from journeytrace_collector.admin.api import MAX_TEXT, BadParameterError, parse_as_of
from journeytrace_collector.core.derive import Summary
from journeytrace_collector.core.operations import began
from journeytrace_collector.insight.clocks import bounds, clock
from journeytrace_desk.access.actor import Actor, Role, actor_of
from journeytrace_desk.access.masking import HIDDEN
from journeytrace_desk.access.scope import scope_of
from journeytrace_desk.pages import Pages
from journeytrace_desk.reading import Found, Reader
from journeytrace_desk.tabs import Asked, Sheet, Tabs, unknown
from journeytrace_desk.views import session as views
from journeytrace_desk.views.as_known import before, moments, since_then
from journeytrace_desk.views.asked import link, stated
from journeytrace_desk.views.documents import documents
from journeytrace_desk.views.events import chosen as choose
from journeytrace_desk.views.events import line, unsure
from journeytrace_desk.views.findings import analysis, notes, sensitive
from journeytrace_desk.views.sessions import person, person_link
from journeytrace_desk.views.subjects import data_of
from journeytrace_desk.views.timeline import LANES, timeline

__all__ = ["LONGEST_NOTE", "SessionPages"]

_PARAMETERS: Final = ("source", "failed", "find", "from", "seen", "as_of")
MOST_ATTEMPTS: Final = 200
LONGEST_NOTE: Final = 4_000
"""Characters."""
_LONGEST_PURPOSE: Final = 200
_FORM: Final = "application/x-www-form-urlencoded"
_NOT_HERE: Final = (
    "Whoever may only look has nothing revealed here: the setting desk_reveal says so. An analyst"
    " of the project sees it."
)


class SessionPages:
    """Answers with a session, or with those of a person."""

    def __init__(self, tabs: Tabs, pages: Pages) -> None:
        self._tabs = tabs
        self._reading = tabs.reading
        self._pages = pages
        tabs.add("summary", "/session", "Summary")

    async def find(self, request: web.Request) -> web.Response:
        """Lead to the one session that is meant, else to the list of those that may be."""
        text = request.query.get("q", "").strip()
        if len(text) > MAX_TEXT:
            raise BadParameterError("q", "is too long", f"up to {MAX_TEXT} characters")
        reader = self._reading.of(actor_of(request))
        found = await reader.session(text, self._reading.now()) if text else None
        if found is not None:
            raise web.HTTPSeeOther(link("/session", {"id": found.summary.session_id}))
        raise web.HTTPSeeOther(link("/sessions", {"search": text}))

    async def session(self, request: web.Request) -> web.Response:
        """Answer with why a session ended as it did, and with all that happened."""
        first, as_of = _check(request.query), parse_as_of(stated(request.query))
        asked = await self._tabs.find(request, *_PARAMETERS)
        given = dict(asked.given)
        if given.pop("seen", None) == views.fingerprint(asked.found.summary):
            return web.Response(status=204)
        return await self._page(await self._tabs.look(asked, as_of), given, first)

    async def reveal(self, request: web.Request) -> web.Response:
        """Answer once with the e-mail address and the user id, for a purpose that is recorded."""
        asked = await self._tabs.find(request)
        purpose = await _purpose(request)
        found = asked.found
        if not _hides(found):
            raise web.HTTPSeeOther(asked.address("/session"))
        if self._reading.settings.desk_reveal != "viewers":
            raise web.HTTPForbidden(text=_NOT_HERE)
        revealed = await asked.reader.reveal(found, purpose)
        return await self._page(await self._tabs.look(asked), {}, 0, revealed)

    async def refused(self, asked: Asked, typed: Mapping[str, str]) -> web.Response:
        """Answer with the page once more, with what was typed and what is wrong with it."""
        return await self._page(await self._tabs.look(asked), {}, 0, typed=typed)

    async def _page(
        self,
        sheet: Sheet,
        given: Mapping[str, str],
        first: int,
        revealed: Summary | None = None,
        typed: Mapping[str, str] | None = None,
    ) -> web.Response:
        asked, session, events = sheet.asked, sheet.summary, sheet.events
        found = asked.found
        kept: dict[str, str] = {
            name: given[name] for name in ("source", "failed", "find", "as_of") if name in given
        }
        # A long session is laid out beside what else there is to do.
        found_bounds = bounds(events, self._reading.catalogue)
        every = unsure(events, found_bounds)
        picture = await asyncio.to_thread(timeline, events, sheet.stages, every)
        chosen = choose(session.session_id, events, kept, first)
        catalogue, decision = self._reading.catalogue, session.decision
        reason = catalogue.reasons.get((decision, session.reason or "")) if decision else None
        page: dict[str, str | None] = {
            **kept,
            "from": str(first) if first else None,
            "seen": views.fingerprint(session),
        }
        named = documents(events, catalogue)
        return self._tabs.answer(
            sheet,
            "summary",
            "session.html",
            as_of=given.get("as_of"),
            of_events=found.summary.events,
            since_then=since_then(session, found.summary),
            moments=moments(sheet.every, sheet.as_of, catalogue),
            decided_then=self._decided_then(sheet),
            status=200 if typed is None else 422,
            analysis=analysis(session, events),
            elements=sensitive(session.session_id, events, catalogue),
            notes=notes(events),
            note=typed or {},
            add_note=asked.address("/session/note"),
            documents=[
                (one, asked.address("/session/document", {"document": one.name})) for one in named
            ],
            cause=views.cause(session, events),
            reason_meaning=reason.meaning if reason else None,
            lasted=views.lasted(events),
            rule_list=lambda name: link("/sessions", {"rule": name}),
            person=person_link(session),
            administer=None if sheet.as_of else _administer(asked.actor, session),
            revealed=revealed,
            may_reveal=_hides(found)
            and self._reading.settings.desk_reveal == "viewers"
            and sheet.as_of is None,
            address=asked.address("/session"),
            longest_purpose=_LONGEST_PURPOSE,
            longest_note=LONGEST_NOTE,
            picture=picture,
            chosen=chosen,
            clock=clock(found_bounds),
            unsure=unsure(chosen.events, found_bounds),
            lines=[line(one, began(events), catalogue) for one in chosen.events],
            first=first,
            # What renewed itself would mask again what was just revealed.
            live=asked.address("/session", page)
            if found.goes_on and revealed is None and typed is None and sheet.as_of is None
            else None,
        )

    def _decided_then(self, sheet: Sheet) -> str | None:
        """Give the address of the session as it was known when a person decided; None: none has."""
        verdict = sheet.asked.found.known.state.verdict
        if verdict is None or sheet.as_of is not None:
            return None
        decided = next(one for one in sheet.every if one.event_id == verdict.event_id)
        return sheet.asked.address("/session", {"as_of": before(decided)})

    async def person(self, request: web.Request) -> web.Response:
        """Answer with all sessions of one user id, or of a session's user, in their order."""
        user_id, session_id = request.query.get("id", ""), request.query.get("session", "")
        if not 0 < len(user_id) + len(session_id) <= MAX_TEXT or len(request.query) != 1:
            raise BadParameterError("id", "is missing or too long", "the whole of a user id")
        reader = self._reading.of(actor_of(request))
        of: Found | str = await self._found(reader, session_id) if session_id else user_id
        if isinstance(of, Found) and not of.summary.user_id:
            raise web.HTTPNotFound(text="Nobody knows whose session this is.")
        found = await reader.attempts(of, MOST_ATTEMPTS, self._reading.now())
        if not found.sessions:
            raise web.HTTPNotFound(text=f"No session has the user id {user_id}.")
        name = HIDDEN if found.masked else found.sessions[0].user_id or user_id
        shown = person(name, found.sessions)
        # Of whom they are not told whose sessions these are they erase one session at a time.
        is_admin = scope_of(actor_of(request), Role.ADMIN) is not None and not found.masked
        return self._pages.answer(
            "person.html",
            person=shown,
            more=found.next is not None,
            masked=found.masked,
            administer=data_of(user=name, emails=shown.emails) if is_admin else None,
        )

    async def _found(self, reader: Reader, text: str) -> Found:
        found = await reader.session(text, self._reading.now())
        if found is None:
            raise unknown(text)
        return found


def _administer(actor: Actor, session: Summary) -> list[tuple[str, str]] | None:
    """Give where an admin hands over or erases what belongs to a session; None: they are none."""
    if not actor.may(Role.ADMIN, session.project_id):
        return None
    emails = [session.email] if session.email else []
    return data_of(session=session.session_id, user=session.user_id, emails=emails)


def _hides(found: Found) -> bool:
    """Whether there is something to reveal."""
    return found.masked and bool(found.summary.user_id or found.summary.email)


async def _purpose(request: web.Request) -> str:
    """Read what somebody wants to see masked values for."""
    if request.content_type != _FORM:
        raise web.HTTPUnsupportedMediaType(text=f"A form is sent as {_FORM}.")
    try:
        purpose = (await request.post()).get("purpose", "")
    except (LookupError, ValueError):
        raise web.HTTPBadRequest(text="The form cannot be read.") from None
    text = " ".join(purpose.split()) if isinstance(purpose, str) else ""
    if not text or len(text) > _LONGEST_PURPOSE:
        allowed = f"1 to {_LONGEST_PURPOSE} characters that say what it is for"
        raise BadParameterError("purpose", "is missing or too long", allowed)
    return text


def _check(given: Mapping[str, str]) -> int:
    """Check the parameters of a session; give the number of the first event to show."""
    if given.get("source", LANES[0]) not in LANES:
        raise BadParameterError("source", f"is {given['source']!r}", ", ".join(LANES))
    if given.get("failed", "yes") != "yes":
        raise BadParameterError("failed", f"is {given['failed']!r}", "yes")
    if len(given.get("find", "")) > MAX_TEXT:
        raise BadParameterError("find", "is too long", f"up to {MAX_TEXT} characters")
    first = given.get("from", "0")
    if not (first.isascii() and first.isdigit() and len(first) < 7):
        raise BadParameterError("from", f"is {first!r}", "the number of an event")
    return int(first)
