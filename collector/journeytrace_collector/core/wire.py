"""OTLP's requests with the attributes of records left as bytes, each to be read once.

Attributes are most of a request, and most of them repeat. To make two objects of each pair takes
longer than all else that is done to read it; to find its bytes among those that were read before
takes a tenth of that. On the wire a message is bytes with a length, so OTLP's own descriptors
serve, but for the type of one field. All else in a request is parsed, and so checked, as OTLP has
it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final, TypeAlias

from google.protobuf import descriptor_pool, message_factory
from google.protobuf.descriptor import FileDescriptor
from google.protobuf.descriptor_pb2 import (
    FieldDescriptorProto,
    FileDescriptorProto,
)
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.logs.v1 import logs_pb2
from opentelemetry.proto.trace.v1 import trace_pb2

from journeytrace_collector.core.attributes import plain_value

__all__ = ["LogsRequest", "Read", "TracesRequest", "reader"]

Read: TypeAlias = Callable[[Iterable[Any]], dict[str, Any]]
"""Attributes of a record → plain values. Raises `BadFieldError`, and `DecodeError` of bytes."""

MAX_KNOWN: Final = 10_000
"""Attributes of one request that are remembered while it is read."""

MAX_PAIR: Final = 256
"""Bytes of one that is. With its value each takes up to 1 KiB."""

_RECORDS: Final = {"Span", "Event", "LogRecord"}


def reader() -> Read:
    """Give what reads the attributes of one request.

    What it has read it forgets with the request: much of it is personal.
    """
    known: dict[bytes, tuple[str, Any]] = {}

    def read(attributes: Iterable[bytes]) -> dict[str, Any]:
        found = {}
        for pair in attributes:
            if (said := known.get(pair)) is None:
                parsed = KeyValue.FromString(pair)
                said = parsed.key, plain_value(parsed)
                if len(known) < MAX_KNOWN and len(pair) <= MAX_PAIR:
                    known[pair] = said
            found[said[0]] = said[1]
        return found

    return read


def _unread(file: FileDescriptor, request: str) -> Any:
    """Give the class of a request of `file` whose records have attributes that are bytes."""
    proto = FileDescriptorProto()
    file.CopyToProto(proto)
    theirs, ours = f".{proto.package}.", f".journeytrace.{proto.package}."
    proto.name, proto.package = f"journeytrace/{proto.name}", ours.strip(".")
    waiting = list(proto.message_type)
    while waiting:
        message = waiting.pop()
        waiting += message.nested_type
        for field in message.field:
            if field.name == "attributes" and message.name in _RECORDS:
                field.type = FieldDescriptorProto.TYPE_BYTES
                field.ClearField("type_name")
            elif field.type_name:
                field.type_name = field.type_name.replace(theirs, ours)
    pool = descriptor_pool.Default()
    pool.AddSerializedFile(proto.SerializeToString())
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{proto.package}.{request}"))


TracesRequest: Final = _unread(trace_pb2.DESCRIPTOR, "TracesData")
"""Has the fields of an ``ExportTraceServiceRequest``."""

LogsRequest: Final = _unread(logs_pb2.DESCRIPTOR, "LogsData")
"""Has the fields of an ``ExportLogsServiceRequest``."""
