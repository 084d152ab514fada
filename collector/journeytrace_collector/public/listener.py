"""What the listener does with one request, in the order that keeps strangers cheap."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from typing import Final

from aiohttp import web
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from journeytrace import conventions as names
from journeytrace.browser import Key
from journeytrace.catalogue import Catalogue
from journeytrace_collector.clock import Clock
from journeytrace_collector.core.decode import Decoded, Decoder
from journeytrace_collector.core.rights import Rights
from journeytrace_collector.ingest import Answer, Hold, Intake
from journeytrace_collector.public.addresses import client_of
from journeytrace_collector.public.agents import BEGINNINGS, agent_of
from journeytrace_collector.public.envelope import MAX_BODY, read_envelope, read_plain
from journeytrace_collector.public.limits import Buckets, Counts, Space, Turns
from journeytrace_collector.public.rebuild import MAX_EVENTS, rebuilt
from journeytrace_collector.public.refusal import Outcome, RefusedError
from journeytrace_collector.public.token import Claims, check_token
from journeytrace_collector.receiver.body import gunzip
from journeytrace_collector.receiver.otlp_json import read_traces
from journeytrace_collector.settings.public import Public
from journeytrace_collector.store.base import Store

__all__ = ["SENDER", "Listener"]

SENDER: Final = "public"
"""As whom browsers are counted, where senders have names."""

_SOURCES: Final = frozenset({"FE"})
_ANY: Final = "all"
_AT_ONCE: Final = 8
"""Requests of one session that are on their way: a page sends one after the other."""


class Listener:
    """Takes the events of pages: the token first, then the size, then what is in it."""

    def __init__(
        self,
        settings: Public,
        keys: Sequence[Key],
        *,
        catalogue: Catalogue,
        decoder: Decoder,
        ingest: Intake,
        store: Store,
        clock: Clock,
        max_bytes: int,
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take what the `keys` allow.

        Of `max_bytes` may be on their way; `seconds` is the time that limits go by.
        """
        limits = settings.limits
        self._settings = settings
        self._keys = keys
        self._catalogue = catalogue
        self._decoder = decoder
        self._ingest = ingest
        self._store = store
        self._clock = clock
        self._seconds = seconds
        self._addresses = Buckets(limits.address_rate, limits.address_burst)
        self._sessions = Buckets(limits.session_rate, limits.session_burst)
        self._all = Buckets(limits.rate, limits.burst, most=1)
        self._counts = Counts(limits.session_events)
        self._turns = Turns(_AT_ONCE)
        self._space = Space(max_bytes)

    async def take(self, request: web.Request) -> Answer:
        """Take what was posted; on return it is on disk.

        Raises:
            RefusedError: it is not taken.
            RequestError: likewise.
            UnavailableError: likewise, for now.
        """
        received = self._clock()
        self.check_address(request)
        kind = request.content_type
        with Hold(self._space) as hold, ExitStack() as turn:
            check = partial(self._admit, now=received, turn=turn)
            if "Authorization" in request.headers:
                claims = check(_bearer(request.headers["Authorization"]))
                body, sent_at = await _otlp(request, kind, hold), None
            else:
                if "Origin" not in request.headers:
                    message = "without an `Origin` the token must come as `authorization: Bearer …`"
                    raise RefusedError(Outcome.ORIGIN, message)
                if kind != "text/plain" or "Content-Encoding" in request.headers:
                    raise _unknown_kind(kind)
                claims, sent_at, body = await read_envelope(request.content, hold, check)
            agent = agent_of(request.headers.get("User-Agent", ""))
            decoded = self._decoded(body, claims, sent_at, received, agent)
            # A whole request is charged, or the faulty ones would cost nothing.
            events = len(decoded.events) + decoded.problems
            if not await self._charge(claims, events):
                most = self._settings.limits.session_events
                return Answer(events, f"a session may send {most} events in all; it has sent them")
            try:
                done = self._ingest.submit(lambda _body, _at: decoded, body, received)
                return await asyncio.wrap_future(done)
            except Exception:
                # A page that tries again and again while the store is down uses nothing up.
                self._counts.give_back(claims.session_id, events)
                raise

    def check_address(self, request: web.Request) -> None:
        """Count a request for its address.

        Raises:
            RefusedError: too many come from there.
        """
        forwarded = request.headers.getall("X-Forwarded-For", [])
        peer = request.transport.get_extra_info("peername") if request.transport else None
        client = client_of(str(peer[0]) if peer else "", forwarded, self._settings.proxies)
        wait = self._addresses.take(client, 1, self._seconds())
        if wait:
            message = "too many requests come from this address"
            raise RefusedError(Outcome.LIMITED_ADDRESS, message, wait)

    def _admit(self, token: bytes, *, now: int, turn: ExitStack) -> Claims:
        """Refuse a token that is no good, and a session that may send nothing at all now."""
        claims = check_token(token, self._keys, now)
        session = claims.session_id
        if wait := self._sessions.take(session, 1, self._seconds()):
            raise _limited(Outcome.LIMITED_SESSION, wait)
        if not self._turns.take(session):
            message = "too many requests of this session are on their way: wait for their answers"
            raise RefusedError(Outcome.LIMITED_SESSION, message, 1)
        turn.callback(self._turns.give_back, session)
        return claims

    async def _charge(self, claims: Claims, events: int) -> bool:
        """Count the events of a request; False: its session has sent all that it ever may."""
        session = claims.session_id
        if session not in self._counts:
            known = await asyncio.to_thread(self._store.session, session)
            self._counts.learn(session, known.state.events if known else 0)
        # One of them has been taken before it was parsed.
        rest = max(0, events - 1)
        if wait := self._sessions.take(session, rest, self._seconds()):
            raise _limited(Outcome.LIMITED_SESSION, wait)
        if wait := self._all.take(_ANY, events, self._seconds()):
            raise _limited(Outcome.LIMITED_ALL, wait)
        return self._counts.take(session, events)

    def _decoded(
        self,
        body: bytes,
        claims: Claims,
        sent_at: int | None,
        received: int,
        agent: Mapping[str, str],
    ) -> Decoded:
        request, faulty = read_traces(body, ExportTraceServiceRequest())
        if len(faulty) > MAX_EVENTS:
            raise RefusedError(Outcome.TOO_LARGE, f"a request may hold {MAX_EVENTS} events")
        found = rebuilt(
            request,
            claims,
            self._catalogue,
            self._settings.service,
            sent_at=sent_at,
            received=received,
        )
        for _, said, _ in found.records:
            if said[names.EVENT_NAME] in BEGINNINGS:
                # What the page says itself counts.
                for key, value in agent.items():
                    said.setdefault(key, value)
        projects = None if claims.project is None else frozenset({claims.project})
        rights = Rights(SENDER, _SOURCES, projects)
        return self._decoder.told(found.records, [*faulty, *found.rejections], rights)


async def _otlp(request: web.Request, kind: str, hold: Hold) -> bytes:
    encoding = request.headers.get("Content-Encoding", "identity").strip().lower()
    if kind != "application/json" or encoding not in {"identity", "gzip"}:
        raise _unknown_kind(kind)
    body = await read_plain(request.content, hold)
    return gunzip(body, MAX_BODY) if encoding == "gzip" else body


def _bearer(authorization: str) -> bytes:
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer":
        raise RefusedError(Outcome.TOKEN, "a token is missing: send `authorization: Bearer …`")
    return token.strip().encode("utf-8", "surrogateescape")


def _limited(outcome: Outcome, wait: float) -> RefusedError:
    whose = "this session sends" if outcome is Outcome.LIMITED_SESSION else "all pages send"
    return RefusedError(outcome, f"{whose} more than is taken: come back later", wait)


def _unknown_kind(kind: str) -> RefusedError:
    return RefusedError(
        Outcome.MALFORMED,
        f"the content type is {kind[:64]!r}: send text/plain with the token in its first line, or"
        " application/json (gzip or not) with `authorization: Bearer …`",
    )
