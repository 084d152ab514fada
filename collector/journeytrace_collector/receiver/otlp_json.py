"""OTLP/JSON → protobuf, so that everything behind it knows one form.

``google.protobuf.json_format`` would read hex ids as base64 and refuse unknown fields; the project
opentelemetry-proto-json follows the OTLP/JSON rules, and its messages have protobuf's field names.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, TypeVar

from google.protobuf.message import Message
from opentelemetry.proto_json._json_codec import JsonMessage

from journeytrace_collector.errors import MalformedRequestError

__all__ = ["parse_json"]

M = TypeVar("M", bound=Message)


def parse_json(source: type[JsonMessage], body: bytes, target: M) -> M:
    """Read `body` as OTLP/JSON of the type `source` into `target`, and give `target`.

    Raises:
        MalformedRequestError: the body is no JSON, or a known field has the wrong type or range.
    """
    try:
        _copy(source.from_dict(json.loads(body)), target)
    except RecursionError:
        raise MalformedRequestError("the body is nested too deeply") from None
    except (ValueError, TypeError, OverflowError) as error:
        raise MalformedRequestError(f"the body is no OTLP/JSON: {error}") from error
    return target


def _copy(source: Any, target: Message) -> None:
    for field in target.DESCRIPTOR.fields:
        value = getattr(source, field.name, None)
        if value is None:
            continue
        if isinstance(value, list):
            _extend(getattr(target, field.name), value)
        elif isinstance(value, JsonMessage):
            child = getattr(target, field.name)
            child.SetInParent()
            _copy(value, child)
        else:
            setattr(target, field.name, value)


def _extend(target: Any, values: Iterable[Any]) -> None:
    for value in values:
        if isinstance(value, JsonMessage):
            _copy(value, target.add())
        else:
            target.append(value)
