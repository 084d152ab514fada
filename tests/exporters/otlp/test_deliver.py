"""Delivery by OTLP to real receivers, over gRPC and over HTTP."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import grpc
import pytest
import trustme
from aiohttp import web
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.duration_pb2 import Duration
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status as RpcStatus
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTracePartialSuccess,
    ExportTraceServiceResponse,
)
from tests.support.events import event
from tests.support.receivers import Answer, GrpcFailure, GrpcReceiver, HttpReceiver

from journeytrace.catalogue import builtin_catalogue
from journeytrace.conventions import Status
from journeytrace_collector.core.change import Parcel, Settlement
from journeytrace_collector.core.sessionize import fold
from journeytrace_collector.core.settle import derived_spans, request_of
from journeytrace_collector.errors import PermanentExportError, RetryableExportError
from journeytrace_exporters.otlp import OtlpExporter

(STATE,) = fold([event("STEP1_ENTERED")], builtin_catalogue()).values()
REQUEST = request_of(derived_spans(STATE, Settlement(0, None, Status.DROPPED)))
PARCEL = Parcel("otlp", REQUEST.SerializeToString())
PROTOBUF = "application/x-protobuf"

Make = Callable[..., OtlpExporter]


def retry_info(seconds: int, nanos: int = 0) -> RetryInfo:
    """Give the hint to come back."""
    return RetryInfo(retry_delay=Duration(seconds=seconds, nanos=nanos))


def details(*infos: RetryInfo) -> tuple[tuple[str, bytes], ...]:
    """Give the standard's trailer."""
    packed = []
    for info in infos:
        packed.append(AnyMessage())
        packed[-1].Pack(info)
    return (("grpc-status-details-bin", RpcStatus(details=packed).SerializeToString()),)


def grpc_answered(make: Make, answer: GrpcFailure) -> Exception:
    """Deliver to a receiver that answers so, and give what is raised."""

    async def scenario() -> Exception:
        async with GrpcReceiver() as receiver:
            receiver.answers.append(answer)
            exporter = make(endpoint=f"http://127.0.0.1:{receiver.port}")
            return await failure(exporter)

    return asyncio.run(scenario())


def http_answered(make: Make, answer: Answer) -> Exception:
    """Do the same over HTTP."""

    async def scenario() -> Exception:
        async with HttpReceiver() as receiver:
            receiver.answers.append(answer)
            endpoint = f"http://127.0.0.1:{receiver.port}"
            found = await failure(make(endpoint=endpoint, protocol="http/protobuf"))
            assert [received.path for received in receiver.received] == ["/v1/traces"]
            return found

    return asyncio.run(scenario())


async def failure(exporter: OtlpExporter, parcel: Parcel = PARCEL) -> Exception:
    """Deliver, close, and give what is raised."""
    try:
        with pytest.raises((RetryableExportError, PermanentExportError)) as caught:
            await exporter.deliver(parcel)
    finally:
        await exporter.close()
    return caught.value


