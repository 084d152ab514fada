"""The page that Prometheus scrapes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from importlib.metadata import version
from typing import Final

from aiohttp import web
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.registry import Collector
from pydantic import Field

from journeytrace.conventions import COLLECTOR_BUILD_INFO
from journeytrace_collector.core.change import Tally
from journeytrace_collector.outbox.exporter import Context, Exporter, Page
from journeytrace_exporters._settings import Section, read_section
from journeytrace_exporters.prometheus import gauges
from journeytrace_exporters.prometheus.families import families

__all__ = ["PrometheusExporter", "create"]

_OPEN_METRICS: Final = "application/openmetrics-text"
_PROTOBUF: Final = "application/vnd.google.protobuf"
_COMPRESS_ELSEWHERE: Final = 32 * 1024
"""Bytes from which a page is compressed outside the event loop."""


class PrometheusSection(Section):
    """Settings under ``exporters.prometheus``."""

    enabled: bool = Field(default=True, description="Whether to serve /metrics.")


def create(context: Context) -> Exporter | None:
    """Make the exporter. It is on unless switched off, for it sends nothing anywhere.

    Raises:
        ConfigError: a key or value under ``exporters.prometheus`` is not allowed.
    """
    section = read_section("prometheus", PrometheusSection, context.section)
    return PrometheusExporter(context) if section.enabled else None


class PrometheusExporter(Exporter):
    """Shows what the store has counted, and how the collector is doing."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._under_way: dict[tuple[str, bool], asyncio.Task[bytes]] = {}
        """By content type, and whether it tells when counters came to be: what is being rendered,
        for all who ask for it meanwhile."""
        self._turn = asyncio.Lock()

    def pages(self) -> Mapping[str, Page]:
        """See `Exporter.pages`."""
        return {"/metrics": self._metrics}

    async def _metrics(self, request: web.Request) -> web.Response:
        accepted = request.headers.get("Accept", "")
        encode, content_type = choose_encoder(accepted)
        # A Prometheus that takes created timestamps asks for protobuf first, and takes them from
        # OpenMetrics, too. To any other each would be one more series.
        created = content_type.startswith(_OPEN_METRICS) and _PROTOBUF in accepted
        wanted = (content_type, created)
        rendering = self._under_way.get(wanted)
        if rendering is None:
            rendering = asyncio.create_task(self._render(encode, created))
            rendering.add_done_callback(lambda _: self._under_way.pop(wanted))
            self._under_way[wanted] = rendering
        # One who hangs up leaves it to the others.
        body = await asyncio.shield(rendering)
        response = web.Response(
            body=body,
            headers={"Content-Type": content_type},
            zlib_executor_size=_COMPRESS_ELSEWHERE,
        )
        response.enable_compression()
        return response

    async def _render(self, encode: Callable[[Collector], bytes], created: bool) -> bytes:
        """Render one page, and never two at once: each holds all series in memory."""
        async with self._turn:
            return await asyncio.to_thread(encode, _Reading(self._context, created))


class _Reading(Collector):
    """Reads everything anew at each scrape."""

    def __init__(self, context: Context, created: bool) -> None:
        self._context = context
        self._created = created
        self._build = Tally()
        self._build.add(COLLECTOR_BUILD_INFO.name, (version("journeytrace"),))

    def collect(self) -> Iterator[Family]:
        store, health = self._context.store, self._context.health.tally()
        now = self._context.clock()
        counters = store.counters()
        source = self._context.source or self._context.clock
        opened = gauges.open_sessions(store.open_sessions(source()), counters)
        outbox = gauges.outbox(store.outbox(), health, now)
        versions = gauges.versions(store.versions())
        return families(
            counters, health, opened, outbox, versions, self._build, created=self._created
        )
