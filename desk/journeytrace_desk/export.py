"""Sessions as CSV: read and sent page by page, so that none of it has to fit into memory."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import replace
from typing import Final

from aiohttp import web

from journeytrace_collector.core.derive import Summary
from journeytrace_collector.store.base import SessionQuery
from journeytrace_desk.reading import Reader
from journeytrace_desk.streaming import send

__all__ = ["MOST_ROWS", "cells", "stream", "written"]

MOST_ROWS: Final = 10_000
_CUT: Final = "only the newest {} sessions are here: narrow the filters down"
_AT_ONCE: Final = 500
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n")

COLUMNS: Final = (
    "created",
    "session id",
    "e-mail",
    "user id",
    "submission id",
    "last event",
    "last update",
    "status",
    "decision",
    "reason",
    "decided",
    "highest stage",
    "error code",
    "project",
    "why",
)


async def stream(
    request: web.Request, reader: Reader, query: SessionQuery, now: int
) -> web.StreamResponse:
    """Send the sessions of a query, the newest `MOST_ROWS` of them."""
    return await send(request, "sessions.csv", "text/csv", _parts(reader, query, now))


async def _parts(reader: Reader, query: SessionQuery, now: int) -> AsyncIterator[bytes]:
    page = await reader.sessions(replace(query, limit=_AT_ONCE, after=None), now)
    yield written([COLUMNS])
    sent = 0
    while True:
        rows = page.sessions[: MOST_ROWS - sent]
        sent += len(rows)
        yield written(cells(one) for one in rows)
        if page.next is None:
            return
        if sent == MOST_ROWS:
            yield written([(_CUT.format(MOST_ROWS),)])
            return
        page = await reader.sessions(replace(query, limit=_AT_ONCE, after=page.next), now)


def cells(session: Summary) -> Sequence[str | None]:
    """Give the row of one session, in the order of `COLUMNS`."""
    return (
        session.created_at,
        session.session_id,
        session.email,
        session.user_id,
        session.submission_id,
        session.last_event,
        session.last_event_at,
        session.status,
        session.decision,
        session.reason,
        session.decided_at,
        session.stage,
        session.last_error_code,
        session.project_id,
        session.why.text if session.why else None,
    )


def written(rows: Iterable[Sequence[str | None]]) -> bytes:
    """Write rows. What a spreadsheet would take for a formula has an apostrophe before it."""
    text = io.StringIO()
    csv.writer(text).writerows([_defused(cell) for cell in row] for row in rows)
    return text.getvalue().encode("utf-8", "replace")


def _defused(cell: str | None) -> str:
    if cell is None:
        return ""
    return f"'{cell}" if cell.lstrip(" ").startswith(_FORMULA) else cell