@pytest.fixture
def free_port() -> Iterator[int]:
    """Give a port on which nobody listens, held so that nobody else comes."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]


@pytest.mark.parametrize("compression", ["none", "gzip"])
def test_grpc_delivers(make: Make, compression: str) -> None:
    """The receiver gets the spans, the settings' headers and the parcel's, which win."""

    async def scenario() -> None:
        async with GrpcReceiver() as receiver:
            exporter = make(
                endpoint=f"http://127.0.0.1:{receiver.port}",
                compression=compression,
                headers={"Authorization": "Bearer t", "x-scope-orgid": "own"},
            )
            parcel = Parcel("otlp", PARCEL.payload, headers={"X-Scope-OrgID": "long"})
            await exporter.deliver(parcel)
            await exporter.deliver(parcel)
            await exporter.close()
        assert receiver.requests == [REQUEST, REQUEST]
        headers = receiver.received[0].headers
        assert headers["authorization"] == "Bearer t"
        assert headers["x-scope-orgid"] == "long"

    asyncio.run(scenario())


@pytest.mark.parametrize("compression", ["none", "gzip"])
def test_http_delivers(make: Make, compression: str) -> None:
    """The same over HTTP, where the endpoint's own path comes before OTLP's."""

    async def scenario() -> None:
        async with HttpReceiver() as receiver:
            exporter = make(
                endpoint=f"http://127.0.0.1:{receiver.port}/otlp/",
                protocol="http/protobuf",
                compression=compression,
                headers={"Authorization": "Bearer t", "x-scope-orgid": "own"},
            )
            await exporter.deliver(Parcel("otlp", PARCEL.payload, headers={"X-Scope-OrgID": "l"}))
            await exporter.close()
        (received,) = receiver.received
        assert received.path == "/otlp/v1/traces"
        assert received.request == REQUEST
        assert received.headers["content-type"] == PROTOBUF
        assert received.headers.get("content-encoding", "none") == compression
        assert received.headers["authorization"] == "Bearer t"
        assert received.headers["x-scope-orgid"] == "l"

    asyncio.run(scenario())


@pytest.mark.parametrize(
    "code",
    ["ABORTED", "CANCELLED", "DATA_LOSS", "DEADLINE_EXCEEDED", "OUT_OF_RANGE", "UNAVAILABLE"],
)
def test_grpc_codes_that_pass(make: Make, code: str) -> None:
    """The specification's six codes mean later, and the message is what people will read."""
    found = grpc_answered(make, GrpcFailure(grpc.StatusCode[code], "come\nback"))
    assert isinstance(found, RetryableExportError)
    assert (str(found), found.after) == (f"{code}: come back", None)


@pytest.mark.parametrize(
    "code",
    [
        "ALREADY_EXISTS",
        "FAILED_PRECONDITION",
        "INTERNAL",
        "INVALID_ARGUMENT",
        "NOT_FOUND",
        "PERMISSION_DENIED",
        "RESOURCE_EXHAUSTED",
        "UNAUTHENTICATED",
        "UNIMPLEMENTED",
        "UNKNOWN",
    ],
)
def test_grpc_codes_that_stay(make: Make, code: str) -> None:
    """Any other code means never; so does an exhausted receiver that names no time."""
    assert isinstance(grpc_answered(make, GrpcFailure(grpc.StatusCode[code])), PermanentExportError)


@pytest.mark.parametrize(
    ("trailers", "after"),
    [
        (details(retry_info(2, 500_000_000)), 2.5),
        (details(), None),
        ((("google.rpc.retryinfo-bin", retry_info(3).SerializeToString()),), 3),
        ((("grpc-status-details-bin", b"\xff no protobuf"),), None),
        (details(retry_info(-5)), 0),
        (details(retry_info(10**9)), 3600),
    ],
)
def test_grpc_hints_when_to_come_back(
    make: Make, trailers: tuple[tuple[str, bytes], ...], after: float | None
) -> None:
    """The hint is read from either trailer, and nonsense in one is no hint."""
    found = grpc_answered(make, GrpcFailure(grpc.StatusCode.UNAVAILABLE, trailers=trailers))
    assert isinstance(found, RetryableExportError)
    assert found.after == after


def test_an_exhausted_receiver_with_a_hint_is_asked_again(make: Make) -> None:
    """RESOURCE_EXHAUSTED passes when the receiver says when."""
    answer = GrpcFailure(grpc.StatusCode.RESOURCE_EXHAUSTED, trailers=details(retry_info(1)))
    found = grpc_answered(make, answer)
    assert isinstance(found, RetryableExportError)
    assert found.after == 1


@pytest.mark.parametrize("protocol", ["grpc", "http/protobuf"])
def test_nobody_listens(make: Make, free_port: int, protocol: str) -> None:
    """A receiver that cannot be reached can be later."""
    exporter = make(endpoint=f"http://127.0.0.1:{free_port}", protocol=protocol)
    assert isinstance(asyncio.run(failure(exporter)), RetryableExportError)


