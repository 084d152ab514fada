"""All that a collector has to do with Kafka: what it reads, and what it writes."""

from __future__ import annotations

import socket

from journeytrace import conventions as names
from journeytrace.catalogue import Catalogue
from journeytrace_collector.background import keep_doing
from journeytrace_collector.clock import Clock
from journeytrace_collector.core.rights import Rights
from journeytrace_collector.health import Health
from journeytrace_collector.ingest import Ingest
from journeytrace_collector.kafka.clock import SourceClock
from journeytrace_collector.kafka.connection import connection
from journeytrace_collector.kafka.consumer import Consumer
from journeytrace_collector.kafka.forward import Forward
from journeytrace_collector.kafka.surveyor import Surveyor
from journeytrace_collector.kafka.undecoded import DESTINATION, Undecoded
from journeytrace_collector.outbox.exporter import Exporter
from journeytrace_collector.receiver.otlp import Signal
from journeytrace_collector.settings import Settings
from journeytrace_collector.store.base import Store

__all__ = ["Log"]

SENDER = "kafka"
"""As whom what comes by the log is counted, where senders have names."""

_SHARE = 4
"""What is read from the log may have such a part of what may wait for the store in all."""


class Log:
    """Opens the consumer and the producer that the settings ask for, and closes them."""

    def __init__(
        self,
        settings: Settings,
        store: Store,
        ingest: Ingest,
        *,
        health: Health,
        clock: Clock,
        source: SourceClock,
        catalogue: Catalogue,
    ) -> None:
        """Read the files that the settings name.

        Raises:
            ConfigError: one cannot be read.
        """
        self._settings = settings
        self._store = store
        self._ingest = ingest
        self._health = health
        self._clock = clock
        self._source = source
        self._catalogue = catalogue
        self._consumer: Consumer | None = None
        self._forward: Forward | None = None
        self._reading = connection("sources.kafka", settings.sources.kafka)
        self._writing = connection("forward_to_kafka", settings.forward_to_kafka)

    @property
    def works(self) -> bool:
        """Whether it reads what it is to read."""
        return self._consumer is None or self._consumer.works

    def read(self, known: tuple[Signal, ...]) -> dict[str, Exporter]:
        """Begin to read, if there is something to be read; give what sees to undecoded messages.

        `known` are traces and logs, in this order.
        """
        settings = self._settings.sources.kafka
        if not settings.brokers:
            return {}
        traces, logs = (signal.protobuf for signal in known)
        topics = dict.fromkeys(settings.traces, traces) | dict.fromkeys(settings.logs, logs)
        projects = None if settings.projects is None else frozenset(settings.projects)
        bound = Rights(SENDER, frozenset(settings.sources), projects)
        self._health.add(names.COLLECTOR_RECORDS_FORBIDDEN_TOTAL, (SENDER,), 0)
        instance = settings.instance or self._settings.collector_id or socket.gethostname()
        config = self._reading | {
            "group.id": settings.group,
            "group.instance.id": instance,
            "client.id": instance,
            "session.timeout.ms": round(settings.session_timeout.total_seconds() * 1000),
            "heartbeat.interval.ms": round(settings.session_timeout.total_seconds() * 1000 / 15),
        }
        self._consumer = Consumer(
            config,
            topics,
            bound,
            store=self._store,
            ingest=self._ingest,
            clock=self._clock,
            health=self._health,
            max_bytes=self._settings.max_queued_bytes // _SHARE,
        )
        return {DESTINATION: Undecoded(topics, bound, self._ingest, self._clock)}

    def forward(self) -> Forward:
        """Begin to take requests that are written to the log."""
        settings = self._settings.forward_to_kafka
        self._forward = Forward(
            self._writing,
            settings.topic,
            catalogue=self._catalogue,
            store=self._store,
            ingest=self._ingest,
            health=self._health,
            max_bytes=self._settings.max_queued_bytes,
            max_message_bytes=settings.max_message_bytes,
        )
        return self._forward

    async def run(self) -> None:
        """Keep the watermarks of what is read, until cancelled. It can return at once."""
        if self._consumer is None:
            return
        surveyor = Surveyor(
            self._reading,
            self._settings.sources.kafka.topics,
            self._consumer,
            store=self._store,
            ingest=self._ingest,
            clock=self._clock,
            source=self._source,
        )
        await keep_doing("look at Kafka", surveyor.step, self._health)

    def close(self) -> None:
        """Write and keep what is on its way, and stop."""
        if self._forward is not None:
            self._forward.close()
        if self._consumer is not None:
            self._consumer.close()
