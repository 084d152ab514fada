"""The one writer: requests in, durable answers out.

Every request is decoded, folded and stored by one thread. Requests that wait at the same moment
share a transaction (group commit), and each is answered when that transaction is on disk, never
before. One thread is quickest: under Python's lock a second one would only take turns with it.

A store can put off part of its writing (`Store.catch_up`). While nobody waits, this thread does it.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from enum import Enum
from itertools import groupby
from typing import Any, Final, Protocol, Self, TypeVar

from journeytrace.conventions import (
    COLLECTOR_COMMIT_SECONDS,
    COLLECTOR_QUEUED_BYTES,
    COLLECTOR_RECORDS_FORBIDDEN_TOTAL,
    SESSION_ID,
)
from journeytrace_collector.core.decode import Decoded
from journeytrace_collector.core.model import Event, Rejection
from journeytrace_collector.core.rights import Rights
from journeytrace_collector.errors import (
    OverloadedError,
    RequestError,
    StoreUnavailableError,
)
from journeytrace_collector.health import Health
from journeytrace_collector.store.base import Carried, Store

__all__ = ["Answer", "Decode", "Hold", "Ingest", "Intake", "Room"]

T = TypeVar("T")

_log = logging.getLogger(__name__)

Decode = Callable[[bytes, int], Decoded]
"""Body and time of arrival (ns) → events. Raises `MalformedRequestError`."""

SECONDS_OF_REST: Final = 0.1
"""How long nothing comes in before the store does what it has put off."""

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
class _Job:
    """Something else to be done with the store, between two groups."""

    run: Callable[[], object]
    future: Future[Any] = field(default_factory=Future)

    def __post_init__(self) -> None:
        self.future.set_running_or_notify_cancel()


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


class Room(Protocol):
    """What bodies take up."""

    def hold(self, size: int) -> None:
        """See `Ingest.hold`."""


class Intake(Room, Protocol):
    """What takes requests: the store's writer, or what stands in front of it."""

    def submit(self, decode: Decode, body: bytes, received: int) -> Future[Answer]:
        """Take a request; the future ends when it cannot be lost any more. See `Ingest.submit`."""


class Hold:
    """Bytes of one body that is being read, counted as if it waited already; left at the end."""

    def __init__(self, room: Room) -> None:
        self._room = room
        self._size = 0

    def grow(self, size: int) -> None:
        """Count `size` more.

        Raises:
            OverloadedError: that is more than may wait.
        """
        self._room.hold(size)
        self._size += size

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._room.hold(-self._size)


