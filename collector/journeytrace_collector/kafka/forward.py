"""In front of the log: takes requests, checks them, and answers when the brokers have them.

It stands where the store's writer stands in other collectors. Rights, limits and what pages may say
are applied before anything is written; an answer of success means that all brokers in sync have
every message of the request (``acks=all``).
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, Final

import confluent_kafka as client

from journeytrace import conventions as names
from journeytrace.catalogue import Catalogue
from journeytrace_collector.background import Once
from journeytrace_collector.core.decode import Decoded
from journeytrace_collector.core.model import Rejection
from journeytrace_collector.errors import OverloadedError, RequestError, UnavailableError
from journeytrace_collector.health import Health
from journeytrace_collector.ingest import Answer, Decode, Ingest
from journeytrace_collector.kafka.messages import carried, headers_of, messages
from journeytrace_collector.store.base import Carried, Store

__all__ = ["Forward"]

_log = logging.getLogger(__name__)

_ANSWER_SECONDS: Final = 4
"""For the brokers to take a message: senders give up after about ten seconds in all."""
_FLUSH_SECONDS: Final = 3.0
_POLL_SECONDS: Final = 0.2


@dataclass(slots=True)
class _Request:
    """A request that was not answered yet."""

    decode: Decode
    body: bytes
    received: int
    future: Future[Answer] = field(default_factory=Future)
    answer: Answer = field(default_factory=Answer)
    left: int = 0
    """Messages that the brokers have not answered for."""
    error: str = ""

    def __post_init__(self) -> None:
        # A sender that hangs up must not cancel what is about to be written.
        self.future.set_running_or_notify_cancel()


class Forward:
    """Implements `Intake`: a bounded queue of requests, and the thread that writes them."""

    def __init__(
        self,
        config: Mapping[str, Any],
        topic: str,
        *,
        catalogue: Catalogue,
        store: Store,
        ingest: Ingest,
        health: Health,
        max_bytes: int,
        max_message_bytes: int,
    ) -> None:
        """Write to `topic`; `config` is the client's.

        Of `max_bytes` may be on their way. What was rejected is counted in `store`.
        """
        self._config = {
            **config,
            "acks": "all",
            "enable.idempotence": True,
            "linger.ms": 5,
            "compression.type": "lz4",
            "message.timeout.ms": _ANSWER_SECONDS * 1_000,
            "message.max.bytes": max_message_bytes,
            # As the OpenTelemetry Collector's exporter does: a trace is in one partition, whoever
            # of the two has written it.
            "partitioner": "fnv1a_random",
            "queue.buffering.max.messages": 1_000_000,
            "queue.buffering.max.kbytes": 2 * max_bytes // 1024 + 1,
            "error_cb": self._trouble,
        }
        self._topic = topic
        self._catalogue = catalogue
        self._store = store
        self._ingest = ingest
        self._health = health
        self._max_bytes = max_bytes
        self._max_message_bytes = max_message_bytes
        self._said = Once()
        self._queue: deque[_Request] = deque()
        self._bytes = 0
        """Of requests that are being read, are queued or wait for the brokers."""
        self._stopping = False
        self._changed = threading.Condition()
        for outcome in ("acknowledged", "failed"):
            health.add(names.COLLECTOR_KAFKA_MESSAGES_TOTAL, (outcome,), 0)
        health.watch(names.COLLECTOR_QUEUED_BYTES, lambda: self._bytes)
        self._producer = client.Producer(self._config)
        self._broken = False
        self._writer = threading.Thread(
            target=self._write, name="journeytrace-forward", daemon=True
        )
        self._writer.start()
        self._poller = threading.Thread(target=self._poll, name="journeytrace-acks", daemon=True)
        self._poller.start()

    def submit(self, decode: Decode, body: bytes, received: int) -> Future[Answer]:
        """See `Intake.submit`.

        Raises:
            OverloadedError: too much waits for the brokers, or the collector is stopping.
        """
        request = _Request(decode, body, received)
        with self._changed:
            if self._stopping:
                raise OverloadedError("the collector is stopping")
            if self._bytes and self._bytes + len(body) > self._max_bytes:
                raise OverloadedError("too many requests are waiting for Kafka")
            self._bytes += len(body)
            self._queue.append(request)
            self._changed.notify_all()
        return request.future

    def hold(self, size: int) -> None:
        """See `Ingest.hold`."""
        with self._changed:
            if size > 0 and self._bytes + size > self._max_bytes:
                raise OverloadedError("too many requests are on their way to Kafka")
            self._bytes += size

    def close(self) -> None:
        """Write what is queued, and wait a little for its answers."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        self._writer.join()
        self._producer.flush(_FLUSH_SECONDS)
        # What is left is answered with why it could not be written.
        self._producer.purge()
        self._producer.flush(_FLUSH_SECONDS)
        self._poller.join()

    def _write(self) -> None:
        while True:
            with self._changed:
                while not self._queue and not self._stopping:
                    self._changed.wait()
                if not self._queue:
                    return
                request = self._queue.popleft()
            try:
                self._take(request)
            except RequestError as error:
                self._fail(request, error)
            except Exception as error:
                _log.exception("a request could not be forwarded")
                self._fail(request, error)

    def _take(self, request: _Request) -> None:
        part = request.decode(request.body, request.received)
        found, large = messages(carried(part, self._catalogue), self._max_message_bytes)
        for name, size in large:
            problem = f"is {size} bytes, and Kafka takes {self._max_message_bytes} at a time"
            part.reject(Rejection(f"span {name!r}", "size", problem))
            part.rejected += 1
        self._count(part, request.received)
        request.answer = Answer(part.rejected, part.message)
        request.left = len(found) + 1
        headers = headers_of(part.rights)
        for number, message in enumerate(found):
            try:
                self._healthy().produce(
                    self._topic,
                    message.value,
                    message.key,
                    headers=headers,
                    on_delivery=lambda error, _: self._delivered(request, error),
                )
            except (BufferError, client.KafkaException) as error:
                # Those before it may arrive: they are the same events when they come again.
                for _ in found[number:]:
                    self._delivered(request, error)
                break
        self._answered(request)

    def _delivered(self, request: _Request, error: object) -> None:
        outcome = "failed" if error else "acknowledged"
        self._health.add(names.COLLECTOR_KAFKA_MESSAGES_TOTAL, (outcome,))
        self._answered(request, error)

    def _answered(self, request: _Request, error: object = None) -> None:
        """Note what became of one message, and answer the request with the last of them."""
        with self._changed:
            request.left -= 1
            request.error = request.error or (str(error) if error else "")
            if request.left:
                return
            self._bytes -= len(request.body)
        if request.error:
            if self._said.first(request.error):
                _log.error("Kafka takes no data, senders are told to come back: %s", request.error)
            request.future.set_exception(UnavailableError(f"Kafka: {request.error}"))
        else:
            if self._said.forget():
                _log.warning("Kafka takes data again")
            request.future.set_result(request.answer)

    def _fail(self, request: _Request, error: Exception) -> None:
        with self._changed:
            self._bytes -= len(request.body)
        request.future.set_exception(error)

    def _count(self, part: Decoded, at: int) -> None:
        if part.forbidden:
            sender = (part.rights.sender,)
            self._health.add(names.COLLECTOR_RECORDS_FORBIDDEN_TOTAL, sender, part.forbidden)
        if part.rejected:
            rejected = Carried(rejected=part.rejected, at=at)
            try:
                self._ingest.run(lambda: self._store.write((), rejected))
            except UnavailableError:
                _log.debug("what was rejected is not counted: the collector is stopping")

    def _healthy(self) -> client.Producer:
        """Give the producer; one that has failed for good is replaced."""
        if self._broken:
            self._broken = False
            old, self._producer = self._producer, client.Producer(self._config)
            old.purge()
            old.flush(_POLL_SECONDS)
        return self._producer

    def _poll(self) -> None:
        """Let the client tell what became of messages."""
        while self._writer.is_alive() or len(self._producer):
            self._producer.poll(_POLL_SECONDS)

    def _trouble(self, error: client.KafkaError) -> None:
        if error.fatal():
            self._broken = True
        if self._said.first(error.name()):
            _log.warning("Kafka: %s (%s)", error.str(), error.name())
