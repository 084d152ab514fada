"""OTLP's attribute lists as plain dicts."""

from __future__ import annotations

import base64
import math
from collections.abc import Iterable
from typing import Any, Final

from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource

from journeytrace.conventions import SERVICE_VERSION
from journeytrace_collector.core import fields

__all__ = ["MAX_NESTING", "plain_attributes", "plain_value", "service_of"]

MAX_NESTING: Final = 32
"""Values within each other, an attribute's own counted. Protobuf reads no message that holds more:
of the 100 that it allows within each other, each map takes three."""


MAX_VERSION: Final = 64
"""Characters of a service's version that are kept."""


def plain_attributes(pairs: Iterable[KeyValue]) -> dict[str, Any]:
    """Give plain values. Most values are non-empty strings: they skip the type switch.

    Raises:
        BadFieldError: a value is nested deeper than `MAX_NESTING`.
    """
    return {pair.key: pair.value.string_value or _plain(pair.value, pair.key, 1) for pair in pairs}


def plain_value(pair: KeyValue) -> Any:
    """Give the plain value of one attribute.

    Raises:
        BadFieldError: it is nested deeper than `MAX_NESTING`.
    """
    value = pair.value
    return value.string_value or _plain(value, pair.key, 1)


def _plain(value: AnyValue, key: str, depth: int) -> Any:
    """Turn an AnyValue into what JSON can hold; bytes become base64, as in OTLP/JSON."""
    kind = value.WhichOneof("value")
    if kind is None:
        return None
    if kind in {"array_value", "kvlist_value"}:
        if depth == MAX_NESTING:
            name = fields.printable(key[: fields.MAX_NAME])
            raise fields.BadFieldError(name, f"is nested deeper than {MAX_NESTING}")
        if kind == "array_value":
            return [_plain(item, key, depth + 1) for item in value.array_value.values]
        pairs = value.kvlist_value.values
        return {pair.key: _plain(pair.value, key, depth + 1) for pair in pairs}
    if kind == "bytes_value":
        return base64.b64encode(value.bytes_value).decode()
    plain = getattr(value, kind)
    # JSON has no word for these; null would hide that something was measured.
    return str(plain) if kind == "double_value" and not math.isfinite(plain) else plain


def service_of(resource: Resource) -> tuple[str | None, str | None]:
    """Give who sent it, and its version; None: it does not say."""
    service = version = None
    for pair in resource.attributes:
        if pair.key == "service.name":
            service = _told(pair.value, fields.MAX_FIELD)
        elif pair.key == SERVICE_VERSION:
            version = _told(pair.value, MAX_VERSION)
    return service, version


def _told(value: AnyValue, most: int) -> str | None:
    return fields.printable(value.string_value[:most]) or None