@pytest.mark.parametrize("protocol", ["grpc", "http/protobuf"])
def test_an_answer_that_does_not_come(make: Make, protocol: str) -> None:
    """After the timeout the parcel is taken as not delivered, to be tried again."""

    async def scenario() -> Exception:
        never = asyncio.Event()
        receiver: GrpcReceiver | HttpReceiver
        receiver = GrpcReceiver() if protocol == "grpc" else HttpReceiver()
        async with receiver:
            receiver.answers.append(never)
            endpoint = f"http://127.0.0.1:{receiver.port}"
            exporter = make(
                endpoint=endpoint, protocol=protocol, timeout=timedelta(milliseconds=50)
            )
            found = await failure(exporter)
            never.set()
            return found

    assert isinstance(asyncio.run(scenario()), RetryableExportError)


def test_delivery_goes_on_when_the_receiver_is_back(make: Make) -> None:
    """After a restart of the receiver the same exporter delivers again."""

    async def scenario() -> None:
        async with GrpcReceiver() as first:
            exporter = make(endpoint=f"http://127.0.0.1:{first.port}")
            await exporter.deliver(PARCEL)
        async with GrpcReceiver(port=first.port) as second:
            # Each attempt ends by itself, after the exporter's timeout at the latest.
            for _ in range(1_000):
                with suppress(RetryableExportError):
                    await exporter.deliver(PARCEL)
                if second.received:
                    break
                await asyncio.sleep(0.02)
            await exporter.close()
        assert len(second.received) == 1

    asyncio.run(scenario())


@pytest.mark.parametrize(("status", "header", "after"), [
    (429, "7", 7),
    (502, None, None),
    (503, "Mon, 01 Jun 2026 12:00:30 GMT", 30),
    (503, "Mon, 01 Jun 2026 11:00:00 GMT", 0),
    (503, "99999999999", 3600),
    (504, "soon", None),
])  # fmt: skip
def test_http_statuses_that_pass(
    make: Make, status: int, header: str | None, after: float | None
) -> None:
    """The specification's four mean later, at the time that Retry-After names in either form."""
    headers = {"Retry-After": header} if header else {}
    found = http_answered(make, lambda: web.Response(status=status, headers=headers))
    assert isinstance(found, RetryableExportError)
    assert found.after == after


@pytest.mark.parametrize("status", [301, 307, 400, 401, 404, 413, 415, 500, 501])
def test_http_statuses_that_stay(make: Make, status: int) -> None:
    """Any other status means never; a redirect is not followed."""
    headers = {"Location": "http://127.0.0.1:9/"}
    found = http_answered(make, lambda: web.Response(status=status, headers=headers))
    assert isinstance(found, PermanentExportError)
    assert str(found).startswith(f"{status}: ")


@pytest.mark.parametrize(
    ("kind", "body", "message"),
    [
        (PROTOBUF, RpcStatus(message="too\tmuch").SerializeToString(), "400: too much"),
        (PROTOBUF, b"\xff", "400: Bad Request"),
        ("text/plain", b"no \x1b[31m", "400: no \N{REPLACEMENT CHARACTER}[31m"),
        ("text/html", b"x" * 1_000_000, "400: " + "x" * 200),
        ("image/png", b"x", "400: Bad Request"),
    ],
)
def test_http_messages_become_the_reason(make: Make, kind: str, body: bytes, message: str) -> None:
    """What the receiver says is told in one safe line."""
    found = http_answered(
        make, lambda: web.Response(status=400, body=body, headers={"Content-Type": kind})
    )
    assert str(found) == message


PARTIAL = ExportTraceServiceResponse(
    partial_success=ExportTracePartialSuccess(rejected_spans=2, error_message="too old")
)


