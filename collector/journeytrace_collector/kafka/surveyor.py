"""Looks at the log once a second: which partitions there are, where they end, how far we are."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import Future
from typing import Any, Final

import confluent_kafka as client
from confluent_kafka.admin import (  # type: ignore[attr-defined] # a part of it is untyped
    AdminClient,
    OffsetSpec,
)

from journeytrace_collector.clock import Clock
from journeytrace_collector.errors import UnavailableError
from journeytrace_collector.ingest import Ingest
from journeytrace_collector.kafka.clock import SourceClock
from journeytrace_collector.kafka.consumer import Consumer
from journeytrace_collector.kafka.watermark import Partition, surveyed
from journeytrace_collector.store.base import Store

__all__ = ["GONE_SECONDS", "Surveyor"]

_log = logging.getLogger(__name__)

_SECONDS: Final = 1.0
_ANSWER_SECONDS: Final = 5.0
GONE_SECONDS: Final = 600.0
"""For which a topic that was there has to be missing, until what lay in it is waited for no more:
brokers that have just started may not know all topics yet."""


class Surveyor:
    """Keeps the watermarks of a consumer's partitions, and of its topics, in the store."""

    def __init__(
        self,
        config: Mapping[str, Any],
        topics: Collection[str],
        consumer: Consumer,
        *,
        store: Store,
        ingest: Ingest,
        clock: Clock,
        source: SourceClock,
    ) -> None:
        """Look at `topics`; `config` is the client's. `source` learns at once what was found."""
        self._admin = AdminClient(dict(config))
        self._topics = topics
        self._consumer = consumer
        self._store = store
        self._ingest = ingest
        self._clock = clock
        self._source = source
        self._missing: dict[str, float] = {}

    async def step(self) -> float:
        """Look once, and give the seconds until the next time: see `background.keep_doing`.

        Raises:
            UnavailableError: the brokers or the store cannot be reached.
        """
        found, ends, at = await asyncio.to_thread(self._look)
        known = await asyncio.to_thread(self._store.watermarks)
        notes = surveyed(known, found, at) | self._consumer.look(ends, at)
        gone = self._gone(found, known)
        await asyncio.wrap_future(self._ingest.run(lambda: self._note(notes, gone)))
        await asyncio.to_thread(self._source.look)
        return _SECONDS

    def _note(self, notes: Mapping[Partition, int], gone: Sequence[str]) -> None:
        if gone:
            self._store.retire(gone)
        self._store.advance(notes)

    def _look(self) -> tuple[dict[str, int | None], dict[Partition, int], int]:
        """Give the number of partitions of each topic, where those that are read end, and when."""
        partitions = self._consumer.partitions()
        # Before anything is asked: what comes while the brokers answer is later.
        at = self._clock()
        try:
            return self._counts(), self._ends(partitions), at
        except client.KafkaException as error:
            raise UnavailableError(
                f"Kafka cannot be asked where its topics end: {error}"
            ) from error

    def _counts(self) -> dict[str, int | None]:
        # Not by a look at the topic's metadata: that can make a topic that is not there.
        asked = client.TopicCollection(list(self._topics))
        answers = self._admin.describe_topics(asked, request_timeout=_ANSWER_SECONDS)
        return {topic: _count(future) for topic, future in answers.items()}

    def _ends(self, partitions: Sequence[Partition]) -> dict[Partition, int]:
        if not partitions:
            return {}
        latest = OffsetSpec.latest()  # type: ignore[no-untyped-call]
        asked = {client.TopicPartition(*one): latest for one in partitions}
        answers = self._admin.list_offsets(asked, request_timeout=_ANSWER_SECONDS)
        ends = {}
        for one, future in answers.items():
            try:
                ends[str(one.topic), int(one.partition)] = future.result(_ANSWER_SECONDS).offset
            except client.KafkaException as error:
                # One partition has no leader: it holds its watermark, and others go on.
                _log.debug("%s: its end is not known: %s", one, error)
        return ends

    def _gone(self, found: Mapping[str, int | None], known: Mapping[Partition, int]) -> list[str]:
        now = time.monotonic()
        held = {topic for topic, number in known if number >= 0}
        missing = {topic for topic, count in found.items() if count is None} & held
        self._missing = {topic: self._missing.get(topic, now) for topic in missing}
        gone = [topic for topic, since in self._missing.items() if now - since > GONE_SECONDS]
        for topic in gone:
            _log.warning("the topic %s is gone: what lay unread in it is waited for no more", topic)
        return gone


def _count(described: Future[Any]) -> int | None:
    """Give the number of partitions of a topic; None: there is no such topic."""
    try:
        return len(described.result(_ANSWER_SECONDS).partitions)
    except client.KafkaException as error:
        if error.args[0].code() == client.KafkaError.UNKNOWN_TOPIC_OR_PART:
            return None
        raise
