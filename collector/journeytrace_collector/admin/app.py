"""The admin port: health, the sessions and the outbox, over HTTP (DESIGN section 9)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler

from journeytrace.catalogue import Catalogue
from journeytrace_collector.admin import answers, api
from journeytrace_collector.admin.acting import Acting
from journeytrace_collector.admin.cohorts import parse_pair
from journeytrace_collector.admin.diffing import Comparer
from journeytrace_collector.admin.examples import EXAMPLES
from journeytrace_collector.admin.guard import (
    NotYetKnownError,
    SharedCodeError,
    UnknownSessionError,
    answer_errors,
    answered,
    guard,
)
from journeytrace_collector.admin.losses import loss_of
from journeytrace_collector.admin.openapi import Operation, document, operation, operations
from journeytrace_collector.admin.parameters import (
    AS_OF,
    COHORT,
    COUNTED,
    DIFFED,
    EVENTS,
    FUNNEL,
    IN_PATH,
    LISTED,
    MOST,
    PERSON,
    REPLAYED,
    SUBJECT,
)
from journeytrace_collector.admin.replaying import replay
from journeytrace_collector.admin.reporting import Reporting
from journeytrace_collector.admin.told import (
    known_at,
    moment,
    told,
    told_acts,
    told_destination,
    told_events,
    told_parked,
    told_unknown,
)
from journeytrace_collector.clock import Clock
from journeytrace_collector.core.derive import Summary, rfc3339
from journeytrace_collector.core.overview import Blocks, Overview, Reasons, blocks, overview
from journeytrace_collector.core.unknown import UnknownNames
from journeytrace_collector.hosts import Hosts
from journeytrace_collector.ingest import Ingest
from journeytrace_collector.insight.as_known import by
from journeytrace_collector.insight.conformance import NO_RULES, Rules
from journeytrace_collector.insight.diff import Diff
from journeytrace_collector.insight.rule_file import RulesError, rules_of
from journeytrace_collector.outbox.exporter import Page
from journeytrace_collector.security import Tokens
from journeytrace_collector.store.base import Cohort, Known, SessionQuery, Store, Subject

__all__ = ["admin_app"]

_log = logging.getLogger(__name__)

ACTOR: Final = "admin"
"""Who has asked: admin tokens have no names."""

_LOGGED_IDS: Final = 100
RULES_FORM: Final = "a file of rules, as docs/insight/conformance.md describes it"


def admin_app(
    store: Store,
    ingest: Ingest,
    clock: Clock,
    *,
    readers: Tokens,
    hosts: Hosts,
    catalogue: Catalogue,
    rules: Rules = NO_RULES,
    unknown: UnknownNames,
    idle_timeout: int,
    ready: Callable[[], bool],
    pages: Mapping[str, Page],
    reports: Reporting,
    source: Clock | None = None,
) -> web.Application:
    """Give the application that answers from `store`; `idle_timeout` in ns.

    `hosts` are its names, which matter without a token; `pages` the exporters' own, by path;
    `reports` makes reports of sessions; `source` tells the time by which a status holds, where that
    is not `clock`.
    """
    admin = _Admin(
        store,
        ingest,
        clock,
        catalogue=catalogue,
        rules=rules,
        unknown=unknown,
        idle_timeout=idle_timeout,
        ready=ready,
        reports=reports,
        source=source or clock,
    )
    app = web.Application(middlewares=[answer_errors, guard(readers, hosts)])
    app.router.add_get("/healthz", admin.healthz)
    app.router.add_get("/readyz", admin.readyz)
    for one in operations(admin):
        if one.method == "GET":
            app.router.add_get(one.route, _asked(one))
        else:
            app.router.add_route(one.method, one.route, _asked(one))
    for path, page in pages.items():
        app.router.add_get(path, page)
    return app


def _asked(one: Operation) -> Handler:
    """Make a handler of an operation, which takes the parameters that it declares alone."""

    async def handler(request: web.Request) -> web.Response:
        api.check_names(request.query, one.parameters)
        return answered(await one.handler(request))

    return handler


class _Admin:
    def __init__(
        self,
        store: Store,
        ingest: Ingest,
        clock: Clock,
        *,
        catalogue: Catalogue,
        rules: Rules,
        unknown: UnknownNames,
        idle_timeout: int,
        ready: Callable[[], bool],
        reports: Reporting,
        source: Clock,
    ) -> None:
        self._store = store
        self._ingest = ingest
        self._clock = source
        self._acting = Acting(store, ingest, clock)
        self._catalogue = catalogue
        self._rules = rules
        self._unknown = unknown
        self._idle_timeout = idle_timeout
        self._comparer = Comparer(store, catalogue, idle_timeout)
        self._ready = ready
        self._reports = reports

    async def healthz(self, _: web.Request) -> web.Response:
        return web.Response(text="ok\n")

    async def readyz(self, _: web.Request) -> web.Response:
        if self._ready():
            return web.Response(text="ready\n")
        return web.Response(text="not ready: starting or stopping\n", status=503)

    @operation("GET", "/api/v1/openapi.json")
    async def openapi(self, _: web.Request) -> answers.Document:
        """Describe all of this, as an OpenAPI 3.1 document."""
        return await asyncio.to_thread(document, operations(self), IN_PATH, EXAMPLES)

    @operation("GET", "/api/v1/sessions", LISTED)
    async def sessions(self, request: web.Request) -> answers.Sessions:
        """List the sessions that meet all of this, the newest first."""
        query = api.parse_query(request.query)
        now = self._clock()
        page = await asyncio.to_thread(self._store.sessions, query, now)
        return answers.Sessions(
            sessions=[self._summary(known, now) for known in page.sessions],
            next_cursor=api.write_cursor(page.next),
            searched_until=moment(page.searched_until),
        )

    @operation("GET", "/api/v1/count", COUNTED)
    async def count(self, request: web.Request) -> answers.Count:
        """Count the sessions that would be listed, exactly up to 1,000."""
        query = api.parse_count(request.query)
        found = await asyncio.to_thread(self._store.count, query, self._clock())
        return answers.Count(found.number, found.more)

    @operation("GET", "/api/v1/sessions/{id}", (AS_OF,), errors=(404, 409))
    async def session(self, request: web.Request) -> Summary:
        """Give one session, by its id or its support code: as it is now, or as it was known."""
        at = api.parse_as_of(request.query)
        known = await self._known(request)
        if at is None:
            return self._summary(known, self._clock())
        return self._summary(await self._then(known, at), at)

    @operation("GET", "/api/v1/sessions/{id}/events", EVENTS, errors=(404, 409))
    async def events(self, request: web.Request) -> answers.Events:
        """Give the events of one session, by its id or its support code, in order of time.

        Checks run side by side: order is not causality. Nor is all order certain.
        """
        source, at = api.parse_source(request.query), api.parse_as_of(request.query)
        known = await self._known(request)
        every = await asyncio.to_thread(self._store.events, known.state.session_id)
        if at is not None:
            every = by(every, at)
        shown = [event for event in every if source in {None, event.source}]
        return told_events(shown, every, self._catalogue)

    @operation("POST", "/api/v1/sessions/{id}/report", errors=(404, 409, 501))
    async def report(self, request: web.Request) -> answers.Report:
        """Issue the report of one session, by its id or its support code.

        That is a PDF that can be checked. It is recorded first, as a REPORT_ISSUED of the
        session. As long as that is the same, it is the same bytes, and nothing more is recorded.
        """
        session_id = (await self._known(request)).state.session_id
        made = await self._reports.issue(session_id, ACTOR)
        if made is None:
            raise UnknownSessionError(session_id)
        return answers.Report(made.sha256, made.key_id, made.pdf)

    @operation("GET", "/api/v1/funnel", FUNNEL)
    async def funnel(self, request: web.Request) -> answers.CorrectedFunnel:
        """Count how many sessions came at least as far as each stage.

        Whoever skips an optional stage has passed it, so no stage has more sessions than the one
        before it. `loss` tells lost beacons apart from lost users, by the actions that both screen
        and server see: see docs/insight/loss.md for what it assumes.
        """
        cohort, by = api.parse_funnel(request.query)
        counted = (await self._overview(cohort)).funnel
        loss = await asyncio.to_thread(loss_of, self._store, cohort, self._catalogue, by)
        return answers.CorrectedFunnel(counted.sessions, counted.steps, by, loss)

    @operation("GET", "/api/v1/reasons", COHORT)
    async def reasons(self, request: web.Request) -> Reasons:
        """Count for which reasons sessions were rejected or are on hold."""
        return (await self._overview(api.parse_cohort(request.query))).reasons

    @operation("GET", "/api/v1/blocks", COHORT)
    async def blocks(self, request: web.Request) -> Blocks:
        """Count what blocks most: the sessions that had each event with the impact BLOCKED."""
        cohort = api.parse_cohort(request.query)
        found = await self._overview(cohort)
        counts = await asyncio.to_thread(self._store.blocks, cohort)
        return blocks(counts, found.sessions, self._catalogue)

    async def _overview(self, cohort: Cohort) -> Overview:
        outcomes = await asyncio.to_thread(self._store.outcomes, cohort, self._clock())
        return overview(outcomes, self._catalogue)

    @operation("GET", "/api/v1/diff", DIFFED)
    async def diff(self, request: web.Request) -> Diff:
        """Compare two cohorts of sessions: what differs, and what of it is more than chance.

        Sessions that go on, or began within the idle timeout, are left out. Of many sessions a
        sample is read, and it is said.
        """
        return await self._comparer.compare(parse_pair(request.query), self._clock())

    @operation("GET", "/api/v1/conformance")
    async def conformance(self, _: web.Request) -> answers.Conformance:
        """Give the rules that sessions are held against, and how many violate each of them."""
        now = self._clock()

        def count() -> list[answers.Rule]:
            found = []
            for rule in self._rules:
                query = SessionQuery(rule=rule.name, limit=api.MOST_COUNTED)
                number = self._store.count(query, now, hasty=True)
                told = (rule.name, rule.meaning, rule.kind, rule.own)
                found.append(answers.Rule(*told, number.number, number.more))
            return found

        return answers.Conformance(await asyncio.to_thread(count))

    @operation(
        "POST", "/api/v1/conformance/replay", REPLAYED, body=api.Rehearsal, errors=(413, 415)
    )
    async def replay(self, request: web.Request) -> answers.Replayed:
        """Hold sessions of the past against rules, the newest first, a part of them at a time.

        Nothing is counted or marked by it. With the text of a file only its rules are tried,
        as they would be if the collector had that file.
        """
        query = api.parse_replay(request.query)
        _check_json(request)
        text = api.parse_rehearsal(await request.read())
        now, idle_timeout = self._clock(), self._idle_timeout

        def run() -> answers.Replayed:
            rules = self._rules
            if text is not None:
                try:
                    found = rules_of(text, "the file", self._catalogue)
                except RulesError as error:
                    problem = f"are faulty: {error}"
                    raise api.BadParameterError("rules", problem, RULES_FORM) from None
                rules = Rules(rule for rule in found if rule.own)
            return replay(self._store, rules, query, now, idle_timeout)

        return await asyncio.to_thread(run)

    @operation("GET", "/api/v1/erasable", SUBJECT)
    async def erasable(self, request: web.Request) -> answers.Erasable:
        """Tell how much an erasure would erase, of exactly one session or person."""
        subject = api.parse_subject(request.query, session=True)
        found = await asyncio.to_thread(self._store.erasable, subject)
        return answers.Erasable(found.sessions, found.events)

    @operation("DELETE", "/api/v1/sessions/{id}", errors=(404,))
    async def erase_session(self, request: web.Request) -> answers.Erased:
        """Erase one session, with its events and what else is known of it.

        Late events do not bring it back.
        """
        session_id = api.parse_session_id(request.match_info["id"])
        erased = await self._acting.erase(Subject("session_id", session_id), ACTOR)
        if not erased.sessions:
            raise UnknownSessionError(session_id)
        return answers.Erased(erased.sessions, erased.events)

    @operation("DELETE", "/api/v1/sessions", PERSON)
    async def erase_person(self, request: web.Request) -> answers.Erased:
        """Erase the sessions of one person, by exactly one of the two parameters.

        It is for those sessions alone: new ones of the same person are not kept out.
        """
        erased = await self._acting.erase(api.parse_subject(request.query), ACTOR)
        return answers.Erased(erased.sessions, erased.events)

    @operation("GET", "/api/v1/acts", MOST)
    async def acts(self, request: web.Request) -> answers.Acts:
        """Tell who did what, the newest first: what stands in no session, such as its erasure.

        What people do with a session is among its events, with the source OP.
        """
        limit = api.parse_limit(request.query)
        return told_acts(await asyncio.to_thread(self._store.acts, limit))

    @operation("GET", "/api/v1/catalogue/unknown")
    async def unknown(self, _: web.Request) -> answers.Unknown:
        """Tell which names came up that are not in the catalogue, since the collector started."""
        return told_unknown(self._unknown)

    @operation("GET", "/api/v1/outbox", MOST)
    async def outbox(self, request: web.Request) -> answers.Outbox:
        """Tell what is to leave the collector and has not, with the newest parked parcels."""
        limit = api.parse_limit(request.query)
        states = await asyncio.to_thread(self._store.outbox)
        parked = await asyncio.to_thread(self._store.parked, limit)
        return answers.Outbox(
            [told_destination(name, state) for name, state in sorted(states.items())],
            [told_parked(row) for row in parked],
        )

    @operation("POST", "/api/v1/outbox/requeue", body=api.Ids, errors=(413, 415))
    async def requeue(self, request: web.Request) -> answers.Requeued:
        """Put parked parcels back in line."""
        ids = await _ids(request)
        job = self._ingest.run(lambda: self._store.requeue(ids))
        return answers.Requeued(await asyncio.wrap_future(job))

    @operation("POST", "/api/v1/outbox/discard", body=api.Ids, errors=(413, 415))
    async def discard(self, request: web.Request) -> answers.Discarded:
        """Forget parked parcels for good."""
        ids = await _ids(request)
        count = await asyncio.wrap_future(self._ingest.run(lambda: self._store.discard(ids)))
        # What is gone for good must be found somewhere.
        asked = "all" if ids is None else ", ".join(map(str, sorted(set(ids))[:_LOGGED_IDS]))
        _log.warning("%d parked parcels were discarded by %s: %s", count, request.remote, asked)
        return answers.Discarded(count)

    async def _known(self, request: web.Request) -> Known:
        """Find a session by its id, else by its support code."""
        given = request.match_info["id"]
        session_id = api.parse_session_id(given)
        known = await asyncio.to_thread(self._store.session, session_id)
        if known is None and (query := api.code_query(given)) is not None:
            found = await asyncio.to_thread(self._store.sessions, query, self._clock())
            if len(found.sessions) > 1:
                raise SharedCodeError(given)
            known = next(iter(found.sessions), None)
        if known is None:
            raise UnknownSessionError(session_id)
        return known

    async def _then(self, known: Known, at: int) -> Known:
        """Give a session as it was known at a moment, in ns."""
        session_id, catalogue = known.state.session_id, self._catalogue

        def read() -> Known | None:
            events = self._store.events(session_id)
            return known_at(known, events, at, self._idle_timeout, catalogue)

        then = await asyncio.to_thread(read)
        if then is None:
            raise NotYetKnownError(session_id, rfc3339(known.state.first_received))
        return then

    def _summary(self, known: Known, now: int) -> Summary:
        return told(known, now, self._idle_timeout, self._catalogue)


def _check_json(request: web.Request) -> None:
    if request.content_type != "application/json":
        # A page in somebody's browser may send other types here without asking.
        raise web.HTTPUnsupportedMediaType


async def _ids(request: web.Request) -> list[int] | None:
    _check_json(request)
    return api.parse_ids(await request.read())
