"""The collector process: puts the parts together, starts and stops them in order."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import AsyncExitStack
from functools import partial
from ssl import SSLContext
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self

from aiohttp import web

from journeytrace import conventions as names
from journeytrace.catalogue import Catalogue, builtin_catalogue, load_catalogue
from journeytrace_collector.admin.acting import Acting
from journeytrace_collector.admin.app import admin_app
from journeytrace_collector.admin.desk import DeskContext, asked_for, load_desk
from journeytrace_collector.background import keep_doing
from journeytrace_collector.beacons import Beacons
from journeytrace_collector.chores import Chores
from journeytrace_collector.clock import Clock
from journeytrace_collector.connections import HTTP_LOG, Connections, bind, connection_limits
from journeytrace_collector.core.decode import Decoder
from journeytrace_collector.core.measure import Measure
from journeytrace_collector.core.record import Limits
from journeytrace_collector.core.unknown import UnknownNames
from journeytrace_collector.errors import StartError, StoreUnavailableError
from journeytrace_collector.health import Health
from journeytrace_collector.ingest import Ingest, Intake
from journeytrace_collector.kafka.clock import SourceClock
from journeytrace_collector.outbox.delivery import Delivery
from journeytrace_collector.outbox.effects import effects
from journeytrace_collector.outbox.exporter import load_exporters
from journeytrace_collector.public.app import load_script, public_app
from journeytrace_collector.public.invited import InvitedPages
from journeytrace_collector.public.listener import SENDER, Listener
from journeytrace_collector.public.rebuild import EVENT_LIMITS
from journeytrace_collector.public.refusal import Outcome
from journeytrace_collector.receiver.grpc import GrpcReceiver
from journeytrace_collector.receiver.http import http_receiver
from journeytrace_collector.receiver.otlp import Signal, signals
from journeytrace_collector.recording import Record, Recorder
from journeytrace_collector.report.maker import Reports
from journeytrace_collector.security import Access
from journeytrace_collector.settings import Address, Settings
from journeytrace_collector.store import Carried, Store
from journeytrace_collector.store.opening import load_rules, open_store, store_place

if TYPE_CHECKING:
    from journeytrace_collector.kafka.log import Log

__all__ = ["Collector", "run", "tune_python"]

_log = logging.getLogger(__name__)

_GRACE_SECONDS: Final = 4
"""For requests that are in flight when it is time to stop."""
_PAGES_SHARE: Final = 4
"""What pages may have on its way is such a part of what may wait for the store in all."""
_GARBAGE: Final = (50_000, 50, 100)
"""Objects that are made, and rounds, between two looks of each kind; Python's own: 700, 10, 10."""
_SWITCH_SECONDS: Final = 0.001
"""For which a thread may compute while others wait."""

_DEADLINE_SECONDS: Final = 9
"""For stopping in all: supervisors kill after 10 seconds (Docker) or 30 (Kubernetes), unasked."""
_LINGER_SECONDS: Final = 0.5
"""For threads that are left when all is closed, such as one that waits for a name server."""


