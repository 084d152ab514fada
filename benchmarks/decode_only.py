"""The yardstick of ingest: a gRPC server that decodes, builds attribute dicts, and forgets them.

With the argument ``take`` it does not even decode: a trace backend that costs nothing.
"""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import grpc
import grpc.aio
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

ANSWER = ExportTraceServiceResponse().SerializeToString()


async def take(_: bytes, __: Any) -> bytes:
    return ANSWER


async def decode(body: bytes, _: Any) -> bytes:
    plain(body)
    return ANSWER


def plain(body: bytes) -> None:
    """Build a dict of the attributes of each span."""
    for resource_spans in ExportTraceServiceRequest.FromString(body).resource_spans:
        for scope_spans in resource_spans.scope_spans:
            for span in scope_spans.spans:
                {
                    pair.key: getattr(pair.value, pair.value.WhichOneof("value") or "string_value")
                    for pair in span.attributes
                }


async def main() -> None:
    server = grpc.aio.server()
    method = grpc.unary_unary_rpc_method_handler(take if "take" in sys.argv else decode)
    service = "opentelemetry.proto.collector.trace.v1.TraceService"
    handler = grpc.method_handlers_generic_handler(service, {"Export": method})
    server.add_generic_rpc_handlers((handler,))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    print(f"127.0.0.1:{port}", flush=True)
    await server.wait_for_termination()


if __name__ == "__main__":
    asyncio.run(main())
