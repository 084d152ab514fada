"""What lists say of a session's person, and what an analyst makes of it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Final

from aiohttp import web

from journeytrace import conventions as names
from journeytrace_collector.core.derive import rfc3339
from journeytrace_collector.core.screening import (
    CLEARED,
    CONFIRMED,
    REQUESTED,
    open_hits,
    screening,
)
from journeytrace_desk.forms import typed
from journeytrace_desk.tabs import Asked, Entry, Sheet, Tabs
from journeytrace_desk.views import screening as views

__all__ = ["ScreeningPages"]

_TAB: Final = "screening"
_PATH: Final = "/session/screening"
_ACTS: Final = {"clear": CLEARED, "confirm": CONFIRMED}
LONGEST_REASON: Final = 500


class ScreeningPages:
    """Answers with a session's screening."""

    def __init__(self, tabs: Tabs) -> None:
        self._tabs = tabs
        tabs.add(_TAB, _PATH, _entries)

    @property
    def _is_set_up(self) -> bool:
        section = self._tabs.reading.settings.exporters.get("screening") or {}
        return bool(section.get("yente") or section.get("local"))

    async def screening(self, request: web.Request) -> web.Response:
        """Answer with the five categories and all hits."""
        return self._answer(await self._tabs.open(request))

    async def ask(self, request: web.Request) -> web.Response:
        """Have the session screened now, and lead back."""
        asked = await self._tabs.acting(request)
        await typed(request)
        if not self._is_set_up:
            raise web.HTTPConflict(text="No lists are set: see exporters.screening.")
        await self._tabs.record(asked, REQUESTED)
        raise web.HTTPSeeOther(asked.address(_PATH))

    async def mark(self, request: web.Request) -> web.Response:
        """Clear or confirm a hit, for a reason that is recorded."""
        asked = await self._tabs.acting(request)
        given = await typed(request, "hit", "verdict", "reason")
        problem = await self._problem(asked, given)
        if problem is not None:
            sheet = await self._tabs.look(asked)
            return self._answer(sheet, status=422, problem=problem, given=given)
        said = {
            names.PRIVATE_HIT: given["hit"],
            names.PRIVATE_TEXT: " ".join(given["reason"].split()),
        }
        await self._tabs.record(asked, _ACTS[given["verdict"]], said)
        raise web.HTTPSeeOther(asked.address(_PATH))

    async def _problem(self, asked: Asked, given: Mapping[str, str]) -> str | None:
        """Say what is wrong with a form; None: nothing."""
        if given.get("verdict") not in _ACTS:
            return "Say whether the hit is somebody else or this person."
        if len(given.get("reason", "")) > LONGEST_REASON:
            return f"The reason is longer than {LONGEST_REASON} characters."
        if "reason" not in given:
            return "Say why: the next analyst, and an auditor, will want to know."
        store = self._tabs.reading.context.store
        events = await asyncio.to_thread(store.events, asked.session_id, "OP")
        known = screening(events)
        if known is None or given.get("hit") not in {one.hit.id for one in known.found}:
            return "This hit is none of the session's any more: the lists were searched again."
        return None

    def _answer(
        self,
        sheet: Sheet,
        *,
        status: int = 200,
        problem: str | None = None,
        given: Mapping[str, str] | None = None,
    ) -> web.Response:
        known = screening(sheet.events)
        waits = views.asked_since(sheet.events) if self._is_set_up else None
        address = sheet.asked.address(_PATH)
        return self._tabs.answer(
            sheet,
            _TAB,
            "screening.html",
            status=status,
            known=known,
            ended_at=rfc3339(known.at) if known else None,
            categories=views.categories(known, sheet.asked.session_id) if known else [],
            looked_for=views.looked_for(known) if known else [],
            waits=waits,
            is_set_up=self._is_set_up,
            address=address,
            mark_address=sheet.asked.address("/session/screening/hit"),
            longest_reason=LONGEST_REASON,
            problem=problem,
            given=given or {},
            live=address if waits and problem is None else None,
        )


def _entries(sheet: Sheet) -> list[Entry]:
    return [Entry("AML screening", count=open_hits(sheet.events))]