class Collector:
    """All of a collector, as an async context manager: it listens inside the block.

    Entering raises `StartError` or `CatalogueError`; whatever had started is stopped again. `clock`
    tells the time of arrival and the time by which a status is derived.
    """

    def __init__(self, settings: Settings, clock: Clock = time.time_ns) -> None:
        self._settings = settings
        self._clock = clock
        self._undo = AsyncExitStack()
        self._listening: list[Callable[[], Awaitable[None]]] = []
        """What ends listening on each port, within the grace period."""
        self._ready = False
        self._limits = connection_limits()
        self._connections = Connections(self._limits.http)

    otlp_grpc: Address
    """Where it listens, once entered: the port that a configured port 0 became."""
    otlp_http: Address
    admin: Address
    public: Address | None = None
    """None: browsers send nothing."""
    desk: Address | None = None
    """None: there is no desk."""
    record: Record
    """Keeps what people do with sessions."""

    async def __aenter__(self) -> Self:
        try:
            await self._start()
        except BaseException:
            await self._undo.aclose()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._ready = False
        await self._undo.aclose()

    async def _start(self) -> None:
        settings = self._settings
        access = Access(settings)
        catalogue = (
            load_catalogue(settings.catalogue) if settings.catalogue else builtin_catalogue()
        )
        idle_timeout = round(settings.idle_timeout.total_seconds() * 1e9)
        rules = load_rules(settings.conformance, catalogue)
        store = open_store(settings, catalogue, rules)
        self._undo.callback(store.close)
        self.record = record = Recorder(self._clock, settings.verdict_rules)
        source = self._source(store)
        reports = Reports(settings, store, record, source, catalogue)

        health = self._health(access, source)
        exporters = load_exporters(settings, store, self._clock, health, record, source=source)
        for exporter in exporters.values():
            self._undo.push_async_callback(exporter.close)
        measure = Measure(catalogue, settings.named_projects, settings.max_projects, rules.names)
        unknown = UnknownNames(catalogue)
        try:
            store.keep_for(settings.fixed_retention, self._clock())
            measure.restore(store.counters())
            store.follow(effects(measure, exporters, health, unknown))
            # Counts nothing; but every series that is known beforehand exists from now on, at 0.
            store.write((), Carried(at=self._clock()))
        except StoreUnavailableError as error:
            place = store_place(settings)
            raise StartError(f"{place}: cannot be used as a store: {error}") from error

        ingest = Ingest(store, settings.max_queued_bytes, health)
        self._undo.push_async_callback(asyncio.to_thread, ingest.close)
        logged = any(exporter.wants_logged for exporter in exporters.values())
        decoder = Decoder(
            catalogue,
            Limits(settings.max_event_attributes, settings.max_event_bytes),
            carry=any(exporter.wants_traces for exporter in exporters.values()),
            carry_logged=logged,
        )
        record.open(ingest, decoder)
        log = self._log(store, ingest, health, source, catalogue)
        if log is not None:
            exporters |= log.read(signals(decoder))
            self._background(log.run())
        self._background(keep_doing("source clock", source.step, health))
        self._background(Delivery(exporters, store, ingest, health).run())
        for exporter in exporters.values():
            self._background(exporter.run())
        self._tend(store, ingest, health, source, catalogue)

        pages = {path: page for e in exporters.values() for path, page in e.pages().items()}
        admin = admin_app(
            store,
            ingest,
            self._clock,
            readers=access.readers,
            hosts=access.hosts,
            catalogue=catalogue,
            rules=rules,
            unknown=unknown,
            idle_timeout=idle_timeout,
            ready=lambda: self._ready and (log is None or log.works),
            pages=pages,
            reports=reports,
            source=source,
        )
        self._background(self._connections.end_the_slow())
        self._undo.push_async_callback(self._stop_listening)
        context = access.tls.context(ask_clients=False) if access.tls else None
        self.admin = await self._serve("admin", admin, settings.admin, context)
        intake, decoder = self._intake(ingest, decoder, log, catalogue)
        await self._receive(signals(decoder), intake, access)
        listener = Listener(
            settings.public,
            access.browser_keys,
            catalogue=catalogue,
            decoder=Decoder(catalogue, EVENT_LIMITS, carry_logged=logged or intake is not ingest),
            ingest=intake,
            store=store,
            clock=self._clock,
            max_bytes=settings.max_queued_bytes // _PAGES_SHARE,
        )
        invited = self._invited(listener, access, store, record, health)
        await self._open_public(listener, invited, health, context)
        acting = Acting(store, ingest, self._clock)
        await self._open_desk(
            DeskContext(
                settings,
                store,
                self._clock,
                catalogue,
                access.hosts,
                record,
                acting=acting,
                reports=reports,
                source=source,
                rules=rules,
            ),
            context,
        )
        self._ready = True

    async def _receive(self, known: tuple[Signal, ...], ingest: Intake, access: Access) -> None:
        settings = self._settings
        limit = settings.max_request_bytes
        receiver = http_receiver(known, ingest, self._clock, access, limit)
        context = access.tls.context(ask_clients=True) if access.tls else None
        self.otlp_http = await self._serve("otlp_http", receiver, settings.otlp_http, context)
        most = self._limits.grpc
        grpc = GrpcReceiver(known, ingest, self._clock, access, limit=limit, connections=most)
        self._listening.append(lambda: grpc.stop(_GRACE_SECONDS))
        port = await grpc.start(settings.otlp_grpc.host, settings.otlp_grpc.port)
        self.otlp_grpc = Address(settings.otlp_grpc.host, port)

    def _log(
        self,
        store: Store,
        ingest: Ingest,
        health: Health,
        source: SourceClock,
        catalogue: Catalogue,
    ) -> Log | None:
        """Open what has to do with Kafka; None: nothing has."""
        settings = self._settings
        if not settings.sources.kafka.brokers and not settings.forward_to_kafka.brokers:
            return None
        try:
            from journeytrace_collector.kafka.log import Log  # noqa: PLC0415 - an extra
        except ImportError as error:
            key = "sources.kafka" if settings.sources.kafka.brokers else "forward_to_kafka"
            message = "Kafka needs an extra: pip install 'journeytrace[kafka]'"
            raise StartError(f"{key}: {message}") from error
        log = Log(
            settings,
            store,
            ingest,
            health=health,
            clock=self._clock,
            source=source,
            catalogue=catalogue,
        )
        self._undo.push_async_callback(asyncio.to_thread, log.close)
        return log

    def _intake(
        self, ingest: Ingest, decoder: Decoder, log: Log | None, catalogue: Catalogue
    ) -> tuple[Intake, Decoder]:
        """Give what takes the requests of senders, and how they are read for it."""
        settings = self._settings
        if log is None or not settings.forward_to_kafka.brokers:
            return ingest, decoder
        limits = Limits(settings.max_event_attributes, settings.max_event_bytes)
        return log.forward(), Decoder(catalogue, limits, carry=True, carry_logged=True)

    def _source(self, store: Store) -> SourceClock:
        kafka = self._settings.sources.kafka
        topics = kafka.topics if kafka.brokers else ()
        try:
            store.retire(kafka.retired)
            source = SourceClock(self._clock, store, topics)
        except StoreUnavailableError as error:
            raise StartError(f"{store_place(self._settings)}: cannot be used: {error}") from error
        if others := source.others(topics):
            _log.warning(
                "sessions settle by what was read of %s, which this collector does not read; if"
                " nobody does any more, name it under sources.kafka.retired",
                ", ".join(others),
            )
        return source

    def _tend(
        self,
        store: Store,
        ingest: Ingest,
        health: Health,
        source: SourceClock,
        catalogue: Catalogue,
    ) -> None:
        """Let happen what time alone brings."""
        kept = round(self._settings.outbox_retention.total_seconds() * 1e9)
        self._background(Chores(store, ingest, self._clock, health, kept, source=source).run())
        self._background(Beacons(store, self._clock, health, catalogue.ordered_stages).run())

    def _health(self, access: Access, source: SourceClock) -> Health:
        """Begin to count how it is doing; what can be foreseen begins at 0."""
        settings, health = self._settings, Health()
        for reason in access.senders.refused:
            counted = partial(access.senders.refused.__getitem__, reason)
            health.watch(names.COLLECTOR_REQUESTS_REFUSED_TOTAL, counted, (reason,))
        public = (SENDER,) if settings.public.listen else ()
        for outcome in Outcome:
            health.add(names.COLLECTOR_PUBLIC_REQUESTS_TOTAL, (outcome.value,), 0)
        for sender in ("", *settings.senders, *public):
            health.add(names.COLLECTOR_RECORDS_FORBIDDEN_TOTAL, (sender,), 0)
        if source.bound:
            health.watch(names.COLLECTOR_KAFKA_LAG_SECONDS, lambda: source.behind)
        return health

    def _invited(
        self, listener: Listener, access: Access, store: Store, record: Record, health: Health
    ) -> InvitedPages | None:
        settings = self._settings.invitations
        if not settings.journeys or not access.browser_keys:
            return None
        return InvitedPages(
            settings,
            access.browser_keys[0],
            store=store,
            record=record,
            clock=self._clock,
            check_address=listener.check_address,
            health=health,
        )

    async def _open_public(
        self,
        listener: Listener,
        invited: InvitedPages | None,
        health: Health,
        tls: SSLContext | None,
    ) -> None:
        settings = self._settings.public
        if settings.listen is not None:
            app = public_app(settings, listener, health, load_script(), invited)
            self.public = await self._serve("public", app, settings.listen, tls)

    async def _open_desk(self, desk: DeskContext, tls: SSLContext | None) -> None:
        app = load_desk(desk)
        if app is None or desk.settings.desk is None:
            return
        try:
            self.desk = await self._serve("desk", app, desk.settings.desk, tls)
        except StartError as error:
            # Two collectors on one machine went well before there was a desk.
            if asked_for(desk.settings):
                raise
            _log.warning("there is no desk: %s; --desk says where else, or off", error)

    def _background(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)

        async def cancel() -> None:
            task.cancel()
            # Its own failure has been logged; what matters here is that it has ended.
            await asyncio.wait([task])

        task.add_done_callback(_log_failure)
        self._undo.push_async_callback(cancel)

    async def _stop_listening(self) -> None:
        # All at once, so that the grace period is one and not three.
        await asyncio.gather(*(stop() for stop in self._listening))

    async def _serve(
        self, name: str, app: web.Application, address: Address, tls: SSLContext | None
    ) -> Address:
        app.middlewares.insert(0, self._connections.middleware)
        runner = web.AppRunner(
            app,
            access_log=None,
            auto_decompress=False,
            logger=HTTP_LOG,
            shutdown_timeout=_GRACE_SECONDS,
        )
        await runner.setup()
        try:
            sockets = await bind(address.host, address.port)
        except OSError as error:
            await runner.cleanup()
            raise StartError(f"{name}: cannot listen on {address}: {error.strerror}") from error
        accepting = self._connections.listen(runner.server, sockets, tls)

        async def stop() -> None:
            for task in accepting:
                task.cancel()
            await asyncio.wait(accepting)
            for one in sockets:
                one.close()
            await runner.cleanup()

        self._listening.append(stop)
        return Address(address.host, sockets[0].getsockname()[1])


