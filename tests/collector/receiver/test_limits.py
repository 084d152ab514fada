"""Requests that would cost more than they may, over real ports and in small."""

from __future__ import annotations

import asyncio
import gzip
import http.client
import json
import re
import urllib.request
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from aiohttp import StreamReader
from aiohttp.base_protocol import BaseProtocol
from google.rpc.status_pb2 import Status
from tests.support.waiting import wait_until

from journeytrace_collector.errors import (
    OverloadedError,
    RequestTimeoutError,
    RequestTooLargeError,
)
from journeytrace_collector.receiver import body as bodies
from journeytrace_collector.receiver.body import MAX_STREAMS, gunzip, read_limited

if TYPE_CHECKING:
    from tests.collector.receiver.conftest import Otlp, Running, Start

MIB = 1024 * 1024


@pytest.mark.parametrize("form", ["json", "protobuf"])
def test_a_small_body_of_empty_spans(collector: Running, otlp: type[Otlp], form: str) -> None:
    """16 KiB that unpack to millions of empty spans are refused for good, with what to do."""
    if form == "json":
        plain = b'{"resourceSpans":[{"scopeSpans":[{"spans":[' + b"{}," * (5 * MIB) + b"{}]}]}]}"
    else:
        scope = b"\x12\x80\x80\x80\x04" + b"\x12\x00" * (4 * MIB)
        plain = b"\x0a\x85\x80\x80\x04" + scope
    answer = collector.post("traces", gzip.compress(plain), form, Content_Encoding="gzip")
    assert answer.status == 413
    assert b"send smaller batches" in answer.body
    assert collector.post("traces", otlp.traces(otlp.span()).SerializeToString()).status == 200


def test_too_many_records_over_grpc(collector: Running, otlp: type[Otlp]) -> None:
    """gRPC is told the same, as an error that is not retried."""
    body = otlp.traces(*[otlp.span()] * 20_001).SerializeToString()
    answer = collector.call("traces", body)
    assert answer.code is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert answer.details == "the request holds more than 20000 records; send smaller batches"
    assert "google.rpc.retryinfo-bin" not in answer.trailers
    assert collector.names() == []


def test_too_many_records_in_json(collector: Running) -> None:
    """Records of JSON are counted over all resources."""
    scope: dict[str, Any] = {"spans": [{}] * 10_000}
    resource = {"scopeSpans": [scope]}
    for count, status in ((2, 200), (3, 413)):
        body = json.dumps({"resourceSpans": [resource] * count}).encode()
        assert collector.post("traces", body, "json").status == status


def test_a_heavy_record_of_json(collector: Running, otlp: type[Otlp]) -> None:
    """A record with more values than may be held at a time is rejected alone."""
    bad = otlp.span("BAD", {"a": "here"})
    sound = json.dumps(otlp.json(otlp.traces(otlp.span("GOOD"), bad)))
    value = json.dumps({"arrayValue": {"values": [{}] * 60_000}})
    body = sound.replace('{"stringValue": "here"}', value).encode()
    answer = collector.post("traces", body, "json")
    assert answer.status == 200
    assert b"attributes hold too many values for one record" in answer.body
    assert collector.names() == ["GOOD"]


def test_bodies_full_of_halves(collector: Running) -> None:
    """Millions of halves of surrogate pairs are no reason to look at each."""
    text = b"\\ud800" * 100_000
    body = b'{"resourceSpans":[{"scopeSpans":[{"spans":[{"name":"' + text + b'"}]}]}]}'
    answer = collector.post("traces", body, "json")
    assert (answer.status, b"halves of surrogate pairs" in answer.body) == (400, True)


def test_gzip_streams(collector: Running, otlp: type[Otlp]) -> None:
    """A few gzip streams are one body; a crowd of them is refused, however small they are."""
    plain = otlp.traces(otlp.span()).SerializeToString()
    few = gzip.compress(plain[:9]) + gzip.compress(plain[9:]) + gzip.compress(b"")
    assert collector.post("traces", few, Content_Encoding="gzip").status == 200
    crowd = gzip.compress(b"") * 100_000
    answer = collector.post("traces", crowd, Content_Encoding="gzip")
    assert answer.status == 413
    assert "gzip streams" in Status.FromString(answer.body).message


def test_the_number_of_gzip_streams() -> None:
    """Exactly as many streams as are allowed are joined."""
    assert gunzip(gzip.compress(b"x") * MAX_STREAMS, 100) == b"x" * MAX_STREAMS
    with pytest.raises(RequestTooLargeError):
        gunzip(gzip.compress(b"x") * (MAX_STREAMS + 1), 100)


class Room:
    """Takes so many bytes."""

    def __init__(self, size: int) -> None:
        self.size = size

    def grow(self, size: int) -> None:
        """Take more, or raise."""
        self.size -= size
        if self.size < 0:
            raise OverloadedError("full")


def test_a_body_has_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """A body that does not come is given up."""
    monkeypatch.setattr(bodies, "BODY_SECONDS", 0.05)

    async def half_a_body() -> None:
        reader = reading(connected=True)
        reader.feed_data(b"x")
        await read_limited(reader, 100, Room(100))  # type: ignore[arg-type] # alike

    with pytest.raises(RequestTimeoutError, match="did not come within"):
        asyncio.run(half_a_body())


def test_a_connection_that_ended_before_its_body_was_asked_for() -> None:
    """Who hangs up before their body is read has made a bad request, and found no fault of ours."""

    async def nobody_there() -> None:
        await read_limited(reading(connected=False), 100, Room(100))  # type: ignore[arg-type]

    with pytest.raises(RequestTimeoutError, match="the connection ended"):
        asyncio.run(nobody_there())


def reading(*, connected: bool) -> StreamReader:
    """Give what aiohttp reads a body through."""
    loop = asyncio.get_running_loop()
    protocol = BaseProtocol(loop)
    if connected:
        protocol.connection_made(asyncio.Transport())
    return StreamReader(protocol, 2**16, loop=loop)


def test_bodies_that_are_being_read_count(start: Start, otlp: type[Otlp]) -> None:
    """What has come of held uploads counts against the queue; the next are told to come back."""
    collector = start(max_request_bytes=MIB, max_queued_bytes=2 * MIB)
    sound = otlp.traces(otlp.span()).SerializeToString() + b"\x12\x80\x80\x02" + bytes(32_768)
    held = []
    try:
        for _ in range(2):
            one = http.client.HTTPConnection(collector.http, timeout=10)
            held.append(one)
            one.putrequest("POST", "/v1/traces")
            one.putheader("Content-Type", "application/x-protobuf")
            one.putheader("Content-Length", str(MIB))
            one.endheaders(bytes(MIB - 1_000))
        wait_until("the held uploads", lambda: queued(collector) >= 2 * (MIB - 1_000))
        answer = collector.post("traces", sound)
        assert answer.status == 503
        assert answer.headers["retry-after"] == "1"
    finally:
        for one in held:
            one.close()
    wait_until("held uploads that are counted no more", lambda: queued(collector) == 0)
    assert collector.post("traces", sound).status == 200


def queued(collector: Running) -> float:
    """Give the bytes that wait for the store, by the metrics page."""
    with urllib.request.urlopen(f"http://{collector.admin}/metrics", timeout=10) as page:
        (found,) = re.findall(
            r"^journey_collector_queued_bytes (\S+)", page.read().decode(), re.MULTILINE
        )
    return float(found)
