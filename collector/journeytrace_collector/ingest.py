"""The one writer: requests in, durable answers out.

Every request is decoded, folded and stored by one thread. Requests that wait at the same moment
share a transaction (group commit), and each is answered when that transaction is on disk, never
before. One thread is quickest: under Python's lock a second one would only take turns with it.
"""

from __future__ import annotations

import logging
import threading
from collections import Counter, deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

from journeytrace_collector.decode import Decoded
from journeytrace_collector.errors import (
    OverloadedError,
    RequestError,
    StoreUnavailableError,
)
from journeytrace_collector.store.base import Store

__all__ = ["Answer", "Decode", "Ingest"]

_log = logging.getLogger(__name__)

Decode = Callable[[bytes, int], Decoded]
"""Body and time of arrival (ns) → events. Raises `MalformedRequestError`."""

MAX_GROUP_BYTES: Final = 4 * 1024 * 1024
"""Request bytes that share one transaction: more would only make the first of them wait."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a sender is told about a request that was stored."""

    rejected: int = 0
    """Spans or log records of which at least one event was not taken."""
    message: str = ""
    """Why; empty: nothing was rejected."""


@dataclass(slots=True)
class _Request:
    decode: Decode
    body: bytes
    received: int
    future: Future[Answer] = field(default_factory=Future)

    def __post_init__(self) -> None:
        # A sender that hangs up must not cancel what is about to be stored.
        self.future.set_running_or_notify_cancel()


class _State(Enum):
    RUNNING = "running"
    DRAINING = "draining"


class Ingest:
    """A bounded queue of requests and the thread that empties it."""

    def __init__(self, store: Store, max_queued_bytes: int) -> None:
        self._store = store
        self._max_queued_bytes = max_queued_bytes
        self._queue: deque[_Request] = deque()
        self._queued_bytes = 0
        self._state = _State.RUNNING
        self._changed = threading.Condition()
        self._counts: Counter[str] = Counter()
        self._thread = threading.Thread(target=self._run, name="journeytrace-writer", daemon=True)
        self._thread.start()

    def submit(self, decode: Decode, body: bytes, received: int) -> Future[Answer]:
        """Queue a request; the future ends when its events are on disk, or with why they are not.

        The future raises `RequestError` (permanent) or `UnavailableError` (retryable).

        Raises:
            OverloadedError: the queue is full or the collector is stopping.
        """
        request = _Request(decode, body, received)
        with self._changed:
            if self._state is _State.DRAINING:
                raise OverloadedError("the collector is stopping")
            # An empty queue takes any request, or one above the bound could never be sent.
            if self._queue and self._queued_bytes + len(body) > self._max_queued_bytes:
                raise OverloadedError("too many requests are waiting for the store")
            self._queue.append(request)
            self._queued_bytes += len(body)
            self._changed.notify()
        return request.future

    def waiting(self) -> int:
        """Give the number of requests that the writer has not taken up yet."""
        return len(self._queue)

    def counts(self) -> dict[str, int]:
        """Give the number of new and duplicate events, of rejected and of ignored records."""
        with self._changed:
            return {
                name: self._counts[name] for name in ("new", "duplicate", "rejected", "ignored")
            }

    def close(self) -> None:
        """Store what is queued, then stop."""
        with self._changed:
            self._state = _State.DRAINING
            self._changed.notify()
        self._thread.join()

    def _run(self) -> None:
        while group := self._next_group():
            self._handle(group)

    def _next_group(self) -> list[_Request]:
        """Wait for requests and give as many as may share a transaction; empty: time to stop."""
        with self._changed:
            while not self._queue and self._state is _State.RUNNING:
                self._changed.wait()
            group: list[_Request] = []
            size = 0
            while self._queue and size < MAX_GROUP_BYTES:
                request = self._queue.popleft()
                size += len(request.body)
                group.append(request)
            self._queued_bytes -= size
            return group

    def _handle(self, group: list[_Request]) -> None:
        decoded: list[tuple[_Request, Decoded]] = []
        for request in group:
            try:
                decoded.append((request, request.decode(request.body, request.received)))
            except RequestError as error:
                request.future.set_exception(error)
            except Exception as error:
                _log.exception("a request could not be decoded")
                request.future.set_exception(error)
        if decoded:
            self._store_group(decoded)

    def _store_group(self, group: list[tuple[_Request, Decoded]]) -> None:
        try:
            written = self._store.write([event for _, part in group for event in part.events])
        except StoreUnavailableError as error:
            _log.error("the store takes no data: %s", error)
            self._fail(group, error)
        except Exception as error:
            if len(group) == 1:
                _log.exception("a request could not be stored")
                self._fail(group, error)
                return
            # One request is the cause. Alone, each of the others can be stored.
            for member in group:
                self._store_group([member])
        else:
            with self._changed:
                self._counts["new"] += written.new
                self._counts["duplicate"] += written.duplicate
                self._counts["rejected"] += sum(part.rejected for _, part in group)
                self._counts["ignored"] += sum(part.ignored for _, part in group)
            for request, part in group:
                request.future.set_result(Answer(part.rejected, part.message))

    def _fail(self, group: list[tuple[_Request, Decoded]], error: Exception) -> None:
        for request, _ in group:
            request.future.set_exception(error)
