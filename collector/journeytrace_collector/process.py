"""The collector process: puts the parts together, starts and stops them in order."""

from __future__ import annotations

import asyncio
import logging
import signal
import time
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Any, Final, Self

from aiohttp import web

from journeytrace.catalogue import builtin_catalogue, load_catalogue
from journeytrace_collector.admin import admin_app
from journeytrace_collector.chores import Chores
from journeytrace_collector.clock import Clock
from journeytrace_collector.config import Address, Settings
from journeytrace_collector.decode import Decoder, Limits
from journeytrace_collector.delivery import Delivery, effects
from journeytrace_collector.errors import StartError
from journeytrace_collector.exporter import load_exporters
from journeytrace_collector.health import Health
from journeytrace_collector.ingest import Ingest
from journeytrace_collector.measure import Measure
from journeytrace_collector.receiver.grpc import GrpcReceiver
from journeytrace_collector.receiver.http import http_receiver
from journeytrace_collector.receiver.otlp import Signal, signals
from journeytrace_collector.store import Carried, SessionLimits, SqliteStore

__all__ = ["Collector", "run"]

_log = logging.getLogger(__name__)

_GRACE_SECONDS: Final = 5


class Collector:
    """All of a collector, as an async context manager: it listens inside the block.

    Entering raises `StartError` or `CatalogueError`; whatever had started is stopped again. `clock`
    tells the time of arrival and the time by which a status is derived.
    """

    def __init__(self, settings: Settings, clock: Clock = time.time_ns) -> None:
        self._settings = settings
        self._clock = clock
        self._undo = AsyncExitStack()
        self._ready = False

    otlp_grpc: Address
    """Where it listens, once entered: the port that a configured port 0 became."""
    otlp_http: Address
    admin: Address

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
        catalogue = (
            load_catalogue(settings.catalogue) if settings.catalogue else builtin_catalogue()
        )
        idle_timeout = round(settings.idle_timeout.total_seconds() * 1e9)
        session_limits = SessionLimits(settings.max_session_events, settings.max_session_bytes)
        store = SqliteStore(settings.data, catalogue, idle_timeout, session_limits)
        self._undo.callback(store.close)

        health = Health()
        exporters = load_exporters(settings, store, self._clock, health)
        for exporter in exporters.values():
            self._undo.push_async_callback(exporter.close)
        measure = Measure(catalogue, settings.projects)
        measure.restore(store.counters())
        store.follow(effects(measure, exporters, health))
        # Counts nothing; but every series that is known beforehand exists from now on, at 0.
        store.write((), Carried(at=self._clock()))

        ingest = Ingest(store, settings.max_queued_bytes, health)
        self._undo.push_async_callback(asyncio.to_thread, ingest.close)
        self._background(Delivery(exporters, store, ingest, health).run())
        self._background(Chores(store, ingest, self._clock).run())

        pages = {path: page for e in exporters.values() for path, page in e.pages().items()}
        admin = admin_app(store, self._clock, idle_timeout, lambda: self._ready, pages)
        self.admin = await self._serve("admin", admin, settings.admin)
        decoder = Decoder(
            catalogue,
            Limits(settings.max_event_attributes, settings.max_event_bytes),
            {name: project.retention_days for name, project in settings.projects.items()},
            carry=any(exporter.wants_traces for exporter in exporters.values()),
        )
        await self._receive(signals(decoder), ingest)
        self._ready = True

    async def _receive(self, known: tuple[Signal, ...], ingest: Ingest) -> None:
        settings = self._settings
        limit = settings.max_request_bytes
        receiver = http_receiver(known, ingest, self._clock, limit)
        self.otlp_http = await self._serve("otlp_http", receiver, settings.otlp_http)
        grpc = GrpcReceiver(known, ingest, self._clock, limit)
        self._undo.push_async_callback(grpc.stop, _GRACE_SECONDS)
        port = await grpc.start(settings.otlp_grpc.host, settings.otlp_grpc.port)
        self.otlp_grpc = Address(settings.otlp_grpc.host, port)

    def _background(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)

        async def cancel() -> None:
            task.cancel()
            # Its own failure has been logged; what matters here is that it has ended.
            await asyncio.wait([task])

        task.add_done_callback(_log_failure)
        self._undo.push_async_callback(cancel)

    async def _serve(self, name: str, app: web.Application, address: Address) -> Address:
        runner = web.AppRunner(
            app, access_log=None, auto_decompress=False, shutdown_timeout=_GRACE_SECONDS
        )
        await runner.setup()
        self._undo.push_async_callback(runner.cleanup)
        try:
            await web.TCPSite(runner, address.host, address.port).start()
        except OSError as error:
            raise StartError(f"{name}: cannot listen on {address}: {error.strerror}") from error
        return Address(address.host, runner.addresses[0][1])


def _log_failure(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and task.exception() is not None:
        _log.critical("a part of the collector has ended", exc_info=task.exception())


async def run(settings: Settings) -> None:
    """Run a collector until SIGTERM or SIGINT, then answer what is in flight and stop."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with Collector(settings) as collector:
        _log.info(
            "collecting: OTLP/gRPC on %s, OTLP/HTTP on %s, admin on %s, store in %s",
            collector.otlp_grpc,
            collector.otlp_http,
            collector.admin,
            settings.data,
        )
        await stop.wait()
        _log.info("stopping")
