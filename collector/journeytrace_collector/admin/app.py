"""The admin port: health, the sessions and the outbox, over HTTP (DESIGN section 9)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from journeytrace.catalogue import Catalogue
from journeytrace_collector.admin import api
from journeytrace_collector.admin.told import told
from journeytrace_collector.clock import Clock
from journeytrace_collector.core.derive import Summary
from journeytrace_collector.core.overview import Overview, blocks, overview
from journeytrace_collector.core.unknown import UnknownNames
from journeytrace_collector.errors import (
    ForeignOriginError,
    MisdirectedError,
    UnauthenticatedError,
    UnavailableError,
)
from journeytrace_collector.hosts import Hosts
from journeytrace_collector.ingest import Ingest
from journeytrace_collector.outbox.exporter import Page
from journeytrace_collector.security import Tokens
from journeytrace_collector.store.base import Cohort, Erased, Known, Store, Subject

__all__ = ["admin_app"]

_log = logging.getLogger(__name__)

ERASE_AT_ONCE: Final = 100
"""Sessions, between which requests are stored."""

ACTOR: Final = "admin"
"""Who has asked: admin tokens have no names."""

OPEN: Final = ("/healthz", "/readyz")
"""Asked by machinery that has no token, and telling nothing about anybody."""

_LOGGED_IDS: Final = 100


def admin_app(
    store: Store,
    ingest: Ingest,
    clock: Clock,
    *,
    readers: Tokens,
    hosts: Hosts,
    catalogue: Catalogue,
    unknown: UnknownNames,
    idle_timeout: int,
    ready: Callable[[], bool],
    pages: Mapping[str, Page],
) -> web.Application:
    """Give the application that answers from `store`; `idle_timeout` in ns.

    `hosts` are its names, which matter without a token; `pages` the exporters' own, by path.
    """
    admin = _Admin(
        store,
        ingest,
        clock,
        catalogue=catalogue,
        unknown=unknown,
        idle_timeout=idle_timeout,
        ready=ready,
    )
    app = web.Application(middlewares=[_answer_errors, _guard(readers, hosts)])
    app.router.add_get("/healthz", admin.healthz)
    app.router.add_get("/readyz", admin.readyz)
    app.router.add_get("/api/v1/sessions", admin.sessions)
    # Any id that is listed: unless told, the router takes no brace in it.
    app.router.add_get("/api/v1/sessions/{id:[^/]+}", admin.session)
    app.router.add_get("/api/v1/sessions/{id:[^/]+}/events", admin.events)
    app.router.add_delete("/api/v1/sessions", admin.erase_person)
    app.router.add_delete("/api/v1/sessions/{id:[^/]+}", admin.erase_session)
    app.router.add_get("/api/v1/funnel", admin.funnel)
    app.router.add_get("/api/v1/reasons", admin.reasons)
    app.router.add_get("/api/v1/blocks", admin.blocks)
    app.router.add_get("/api/v1/erasable", admin.erasable)
    app.router.add_get("/api/v1/catalogue/unknown", admin.unknown)
    app.router.add_get("/api/v1/outbox", admin.outbox)
    app.router.add_post("/api/v1/outbox/requeue", admin.requeue)
    app.router.add_post("/api/v1/outbox/discard", admin.discard)
    for path, page in pages.items():
        app.router.add_get(path, page)
    return app


class _Admin:
    def __init__(
        self,
        store: Store,
        ingest: Ingest,
        clock: Clock,
        *,
        catalogue: Catalogue,
        unknown: UnknownNames,
        idle_timeout: int,
        ready: Callable[[], bool],
    ) -> None:
        self._store = store
        self._ingest = ingest
        self._clock = clock
        self._catalogue = catalogue
        self._unknown = unknown
        self._idle_timeout = idle_timeout
        self._ready = ready

    async def healthz(self, _: web.Request) -> web.Response:
        return web.Response(text="ok\n")

    async def readyz(self, _: web.Request) -> web.Response:
        if self._ready():
            return web.Response(text="ready\n")
        return web.Response(text="not ready: starting or stopping\n", status=503)

    async def sessions(self, request: web.Request) -> web.Response:
        query = api.parse_query(request.query)
        now = self._clock()
        page = await asyncio.to_thread(self._store.sessions, query, now)
        summaries = [self._summary(known, now) for known in page.sessions]
        return _json(
            {
                "sessions": summaries,
                "next_cursor": api.write_cursor(page.next),
                "searched_until": api.moment(page.searched_until),
            }
        )

    async def session(self, request: web.Request) -> web.Response:
        known = await self._known(request)
        return _json(self._summary(known, self._clock()))

    async def events(self, request: web.Request) -> web.Response:
        source = api.parse_source(request.query)
        known = await self._known(request)
        events = await asyncio.to_thread(self._store.events, known.state.session_id, source)
        codes = self._catalogue.error_codes
        return _json({"events": [api.event_json(event, codes) for event in events]})

    async def funnel(self, request: web.Request) -> web.Response:
        return _json((await self._overview(api.parse_cohort(request.query))).funnel)

    async def reasons(self, request: web.Request) -> web.Response:
        return _json((await self._overview(api.parse_cohort(request.query))).reasons)

    async def blocks(self, request: web.Request) -> web.Response:
        cohort = api.parse_cohort(request.query)
        found = await self._overview(cohort)
        counts = await asyncio.to_thread(self._store.blocks, cohort)
        return _json(blocks(counts, found.sessions, self._catalogue))

    async def _overview(self, cohort: Cohort) -> Overview:
        outcomes = await asyncio.to_thread(self._store.outcomes, cohort, self._clock())
        return overview(outcomes, self._catalogue)

    async def erasable(self, request: web.Request) -> web.Response:
        subject = _subject(request, session=True)
        found = await asyncio.to_thread(self._store.erasable, subject)
        return _json({"sessions": found.sessions, "events": found.events})

    async def erase_session(self, request: web.Request) -> web.Response:
        _only_path(request)
        session_id = api.parse_session_id(request.match_info["id"])
        erased = await self._erase(Subject("session_id", session_id))
        if not erased.sessions:
            raise _UnknownSessionError(session_id)
        return _erased(erased)

    async def erase_person(self, request: web.Request) -> web.Response:
        return _erased(await self._erase(_subject(request)))

    async def _erase(self, subject: Subject) -> Erased:
        sessions = events = 0
        while True:
            job = self._ingest.run(
                lambda: self._store.forget(subject, ACTOR, self._clock(), ERASE_AT_ONCE)
            )
            step = await asyncio.wrap_future(job)
            sessions, events = sessions + step.sessions, events + step.events
            if step.sessions < ERASE_AT_ONCE:
                _log.info("erased on request: %d sessions with %d events", sessions, events)
                return Erased(sessions, events)

    async def unknown(self, request: web.Request) -> web.Response:
        _only_path(request)
        return _json(api.unknown_json(self._unknown))

    async def outbox(self, request: web.Request) -> web.Response:
        limit = api.parse_limit(request.query)
        states = await asyncio.to_thread(self._store.outbox)
        parked = await asyncio.to_thread(self._store.parked, limit)
        return _json(
            {
                "destinations": [
                    api.destination_json(name, state) for name, state in sorted(states.items())
                ],
                "parked": [api.parked_json(row) for row in parked],
            }
        )

    async def requeue(self, request: web.Request) -> web.Response:
        ids = await _ids(request)
        job = self._ingest.run(lambda: self._store.requeue(ids))
        return _json({"requeued": await asyncio.wrap_future(job)})

    async def discard(self, request: web.Request) -> web.Response:
        ids = await _ids(request)
        count = await asyncio.wrap_future(self._ingest.run(lambda: self._store.discard(ids)))
        # What is gone for good must be found somewhere.
        asked = "all" if ids is None else ", ".join(map(str, sorted(set(ids))[:_LOGGED_IDS]))
        _log.warning("%d parked parcels were discarded by %s: %s", count, request.remote, asked)
        return _json({"discarded": count})

    async def _known(self, request: web.Request) -> Known:
        """Find a session by its id, else by its support code."""
        given = request.match_info["id"]
        session_id = api.parse_session_id(given)
        known = await asyncio.to_thread(self._store.session, session_id)
        if known is None and (query := api.code_query(given)) is not None:
            found = await asyncio.to_thread(self._store.sessions, query, self._clock())
            if len(found.sessions) > 1:
                raise _SharedCodeError(given)
            known = next(iter(found.sessions), None)
        if known is None:
            raise _UnknownSessionError(session_id)
        return known

    def _summary(self, known: Known, now: int) -> Summary:
        return told(known, now, self._idle_timeout, self._catalogue)


def _subject(request: web.Request, *, session: bool = False) -> Subject:
    if len(request.query) != len(set(request.query)):
        raise api.BadParameterError("parameters", "repeat", "each one once")
    return api.parse_subject(request.query, session=session)


def _only_path(request: web.Request) -> None:
    for name in request.query:
        raise api.BadParameterError(name, "is no parameter here", "none")


def _erased(found: Erased) -> web.Response:
    return _json({"erased": found.sessions, "events": found.events})


async def _ids(request: web.Request) -> list[int] | None:
    if request.content_type != "application/json":
        # A page in somebody's browser may send other types here without asking.
        raise web.HTTPUnsupportedMediaType
    return api.parse_ids(await request.read())


class _UnknownSessionError(Exception):
    """No session has this id. Becomes a 404."""


class _SharedCodeError(Exception):
    """Several sessions have this support code. Becomes a 409."""


def _guard(readers: Tokens, hosts: Hosts) -> Middleware:
    @web.middleware
    async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
        if not readers:
            hosts.check(request)
        if request.path not in OPEN:
            readers.check(request.headers.get("Authorization"))
        return await handler(request)

    return guard


@web.middleware
async def _answer_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except api.BadParameterError as error:
        return _error(400, str(error), field=error.field, allowed=error.allowed)
    except _UnknownSessionError as error:
        return _error(404, f"no session has the id {error.args[0]!r}")
    except _SharedCodeError as error:
        message = f"several sessions have the support code {error.args[0]!r}: search for it"
        return _error(409, message, field="support_code")
    except UnauthenticatedError as error:
        reply = _error(401, str(error))
        reply.headers["WWW-Authenticate"] = "Bearer"
        return reply
    except MisdirectedError as error:
        return _error(421, str(error))
    except ForeignOriginError as error:
        return _error(403, str(error))
    except UnavailableError as error:
        reply = _error(503, str(error))
        reply.headers["Retry-After"] = "1"
        return reply
    except web.HTTPException as error:
        return _error(error.status, f"{error.reason}: {request.method} {request.path}")
    except Exception:
        _log.exception("%s %s failed", request.method, request.path)
        return _error(500, "the collector failed on this request; its log says why")


def _error(status: int, message: str, **details: str) -> web.Response:
    return _json({"error": {"message": message, **details}}, status)


def _json(value: Any, status: int = 200) -> web.Response:
    return web.Response(
        body=msgspec.json.encode(value), content_type="application/json", status=status
    )
