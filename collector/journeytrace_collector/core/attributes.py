"""OTLP's attribute lists as plain dicts."""

from __future__ import annotations

import base64
import math
from collections.abc import Iterable
from typing import Any, Final

from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource

from journeytrace_collector.core import fields

__all__ = ["MAX_NESTING", "plain_attributes", "service_name"]

MAX_NESTING: Final = 32
"""Values within each other, an attribute's own counted. Protobuf reads no message that holds more:
of the 100 that it allows within each other, each map takes three."""


def plain_attributes(pairs: Iterable[KeyValue]) -> dict[str, Any]:
    """Give plain values. Most values are non-empty strings: they skip the type switch.

    Raises:
        BadFieldError: a value is nested deeper than `MAX_NESTING`.
    """
    return {pair.key: pair.value.string_value or _plain(pair.value, pair.key, 1) for pair in pairs}


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


def service_name(resource: Resource) -> str | None:
    """Give who sent it; None: it does not say."""
    for pair in resource.attributes:
        if pair.key == "service.name":
            return fields.printable(pair.value.string_value[: fields.MAX_FIELD]) or None
    return None
