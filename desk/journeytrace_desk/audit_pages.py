"""The audit trail of a session: a page, and the same as CSV."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Final

from aiohttp import web

from journeytrace_collector.admin.api import MAX_TEXT, BadParameterError
from journeytrace_collector.core.tasks import read_day
from journeytrace_desk.export import written
from journeytrace_desk.streaming import send
from journeytrace_desk.tabs import Sheet, Tabs
from journeytrace_desk.views.acts import PURPOSE
from journeytrace_desk.views.asked import stated
from journeytrace_desk.views.audit import COLUMNS, Line, cells, chosen, trail

__all__ = ["AuditPages"]

_FILTERS: Final = ("who", "what", "since", "until")
_ROWS: Final = 200
_AT_ONCE: Final = 500
_PURPOSE: Final = "audit trail"


class AuditPages:
    """Answers with what was done with a session."""

    def __init__(self, tabs: Tabs) -> None:
        self._tabs = tabs
        tabs.add("audit", "/session/audit", "Audit trail")

    async def audit(self, request: web.Request) -> web.Response:
        """Answer with one page of the trail."""
        _check(stated(request.query))
        sheet = await self._tabs.open(request, *_FILTERS, "from")
        given = dict(sheet.asked.given)
        first = _first(given.pop("from", "0"))
        every, found = self._found(sheet, given)
        shown = found[first : first + _ROWS]

        def at(row: int) -> str:
            said = {**given, "from": str(row) if row else None}
            return sheet.asked.address("/session/audit", said)

        return self._tabs.answer(
            sheet,
            "audit",
            "audit.html",
            lines=shown,
            found=len(found),
            first=first,
            given={name: given.get(name, "") for name in _FILTERS},
            filtered=bool(given),
            whos=sorted({one.who for one in every if one.who}),
            whats=sorted({one.name for one in every}),
            every=sheet.asked.address("/session/audit"),
            csv=sheet.asked.address("/session/audit.csv", given),
            before=at(max(first - _ROWS, 0)) if first else None,
            after=at(first + _ROWS) if len(found) > first + _ROWS else None,
        )

    async def csv(self, request: web.Request) -> web.StreamResponse:
        """Answer with all that the filters leave, as a file, once it is on record."""
        _check(stated(request.query))
        asked = await self._tabs.acting(request, *_FILTERS)
        await self._tabs.record(asked, "SESSION_EXPORTED", {PURPOSE: _PURPOSE})
        _, found = self._found(await self._tabs.look(asked), asked.given)
        return await send(request, "audit.csv", "text/csv", _rows(found))

    def _found(self, sheet: Sheet, given: Mapping[str, str]) -> tuple[list[Line], list[Line]]:
        every = trail(sheet.summary.session_id, sheet.events, self._tabs.reading.catalogue)
        return every, list(chosen(every, given))


async def _rows(found: Sequence[Line]) -> AsyncIterator[bytes]:
    yield written([COLUMNS])
    for start in range(0, len(found), _AT_ONCE):
        yield written(cells(one) for one in found[start : start + _AT_ONCE])


def _check(given: Mapping[str, str]) -> None:
    for name in ("since", "until"):
        if name in given and read_day(given[name]) != given[name]:
            raise BadParameterError(name, f"is {given[name]!r}", "a day such as 2026-06-01")
    for name in ("who", "what"):
        if len(given.get(name, "")) > MAX_TEXT:
            raise BadParameterError(name, "is too long", f"up to {MAX_TEXT} characters")


def _first(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 7):
        raise BadParameterError("from", f"is {text!r}", "the number of a line")
    return int(text)
