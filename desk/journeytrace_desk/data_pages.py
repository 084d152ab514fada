"""A person's data: what there is, who looked at it, all of it as a file, and its erasure."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Final

from aiohttp import web

from journeytrace_collector.admin.api import BadParameterError
from journeytrace_collector.core.acts import EXPORT
from journeytrace_collector.core.forgetting import DIGESTS_KEPT
from journeytrace_collector.core.retention import NS_PER_DAY
from journeytrace_collector.store.base import Subject
from journeytrace_desk.access.admins import Admin
from journeytrace_desk.administering import MOST_DEEDS, Administering
from journeytrace_desk.forms import subject_of, typed
from journeytrace_desk.pages import Pages
from journeytrace_desk.person_file import parts
from journeytrace_desk.streaming import send
from journeytrace_desk.views.acts import PURPOSE, deed
from journeytrace_desk.views.asked import link, stated
from journeytrace_desk.views.subjects import NAMES, counted, whose

__all__ = ["DataPages"]

MOST_SESSIONS: Final = 10_000
"""Of one person, to be looked through or to be put into one file. Erasing has no bound."""
_AT_ONCE: Final = 100
_MOST_PURPOSE: Final = 512


class DataPages:
    """Answers admins with what concerns all sessions of a person, or one session, as a whole."""

    def __init__(self, store: Administering, pages: Pages) -> None:
        self._store = store
        self._pages = pages

    async def data(self, request: web.Request, admin: Admin) -> web.Response:
        """Answer with how much there is, and with who looked at it."""
        subject = subject_of(_named(request), admin)
        found = await self._store.erasable(subject)
        too_many = found.sessions > MOST_SESSIONS
        deeds, more = ([], False) if too_many else await self._store.deeds(subject)
        catalogue = self._store.catalogue
        return self._pages.answer(
            "data.html",
            whose=whose(subject),
            found=found,
            sessions=counted(found.sessions, "session"),
            events=counted(found.events, "event"),
            deeds=[deed(one, catalogue) for one in deeds],
            most=MOST_DEEDS if more else None,
            too_many=MOST_SESSIONS if too_many else None,
        )

    async def export(self, request: web.Request, admin: Admin) -> web.StreamResponse:
        """Answer with all data of a subject as a file, once all its sessions know of it."""
        given = await typed(request, *NAMES, "purpose")
        subject = subject_of(given, admin)
        purpose = given.get("purpose", "").strip()
        if not 1 <= len(purpose) <= _MOST_PURPOSE:
            raise BadParameterError(
                "purpose", "is missing or too long", f"1 to {_MOST_PURPOSE} characters"
            )
        found = await self._store.erasable(subject)
        if not found.sessions:
            raise _nothing(subject)
        if found.sessions > MOST_SESSIONS:
            told = f"More than {MOST_SESSIONS:,} sessions do not go into one file."
            raise web.HTTPRequestEntityTooLarge(MOST_SESSIONS, found.sessions, text=told)
        projects: dict[str | None, list[str]] = {}
        async for known in self._store.sessions(subject):
            projects.setdefault(known.state.project, []).append(known.state.session_id)
        for project, session_ids in projects.items():
            await self._record(admin, session_ids, purpose)
            await self._store.act(admin.id, EXPORT, project, session_ids=session_ids)
        chosen = [session_id for session_ids in projects.values() for session_id in session_ids]
        file = parts(self._store, subject, chosen, admin.id, self._store.now())
        return await send(request, "person.json", "application/json", file)

    async def _record(self, admin: Admin, session_ids: list[str], purpose: str) -> None:
        said = {PURPOSE: purpose, **admin.said}
        for start in range(0, len(session_ids), _AT_ONCE):
            # Together they share the store's transactions.
            await asyncio.gather(
                *(
                    self._store.record("SESSION_EXPORTED", one, admin.id, said)
                    for one in session_ids[start : start + _AT_ONCE]
                )
            )

    async def ask(self, request: web.Request, admin: Admin) -> web.Response:
        """Answer with what an erasure takes and what it does not reach. It erases nothing."""
        return await self._asked(subject_of(_named(request), admin))

    async def erase(self, request: web.Request, admin: Admin) -> web.Response:
        """Erase, if the id was typed once more; then lead to what was erased."""
        given = await typed(request, *NAMES, "confirm")
        subject = subject_of(given, admin)
        confirmed = given.get("confirm", "").strip()
        if confirmed != subject.value.strip():
            return await self._asked(subject, confirmed)
        since = self._store.now()
        erased = await self._store.erase(subject, admin.id)
        if not erased.sessions:
            raise _nothing(subject)
        until = str(self._store.now() + 1)
        raise web.HTTPSeeOther(link("/erased", {"since": str(since), "until": until}))

    async def _asked(self, subject: Subject, confirmed: str | None = None) -> web.Response:
        found = await self._store.erasable(subject)
        if not found.sessions:
            raise _nothing(subject)
        return self._pages.answer(
            "erase.html",
            status=200 if confirmed is None else 422,
            whose=whose(subject),
            sessions=counted(found.sessions, "session"),
            events=counted(found.events, "event"),
            confirmed=confirmed,
            digest_days=DIGESTS_KEPT // NS_PER_DAY,
        )

    async def erased(self, request: web.Request, admin: Admin) -> web.Response:
        """Answer with what somebody has erased, as the acts tell it."""
        since, until = (_ns(request.query, name) for name in ("since", "until"))
        acts = await self._store.erasures(admin, since, until)
        projects: dict[str | None, tuple[int, int]] = {}
        for act in acts:
            sessions, events = projects.get(act.project, (0, 0))
            projects[act.project] = sessions + 1, events + int(act.detail.get("events", 0))
        return self._pages.answer(
            "erased.html",
            sessions=counted(len(acts), "session"),
            events=counted(sum(events for _, events in projects.values()), "event"),
            projects=[
                (project, counted(sessions, "session"), counted(events, "event"))
                for project, (sessions, events) in sorted(
                    projects.items(), key=lambda one: one[0] or ""
                )
            ],
            acts=link("/acts", {"act": "erase", "actor": admin.id}),
            digest_days=DIGESTS_KEPT // NS_PER_DAY,
        )


def _named(request: web.Request) -> dict[str, str]:
    given = stated(request.query)
    if len(given) != len(request.query) or not set(given) <= set(NAMES):
        raise BadParameterError("parameters", "are not one subject", ", ".join(NAMES))
    return given


def _nothing(subject: Subject) -> web.HTTPNotFound:
    about = whose(subject)
    where = f" {about.within}" if about.within else ""
    return web.HTTPNotFound(text=f"No session{where} has the {about.word} {about.value}.")


def _ns(given: Mapping[str, str], name: str) -> int:
    value = given.get(name, "")
    if not (value.isascii() and value.isdigit() and len(value) < 20):
        raise BadParameterError(name, f"is {value!r}", "a time in ns")
    return min(int(value), 2**63 - 1)