def _log_failure(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and task.exception() is not None:
        _log.critical("a part of the collector has ended", exc_info=task.exception())


async def run(settings: Settings) -> None:
    """Run a collector until SIGTERM or SIGINT, then answer what is in flight and stop.

    It owns the process: past a deadline, or at a second signal, that ends at once. Nothing is lost
    by it, for whatever was acknowledged is on disk.
    """
    stop = asyncio.Event()
    _catch_signals(stop)
    async with Collector(settings) as collector:
        tune_python()
        _log.info(
            "collecting: OTLP/gRPC on %s, OTLP/HTTP on %s, admin on %s, store in %s",
            collector.otlp_grpc,
            collector.otlp_http,
            collector.admin,
            store_place(settings),
        )
        if collector.public is not None:
            _log.info("browsers send to %s", collector.public)
        if collector.desk is not None:
            scheme = "https" if settings.tls_cert else "http"
            _log.info("the desk is on %s://%s", scheme, collector.desk)
        await stop.wait()
        _log.info("stopping; a second signal ends it at once")
        _exit_after(_DEADLINE_SECONDS, 1, "it did not stop in time and is ended")
    _exit_after(_LINGER_SECONDS, 0)


def tune_python() -> None:
    """Let Python do less on the side; only for who owns the process.

    What the collector makes goes when nobody holds it any more: to look for objects that hold each
    other, among all there are, took a fifth of the time of an event with 10,000 open sessions. And
    the writer computes without a pause: whoever else wants to run, to take a request or to answer
    one, had to wait for 5 ms each time.
    """
    gc.freeze()
    gc.set_threshold(*_GARBAGE)
    sys.setswitchinterval(_SWITCH_SECONDS)


def _catch_signals(stop: asyncio.Event) -> None:
    loop = asyncio.get_running_loop()
    numbers = (signal.SIGTERM, signal.SIGINT)

    def begin() -> None:
        stop.set()
        for number in numbers:
            loop.remove_signal_handler(number)
            # The kernel's own way to end a process, which waits for nothing in this one.
            signal.signal(number, signal.SIG_DFL)

    for number in numbers:
        loop.add_signal_handler(number, begin)


def _exit_after(seconds: float, code: int, message: str = "") -> None:
    """End the process then, unless it has ended by itself."""

    def end() -> None:
        if message:
            _log.error(message)
        os._exit(code)

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()