class Ingest:
    """A bounded queue of requests, and the thread that empties it and does all other writing."""

    def __init__(self, store: Store, max_queued_bytes: int, health: Health | None = None) -> None:
        self._store = store
        self._max_queued_bytes = max_queued_bytes
        self._health = health or Health()
        self._health.watch(COLLECTOR_QUEUED_BYTES, lambda: self._waiting_bytes)
        self._queue: deque[_Request] = deque()
        self._queued_bytes = 0
        self._held_bytes = 0
        self._jobs: deque[_Job] = deque()
        self._state = _State.RUNNING
        self._failure = ""
        self._changed = threading.Condition()
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
            if self._queue and self._waiting_bytes + len(body) > self._max_queued_bytes:
                raise OverloadedError("too many requests are waiting for the store")
            self._queue.append(request)
            self._queued_bytes += len(body)
            self._changed.notify()
        return request.future

    @property
    def _waiting_bytes(self) -> int:
        return self._queued_bytes + self._held_bytes

    def hold(self, size: int) -> None:
        """Count bytes that are not queued yet, by `Hold`; below zero: no longer.

        Raises:
            OverloadedError: they are more than may wait.
        """
        with self._changed:
            if size > 0 and self._waiting_bytes + size > self._max_queued_bytes:
                raise OverloadedError("too many requests are on their way to the store")
            self._held_bytes += size

    def run(self, job: Callable[[], T]) -> Future[T]:
        """Run something that changes the store, between two groups of requests.

        It has to be short: requests wait for it.

        Raises:
            OverloadedError: the collector is stopping.
        """
        entry = _Job(job)
        with self._changed:
            if self._state is _State.DRAINING:
                raise OverloadedError("the collector is stopping")
            self._jobs.append(entry)
            self._changed.notify()
        return entry.future

    def waiting(self) -> int:
        """Give the number of requests that the writer has not taken up yet."""
        return len(self._queue)

    def close(self) -> None:
        """Do what is queued, then stop."""
        with self._changed:
            self._state = _State.DRAINING
            self._changed.notify()
        self._thread.join()

    def _run(self) -> None:
        put_off = False
        while True:
            jobs, group = self._next(SECONDS_OF_REST if put_off else None)
            if not jobs and not group:
                if not put_off:
                    return
                put_off = self._catch_up()
                continue
            put_off = True
            # One job, one group, by turns: neither keeps the other waiting for long.
            for job in jobs:
                _do(job)
            if group:
                self._handle(group)

    def _catch_up(self) -> bool:
        """Do some of what the store has put off; whether something of it is left."""
        try:
            while not self._queue and not self._jobs:
                if not self._store.catch_up():
                    return False
        except StoreUnavailableError as error:
            # It is tried again with the next request: nothing is lost by waiting.
            self._note_failure(str(error))
            return False
        return True

    def _next(self, patience: float | None) -> tuple[list[_Job], list[_Request]]:
        """Wait for work; give a job and as many requests as may share a transaction.

        Nothing of either: nothing came for so many seconds (None: it waits for as long as it
        takes), or it is time to stop.
        """
        with self._changed:
            while not self._queue and not self._jobs and self._state is _State.RUNNING:
                if not self._changed.wait(patience):
                    break
            jobs = [self._jobs.popleft()] if self._jobs else []
            group: list[_Request] = []
            size = 0
            while self._queue and size < MAX_GROUP_BYTES:
                request = self._queue.popleft()
                size += len(request.body)
                group.append(request)
            self._queued_bytes -= size
            return jobs, group

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
        for guarded, members in groupby(decoded, key=_is_guarded):
            if not guarded:
                self._store_group(list(members))
                continue
            # What may be refused has a transaction of its own: so nobody else's is rolled back, and
            # the next one sees what this one has changed.
            for member in members:
                self._store_group([member])

    def _store_group(self, group: list[tuple[_Request, Decoded]]) -> None:
        parts = [part for _, part in group]
        carried = Carried(
            traces=[part.traces for part in parts if part.traces is not None],
            logged=[event for part in parts for event in part.logged],
            rejected=sum(part.rejected for part in parts),
            ignored=sum(part.ignored for part in parts),
            at=max(request.received for request, _ in group),
            rights=_rights(parts),
            versions=frozenset().union(*(part.versions for part in parts)),
            guard=parts[0].guard,
            parcels=[parcel for part in parts for parcel in part.parcels],
        )
        start = time.perf_counter()
        try:
            written = self._store.write([e for part in parts for e in part.events], carried)
        except StoreUnavailableError as error:
            self._note_failure(str(error))
            self._fail(group, error)
        except RequestError as error:
            self._note_failure("")
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
            self._note_failure("")
            self._health.observe(COLLECTOR_COMMIT_SECONDS, time.perf_counter() - start)
            _refuse(parts, written.refused)
            _refuse_foreign(parts, written.foreign)
            for part in parts:
                if part.forbidden:
                    sender = (part.rights.sender,)
                    self._health.add(COLLECTOR_RECORDS_FORBIDDEN_TOTAL, sender, part.forbidden)
            for request, part in group:
                request.future.set_result(Answer(part.rejected, part.message))

    def _note_failure(self, reason: str) -> None:
        """Log why the store takes nothing, once and not for each request; empty: it does."""
        if reason and reason != self._failure:
            _log.error("the store takes no data, senders are told to come back: %s", reason)
        elif self._failure and not reason:
            _log.warning("the store takes data again")
        self._failure = reason

    def _fail(self, group: list[tuple[_Request, Decoded]], error: Exception) -> None:
        for request, _ in group:
            request.future.set_exception(error)


def _is_guarded(member: tuple[_Request, Decoded]) -> bool:
    return member[1].guard is not None


def _do(job: _Job) -> None:
    try:
        job.future.set_result(job.run())
    except Exception as error:
        job.future.set_exception(error)


def _refuse(parts: list[Decoded], refused: Sequence[Event]) -> None:
    """Tell each request which of its events its session had no room for."""
    if not refused:
        return
    # By what identifies an event, for a store may have to write one down in other words.
    over = {(event.session_id, event.event_id) for event in refused}
    for part in parts:
        for event in part.events:
            if (event.session_id, event.event_id) in over:
                problem = f"{event.session_id} has no room for more events"
                part.reject(Rejection(f"event {event.name!r}", SESSION_ID, problem))
                part.rejected += 1


def _rights(parts: list[Decoded]) -> list[Rights]:
    """Give the rights behind each event; none, if no sender is bound to projects."""
    if all(part.rights.projects is None for part in parts):
        return []
    return [part.rights for part in parts for _ in part.events]


def _refuse_foreign(parts: list[Decoded], foreign: Sequence[Event]) -> None:
    """Tell each request which of its events are of a session that its sender may not touch."""
    if not foreign:
        return
    keys = {(event.session_id, event.event_id) for event in foreign}
    for part in parts:
        if part.rights.projects is None:
            continue
        for event in part.events:
            if (event.session_id, event.event_id) in keys:
                part.forbidden += 1
                problem = f"belongs to a project that {part.rights} has no right to"
                part.reject(Rejection(f"event {event.name!r}", SESSION_ID, problem))
                part.rejected += 1