@pytest.mark.parametrize("protocol", ["grpc", "http/protobuf"])
def test_a_partial_success_is_delivered(
    make: Make, protocol: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Refused spans are not sent again; they are counted, and told once."""

    async def deliver_twice(receiver: GrpcReceiver | HttpReceiver) -> OtlpExporter:
        exporter = make(endpoint=f"http://127.0.0.1:{receiver.port}", protocol=protocol)
        await exporter.deliver(PARCEL)
        await exporter.deliver(PARCEL)
        await exporter.close()
        return exporter

    async def scenario() -> OtlpExporter:
        if protocol == "grpc":
            async with GrpcReceiver() as grpc_receiver:
                grpc_receiver.answers.extend([PARTIAL, PARTIAL])
                return await deliver_twice(grpc_receiver)
        body = PARTIAL.SerializeToString()
        async with HttpReceiver() as receiver:
            receiver.answers.extend(2 * [lambda: web.Response(body=body, content_type=PROTOBUF)])
            return await deliver_twice(receiver)

    assert asyncio.run(scenario()).rejected == 4
    assert [record.message for record in caplog.records if "too old" in record.message] == [
        "otlp: the receiver refused 2 spans (further refusals are only counted): too old"
    ]


def test_an_answer_nobody_can_read_is_still_an_answer(make: Make) -> None:
    """A success whose body is no OTLP is a success."""

    async def scenario() -> None:
        async with HttpReceiver() as receiver:
            body = b"\xff\xff"
            receiver.answers.append(lambda: web.Response(body=body, content_type=PROTOBUF))
            endpoint = f"http://127.0.0.1:{receiver.port}"
            exporter = make(endpoint=endpoint, protocol="http/protobuf")
            await exporter.deliver(PARCEL)
            await exporter.close()

    asyncio.run(scenario())


def server_certificate(authority: trustme.CA, folder: Path) -> tuple[Path, Path]:
    """Give certificate and key, as files, of a server or client on the loopback."""
    issued = authority.issue_cert("127.0.0.1")
    cert, key = folder / "cert.pem", folder / "key.pem"
    issued.cert_chain_pems[0].write_to_path(cert)
    issued.private_key_pem.write_to_path(key)
    key.chmod(0o600)
    return cert, key


def tls_receiver(protocol: str, cert: Path, key: Path, ca: Path) -> GrpcReceiver | HttpReceiver:
    """Make a receiver that takes only clients with a certificate of the authority."""
    if protocol == "grpc":
        pair = (key.read_bytes(), cert.read_bytes())
        return GrpcReceiver(
            grpc.ssl_server_credentials([pair], ca.read_bytes(), require_client_auth=True)
        )
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=ca)
    context.load_cert_chain(cert, key)
    context.verify_mode = ssl.CERT_REQUIRED
    return HttpReceiver(tls=context)


@pytest.mark.parametrize("protocol", ["grpc", "http/protobuf"])
def test_tls_both_ways(
    make: Make, authority: trustme.CA, ca_file: Path, tmp_path: Path, protocol: str
) -> None:
    """With the authority's file and a certificate of our own, spans arrive over TLS."""
    cert, key = server_certificate(authority, tmp_path)

    async def scenario() -> None:
        async with tls_receiver(protocol, cert, key, ca_file) as receiver:
            endpoint = f"https://127.0.0.1:{receiver.port}"
            tls: dict[str, Any] = {"ca_file": ca_file, "cert_file": cert, "key_file": key}
            exporter = make(endpoint=endpoint, protocol=protocol, tls=tls)
            await exporter.deliver(PARCEL)
            await exporter.close()
            assert [received.request for received in receiver.received] == [REQUEST]

    asyncio.run(scenario())


@pytest.mark.parametrize("protocol", ["grpc", "http/protobuf"])
def test_a_receiver_nobody_vouches_for_gets_nothing(
    make: Make, authority: trustme.CA, ca_file: Path, tmp_path: Path, protocol: str
) -> None:
    """Without the authority's file the receiver is not trusted; who mends it gets all."""
    cert, key = server_certificate(authority, tmp_path)

    async def scenario() -> Exception:
        async with tls_receiver(protocol, cert, key, ca_file) as receiver:
            exporter = make(endpoint=f"https://127.0.0.1:{receiver.port}", protocol=protocol)
            found = await failure(exporter)
            assert receiver.received == []
            return found

    assert isinstance(asyncio.run(scenario()), RetryableExportError)
