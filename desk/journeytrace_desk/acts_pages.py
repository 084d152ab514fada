"""What people did that belongs to no session: a page, and the same as CSV."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from typing import Final

from aiohttp import web

from journeytrace_collector.admin.api import BadParameterError, parse_query, parse_session_id
from journeytrace_collector.core.acts import ACTS, LIST
from journeytrace_collector.store.base import ActQuery
from journeytrace_desk.access.admins import Admin
from journeytrace_desk.administering import Administering
from journeytrace_desk.export import MOST_ROWS, written
from journeytrace_desk.pages import Pages
from journeytrace_desk.streaming import send
from journeytrace_desk.views import acts as views
from journeytrace_desk.views.asked import link, stated

__all__ = ["ActsPages"]

PAGE_ROWS: Final = 100
_AT_ONCE: Final = 500
_CUT: Final = f"only the newest {MOST_ROWS} acts are here: narrow the filters down"
_PARAMETERS: Final = ("actor", "act", "session", "since", "until", "cursor")
_MOST: Final = 512


class ActsPages:
    """Answers admins with the acts in their projects."""

    def __init__(self, store: Administering, pages: Pages) -> None:
        self._store = store
        self._pages = pages

    async def acts(self, request: web.Request, admin: Admin) -> web.Response:
        """Answer with one page of acts."""
        given = stated(request.query)
        query = self._query(given, admin)
        found = await self._store.acts(PAGE_ROWS + 1, query)
        shown = found[:PAGE_ROWS]
        filters = {name: value for name, value in given.items() if name != "cursor"}
        more = {**filters, "cursor": str(shown[-1].no)} if len(found) > PAGE_ROWS else None
        return self._pages.answer(
            "acts.html",
            lines=[views.line(act) for act in shown],
            given={name: given.get(name, "") for name in _PARAMETERS},
            words={name: views.WORDS[name] for name in ACTS},
            filtered=bool(filters),
            first="cursor" not in given,
            newest=link("/acts", filters),
            follows=link("/acts", more) if more else None,
            csv=link("/acts.csv", filters),
        )

    async def csv(self, request: web.Request, admin: Admin) -> web.StreamResponse:
        """Answer with all that the filters leave, as a file. It is an act itself."""
        given = stated(request.query)
        query = self._query({**given, "cursor": ""}, admin)
        detail = {"of": "acts", "filters": ", ".join(sorted(given))}
        await self._store.act(admin.id, LIST, detail=detail)
        return await send(request, "acts.csv", "text/csv", self._rows(query))

    async def _rows(self, query: ActQuery) -> AsyncIterator[bytes]:
        yield written([views.COLUMNS])
        left = MOST_ROWS
        while left and (page := await self._store.acts(min(_AT_ONCE, left), query)):
            yield written(views.cells(act) for act in page)
            left -= len(page)
            query = replace(query, after=page[-1].no)
        if not left and await self._store.acts(1, query):
            yield written([(_CUT,)])

    def _query(self, given: Mapping[str, str], admin: Admin) -> ActQuery:
        for name, value in given.items():
            if name not in _PARAMETERS:
                raise BadParameterError(
                    name, "is no parameter of this list", ", ".join(_PARAMETERS)
                )
            if len(value) > _MOST:
                raise BadParameterError(name, "is too long", f"up to {_MOST} characters")
        act = given.get("act")
        if act is not None and act not in ACTS:
            raise BadParameterError("act", f"is {act!r}", ", ".join(ACTS))
        days = parse_query({name: given[name] for name in ("since", "until") if name in given})
        session = given.get("session")
        return ActQuery(
            actor=given.get("actor"),
            act=act,
            since=days.since,
            until=days.until,
            digest=self._store.digest(parse_session_id(session)) if session else None,
            scope=admin.scope,
            after=_cursor(given.get("cursor")),
        )


def _cursor(value: str | None) -> int | None:
    if not value:
        return None
    if not (value.isascii() and value.isdigit() and len(value) < 19):
        raise BadParameterError("cursor", f"is {value!r}", "one of ours")
    return int(value)
