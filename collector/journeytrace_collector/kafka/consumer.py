"""Out of the log into the store: the thread that reads, and what it keeps of each partition.

A message is a request like any other: it waits in the writer's queue, and several share a
transaction. Its offset is handed to the brokers when that transaction is on disk, never before. So
a collector that dies leaves its messages to be read again; they are the same events by their ids.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass
from typing import Any, Final

import confluent_kafka as client

from journeytrace import conventions as names
from journeytrace_collector.background import Once, backoff
from journeytrace_collector.clock import Clock
from journeytrace_collector.core.record import MAX_AGE
from journeytrace_collector.core.rights import Rights
from journeytrace_collector.errors import RequestError, UnavailableError
from journeytrace_collector.health import Health
from journeytrace_collector.ingest import Ingest
from journeytrace_collector.kafka.messages import RIGHTS, rights_of
from journeytrace_collector.kafka.undecoded import DESTINATION, parcel_of
from journeytrace_collector.kafka.watermark import Partition, Progress
from journeytrace_collector.receiver.otlp import Read
from journeytrace_collector.store.base import Store

__all__ = ["MOST_PARKED", "Consumer"]

_log = logging.getLogger(__name__)

MOST_PARKED: Final = 10_000
"""Messages that are parked at a time: who writes something else into a topic fills no disk."""

_END: Final = client.KafkaError._PARTITION_EOF  # noqa: SLF001 - its name in the client
_FATAL: Final = client.KafkaError._FATAL  # noqa: SLF001 - likewise
_AT_ONCE: Final = 1_000
_MOST_WAITING: Final = 5_000
_POLL_SECONDS: Final = 0.05
_RETRY_SECONDS: Final = 0.5
_PATIENCE_SECONDS: Final = 2.0
"""With more waiting than may, until the partitions are paused, so that asking goes on."""
_HAND_OVER_SECONDS: Final = 5.0
"""For what is on its way to the store when partitions are given up."""
_NS_PER_MS: Final = 1_000_000


@dataclass(slots=True)
class _Unread:
    """A message on its way, or the end of a partition as it was seen behind one."""

    offset: int
    """The one behind it."""
    value: bytes = b""
    headers: Sequence[tuple[str, bytes]] = ()
    received: int = 0
    appended: int | None = None
    """See `Progress.store`."""
    future: Future[Any] | None = None
    parked: str = ""
    """What became of it, if it was not stored: *parked* or *dropped*."""
    again_at: float = 0.0


class _Line:
    """What is on its way of one partition, in its order."""

    def __init__(self, partition: Partition) -> None:
        self.partition = partition
        self.progress = Progress()
        self.unread: deque[_Unread] = deque()
        self.expected = -1
        """The offset that was committed last; below zero: not known, or checked already."""


class Consumer:
    """Reads topics and keeps what they hold, in a thread of its own, until closed."""

    def __init__(
        self,
        config: Mapping[str, Any],
        topics: Mapping[str, Read],
        bound: Rights,
        *,
        store: Store,
        ingest: Ingest,
        clock: Clock,
        health: Health,
        max_bytes: int,
    ) -> None:
        """Read each topic as told, with the rights of `bound` at most.

        `config` is the client's; of `max_bytes` may wait for the store.
        """
        self._config = {
            **config,
            "auto.offset.reset": "earliest",
            "enable.auto.commit": True,
            "auto.commit.interval.ms": 1_000,
            # What is committed by itself is what was handed over: see `_reap`.
            "enable.auto.offset.store": False,
            "enable.partition.eof": True,
            "isolation.level": "read_committed",
            "partition.assignment.strategy": "cooperative-sticky",
            "queued.max.messages.kbytes": 16 * 1024,
            "queued.min.messages": 10_000,
            # Partitions that are added are found so soon.
            "topic.metadata.refresh.interval.ms": 30_000,
            "error_cb": self._trouble,
        }
        self._topics = topics
        self._bound = bound
        self._store = store
        self._ingest = ingest
        self._clock = clock
        self._health = health
        self._max_bytes = max_bytes
        self._lines: dict[Partition, _Line] = {}
        self._guard = threading.Lock()
        """Of the progress of lines, which is read elsewhere."""
        self._waiting_bytes = self._waiting = 0
        self._said = Once()
        self._stopping = threading.Event()
        self.works = True
        """Whether it reads, or tries to; False: another one has its place in the group."""
        for outcome in ("stored", "parked", "dropped", "lost"):
            health.add(names.COLLECTOR_KAFKA_MESSAGES_TOTAL, (outcome,), 0)
        health.add(names.COLLECTOR_KAFKA_REBALANCES_TOTAL, (), 0)
        health.watch(names.COLLECTOR_KAFKA_PARTITIONS, lambda: len(self._lines))
        health.watch(names.COLLECTOR_KAFKA_LAG_MESSAGES, self._lag)
        self._thread = threading.Thread(target=self._run, name="journeytrace-kafka", daemon=True)
        self._thread.start()

    def look(self, ends: Mapping[Partition, int], at: int) -> dict[Partition, int]:
        """Note where partitions ended at `at` (ns); give the watermarks of those that it reads."""
        with self._guard:
            for partition, line in self._lines.items():
                if partition in ends:
                    line.progress.look(ends[partition], at)
            marks = {line.partition: line.progress.at for line in self._lines.values()}
        return {partition: min(mark, at) for partition, mark in marks.items() if mark}

    def partitions(self) -> list[Partition]:
        """Give those that it reads."""
        with self._guard:
            return list(self._lines)

    def close(self) -> None:
        """Wait for what is on its way, commit it, and stop."""
        self._stopping.set()
        self._thread.join()

    def _lag(self) -> int:
        with self._guard:
            return sum(line.progress.lag for line in self._lines.values())

    def _run(self) -> None:
        failures = 0
        while not self._stopping.is_set():
            try:
                self._read()
            except Exception as error:
                if _is_fenced(error):
                    _log.critical(
                        "another collector has taken this one's place in the consumer group, so"
                        " this one reads no more: give each its own sources.kafka.instance"
                    )
                    self.works = False
                    return
                failures += 1
                if self._said.first(str(error)):
                    _log.exception("reading from Kafka failed and is begun anew")
                self._stopping.wait(backoff(failures, 1.0))

    def _read(self) -> None:
        reader = client.Consumer(self._config)
        try:
            reader.subscribe(
                list(self._topics),
                on_assign=self._assigned,
                on_revoke=self._revoked,
                on_lost=self._lost,
            )
            paused: list[client.TopicPartition] = []
            full_since = 0.0
            while not self._stopping.is_set():
                if not self._full():
                    full_since = 0.0
                    if paused:
                        reader.resume(paused)
                        paused = []
                elif not paused:
                    full_since = full_since or time.monotonic()
                    self._wait()
                    if time.monotonic() - full_since < _PATIENCE_SECONDS:
                        self._reap(reader)
                        continue
                    paused = reader.assignment()
                    reader.pause(paused)
                for message in reader.consume(_AT_ONCE, _POLL_SECONDS):
                    self._take(reader, message)
                self._reap(reader)
        finally:
            self._hand_over(reader, list(self._lines))
            self._forget(list(self._lines))
            reader.close()

    def _full(self) -> bool:
        return self._waiting > _MOST_WAITING or self._waiting_bytes > self._max_bytes

    def _wait(self) -> None:
        """Wait a moment for the first of what is on its way."""
        first = [one.future for line in self._lines.values() for one in [*line.unread][:1]]
        if futures := [future for future in first if future is not None]:
            wait(futures, _POLL_SECONDS, FIRST_COMPLETED)
        else:
            time.sleep(_POLL_SECONDS)

    def _take(self, reader: client.Consumer, message: client.Message) -> None:
        partition = str(message.topic()), int(message.partition() or 0)
        error = message.error()
        line = self._lines.get(partition)
        if error is not None and error.code() != _END:
            self._trouble(error)
        elif line is not None:
            offset = int(message.offset() or 0)
            self._check_gap(reader, line, offset)
            unread = self._end(offset) if error is not None else self._unread(message, offset)
            line.unread.append(unread)
            self._waiting += 1
            self._waiting_bytes += len(unread.value)
            self._submit(line, unread)

    def _end(self, offset: int) -> _Unread:
        """Stand for the end of a partition: it may lie behind what only brokers read."""
        return _Unread(offset)

    def _unread(self, message: client.Message, offset: int) -> _Unread:
        now = self._clock()
        kind, ms = message.timestamp()
        appended = ms * _NS_PER_MS if kind == client.TIMESTAMP_LOG_APPEND_TIME else None
        if appended is None and self._said.first(f"time of {message.topic()}"):
            _log.warning(
                "the topic %s keeps the times that senders say (CreateTime): they are taken for"
                " the arrival, and while there is a backlog no session settles; set its"
                " message.timestamp.type to LogAppendTime",
                message.topic(),
            )
        value, headers = message.value() or b"", message.headers() or []
        # Whoever's clock is off: nothing arrives later than now, nor before anything is believed.
        received = min(ms * _NS_PER_MS, now)
        if received < now - MAX_AGE:
            received = now
        return _Unread(offset + 1, value, list(headers), received, appended)  # type: ignore[arg-type]

    def _submit(self, line: _Line, unread: _Unread) -> None:
        if not unread.received:
            return
        try:
            rights = rights_of(unread.headers, self._bound)
            read, received = self._topics[line.partition[0]], unread.received
            unread.future = self._ingest.submit(
                lambda body, _: read(body, received, rights), unread.value, self._clock()
            )
        except UnavailableError:
            unread.again_at = time.monotonic() + _RETRY_SECONDS
        except ValueError as error:
            self._park(line, unread, error)

    def _reap(self, reader: client.Consumer) -> None:
        """Hand over the offsets of what is on disk, and see to what could not be stored."""
        done = []
        for line in self._lines.values():
            appended, offset = None, -1
            while line.unread and self._is_done(line, line.unread[0]):
                unread = line.unread.popleft()
                self._waiting -= 1
                self._waiting_bytes -= len(unread.value)
                offset, appended = unread.offset, unread.appended or appended
                if unread.received:
                    outcome = unread.parked or "stored"
                    self._health.add(names.COLLECTOR_KAFKA_MESSAGES_TOTAL, (outcome,))
            if offset >= 0:
                with self._guard:
                    line.progress.store(offset, appended)
                done.append(client.TopicPartition(*line.partition, offset))
        if done:
            try:
                reader.store_offsets(offsets=done)
            except client.KafkaException as error:
                # Somebody else has them by now, and will read a few of the same.
                _log.debug("offsets are not handed over: %s", error)

    def _is_done(self, line: _Line, unread: _Unread) -> bool:
        """Whether nothing is left to be done with a message; tries again what has to be."""
        if not unread.received:
            return True
        future = unread.future
        if future is None:
            if time.monotonic() >= unread.again_at:
                self._submit(line, unread)
            return False
        if not future.done():
            return False
        error = future.exception()
        if error is None:
            return True
        unread.future = None
        if isinstance(error, UnavailableError):
            # Parking is tried again, too.
            unread.parked = ""
            unread.again_at = time.monotonic() + _RETRY_SECONDS
        else:
            self._park(line, unread, error)
        return False

    def _park(self, line: _Line, unread: _Unread, error: BaseException) -> None:
        """Put a message aside that cannot be read, now or later; others go on."""
        topic, number = line.partition
        where = f"{topic}[{number}] at {unread.offset - 1}"
        if not isinstance(error, RequestError | ValueError):
            _log.error("the message %s could not be stored", where, exc_info=error)
        sent = next((value for name, value in unread.headers if name == RIGHTS), None)
        parcel = parcel_of(line.partition, unread.offset - 1, unread.received, unread.value, sent)

        def park() -> None:
            held = self._store.outbox().get(DESTINATION)
            if held is not None and held.waiting + held.parked >= MOST_PARKED:
                unread.parked = "dropped"
                if self._said.first("dropped"):
                    _log.error(
                        "%d messages are parked, and more are dropped: `journeytrace outbox` lists"
                        " them; is something else written to the topic %s?",
                        MOST_PARKED,
                        topic,
                    )
                return
            unread.parked = "parked"
            self._store.put([parcel], self._clock())

        try:
            unread.future = self._ingest.run(park)
        except UnavailableError:
            unread.again_at = time.monotonic() + _RETRY_SECONDS

    def _check_gap(self, reader: client.Consumer, line: _Line, offset: int) -> None:
        """Tell whether the brokers have deleted what this group had not read."""
        expected, line.expected = line.expected, -1
        if 0 <= expected < offset:
            first, _ = reader.get_watermark_offsets(
                client.TopicPartition(*line.partition), timeout=_HAND_OVER_SECONDS
            )
            # Below the first there is nothing any more; above it are marks of transactions.
            if (lost := first - expected) > 0:
                self._health.add(names.COLLECTOR_KAFKA_MESSAGES_TOTAL, ("lost",), lost)
                _log.error(
                    "%s[%d]: the brokers have deleted %d messages that nobody had read: the topic"
                    " keeps them for less time than the collectors were behind",
                    *line.partition,
                    lost,
                )

    def _assigned(self, reader: client.Consumer, given: list[client.TopicPartition]) -> None:
        self._health.add(names.COLLECTOR_KAFKA_REBALANCES_TOTAL)
        committed: Sequence[client.TopicPartition] = ()
        try:
            committed = reader.committed(given, timeout=_HAND_OVER_SECONDS) if given else ()
        except client.KafkaException as error:
            _log.warning("what was read so far is not known: %s", error)
        with self._guard:
            for one in given:
                partition = str(one.topic), int(one.partition)
                self._lines[partition] = _Line(partition)
            for one in committed:
                self._lines[str(one.topic), int(one.partition)].expected = one.offset
        _log.info("reads %s", _spelt(self.partitions()))

    def _revoked(self, reader: client.Consumer, taken: list[client.TopicPartition]) -> None:
        self._health.add(names.COLLECTOR_KAFKA_REBALANCES_TOTAL)
        gone = [(str(one.topic), int(one.partition)) for one in taken]
        self._hand_over(reader, gone)
        self._forget(gone)

    def _lost(self, _: client.Consumer, taken: list[client.TopicPartition]) -> None:
        _log.warning("other collectors have taken over: this one was not heard of for too long")
        self._health.add(names.COLLECTOR_KAFKA_REBALANCES_TOTAL)
        self._forget([(str(one.topic), int(one.partition)) for one in taken])

    def _hand_over(self, reader: client.Consumer, gone: Sequence[Partition]) -> None:
        """Wait for what is on its way, so that whoever is next reads as little as can be again."""
        end = time.monotonic() + _HAND_OVER_SECONDS
        lines = [self._lines[one] for one in gone if one in self._lines]
        while any(line.unread for line in lines) and time.monotonic() < end:
            self._wait()
            self._reap(reader)
        self._reap(reader)

    def _forget(self, gone: Sequence[Partition]) -> None:
        with self._guard:
            for partition in gone:
                line = self._lines.pop(partition, None)
                if line is not None:
                    self._waiting -= len(line.unread)
                    self._waiting_bytes -= sum(len(one.value) for one in line.unread)

    def _trouble(self, error: client.KafkaError) -> None:
        if error.code() == _FATAL or error.fatal():
            raise client.KafkaException(error)
        if self._said.first(f"{error.name()}"):
            _log.warning("Kafka: %s (%s); it is tried again", error.str(), error.name())


def _is_fenced(error: Exception) -> bool:
    """Whether another member of the group has the same name: the client tells it in words alone."""
    found = error.args[0] if error.args else None
    return isinstance(found, client.KafkaError) and "fenced" in found.str()


def _spelt(partitions: Sequence[Partition]) -> str:
    by_topic: dict[str, list[int]] = {}
    for topic, number in sorted(partitions):
        by_topic.setdefault(topic, []).append(number)
    told = (f"{topic} {', '.join(map(str, numbers))}" for topic, numbers in by_topic.items())
    return "; ".join(told) or "no partition"
