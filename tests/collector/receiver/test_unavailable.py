"""Real causes why nothing can be stored, the answers meanwhile, and the recovery."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import closing, contextmanager
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import grpc
import pytest
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status
from tests.support.waiting import PATIENCE

if TYPE_CHECKING:
    from tests.collector.receiver.conftest import GrpcReply, Otlp, Reply, Running, Start

SENDERS = 6


@contextmanager
def locked(data: Path) -> Iterator[sqlite3.Connection]:
    """Hold the store's write lock, as a backup tool might."""
    connection = sqlite3.connect(data / "journeys.sqlite", isolation_level=None)
    with closing(connection):
        connection.execute("BEGIN IMMEDIATE")
        yield connection


@pytest.fixture
def tight(start: Start) -> Running:
    """A collector whose queue holds one request of the tests' size."""
    return start(max_request_bytes=3_000, max_queued_bytes=3_000)


def check_retryable(answer: GrpcReply) -> None:
    """Check that every language's exporter is told to come back within 3 s."""
    assert answer.code is grpc.StatusCode.UNAVAILABLE
    info = answer.trailers["google.rpc.retryinfo-bin"]
    assert isinstance(info, bytes)
    assert 0 < RetryInfo.FromString(info).retry_delay.ToTimedelta().total_seconds() <= 3
    status = answer.trailers["grpc-status-details-bin"]
    assert isinstance(status, bytes)
    parsed = Status.FromString(status)
    assert (parsed.code, parsed.message) == (14, answer.details)
    assert [detail.Is(RetryInfo.DESCRIPTOR) for detail in parsed.details] == [True]


def test_a_full_queue_over_grpc(tight: Running, otlp: type[Otlp]) -> None:
    """While the writer waits, what the queue has no room for is refused, the rest is stored."""
    bodies = {
        f"VIEW{n}": otlp.traces(otlp.span(f"VIEW{n}", {"fill": "x" * 1_600})).SerializeToString()
        for n in range(SENDERS)
    }

    def offer(name: str) -> tuple[str, GrpcReply]:
        return name, tight.call("traces", bodies[name])

    with ThreadPoolExecutor(SENDERS) as pool:
        with locked(tight.data):
            offers = [pool.submit(offer, name) for name in bodies]
            # The writer holds one and the queue another, so these come back while both wait.
            for refused_one in islice(as_completed(offers, PATIENCE), SENDERS - 2):
                check_retryable(refused_one.result(PATIENCE)[1])
        answers = dict(one.result(PATIENCE) for one in offers)
    taken = {name for name, answer in answers.items() if answer.code is grpc.StatusCode.OK}
    assert 1 <= len(taken) <= 2
    assert set(tight.names()) == taken
    for name in bodies.keys() - taken:
        assert offer(name)[1].code is grpc.StatusCode.OK
    assert sorted(tight.names()) == sorted(bodies)


def test_a_full_queue_over_http(tight: Running, otlp: type[Otlp]) -> None:
    """Over HTTP the same refusal is a 503 with a short Retry-After, in the request's own form."""
    request = otlp.traces(otlp.span("STEP_VIEW", {"fill": "x" * 1_600}))
    forms = {
        "protobuf": request.SerializeToString(),
        "json": json.dumps(otlp.json(request)).encode(),
    }

    def offer(kind: str) -> tuple[str, Reply]:
        return kind, tight.post("traces", forms[kind], kind)

    with ThreadPoolExecutor(SENDERS) as pool:
        with locked(tight.data):
            offers = [pool.submit(offer, kind) for kind in [*forms] * (SENDERS // 2)]
            # The writer holds one and the queue another.
            answered = islice(as_completed(offers, PATIENCE), SENDERS - 2)
            refused = [one.result(PATIENCE) for one in answered]
        answers = [one.result(PATIENCE)[1].status for one in offers]
    assert {kind for kind, _ in refused} == {"protobuf", "json"}
    for kind, answer in refused:
        assert answer.status == 503
        assert 0 < int(answer.headers["retry-after"]) <= 3
        if kind == "json":
            assert json.loads(answer.body)["code"] == 14
        else:
            assert Status.FromString(answer.body).code == 14
    assert 200 in answers
    assert tight.names() == ["STEP_VIEW"]


def test_a_store_that_is_locked_too_long(collector: Running, otlp: type[Otlp]) -> None:
    """A store that does not come free in time is retryable, and the retry succeeds."""
    body = otlp.traces(otlp.span()).SerializeToString()
    with locked(collector.data):
        answer = collector.call("traces", body)
        check_retryable(answer)
        assert "locked" in answer.details
        assert collector.names() == []
    assert collector.call("traces", body).code is grpc.StatusCode.OK
    assert collector.names() == ["STEP_VIEW"]


def test_health_while_nothing_can_be_stored(tight: Running) -> None:
    """A store that is locked for writing still lets everybody read."""
    with locked(tight.data):
        assert tight.get("/api/v1/sessions")["sessions"] == []
