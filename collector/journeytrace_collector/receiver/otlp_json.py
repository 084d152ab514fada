"""OTLP/JSON → protobuf, so that everything behind it knows one form.

``google.protobuf.json_format`` would read hex ids as base64 and refuse unknown fields. Here the
frame of a request is read first, and then each record by itself: a faulty one costs no other, and
never more than one is held as Python's dicts, which take ten times the room.
"""

from __future__ import annotations

import json
import re
from base64 import b64decode
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, Final, NamedTuple, TypeVar

import msgspec
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from journeytrace_collector.core.attributes import MAX_NESTING
from journeytrace_collector.core.fields import MAX_NAME, BadFieldError
from journeytrace_collector.core.model import Rejection
from journeytrace_collector.core.weight import MAX_RECORDS, check_json
from journeytrace_collector.errors import MalformedRequestError, RequestTooLargeError

__all__ = ["read_logs", "read_traces"]

M = TypeVar("M", bound=Message)

_RECORD_MARKS: Final = 100_000
"""Braces, brackets and commas in one record, which is held as dicts: at most 23 MiB."""

_LONE: Final = re.compile(
    rb"\\u[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F])"
    rb"|(?<!\\u[dD][89abAB][0-9a-fA-F]{2})\\u[dD][c-fC-F][0-9a-fA-F]{2}"
)
"""Half of a surrogate pair. No text has one, and msgspec refuses the whole body for it."""
_STAND_IN: Final = b"\\ufdd0"
"""What is put for such a half while the frame is read; Unicode keeps it from being a character."""

_NO_RAW: Final = msgspec.Raw(b"")


class _Scope(msgspec.Struct, rename="camel", gc=False):
    scope: msgspec.Raw = _NO_RAW
    spans: list[msgspec.Raw] | None = None
    log_records: list[msgspec.Raw] | None = None
    schema_url: msgspec.Raw = _NO_RAW


class _Resource(msgspec.Struct, rename="camel", gc=False):
    resource: msgspec.Raw = _NO_RAW
    scope_spans: list[_Scope] | None = None
    scope_logs: list[_Scope] | None = None
    schema_url: msgspec.Raw = _NO_RAW


class _Frame(msgspec.Struct, rename="camel", gc=False):
    resource_spans: list[_Resource] | None = None
    resource_logs: list[_Resource] | None = None


_frame = msgspec.json.Decoder(_Frame).decode
_value = msgspec.json.Decoder().decode


class _Kind(NamedTuple):
    """Where the parts of a signal stand, and what a record is called."""

    resources: str
    scopes: str
    records: str
    called: str


_TRACES: Final = _Kind("resource_spans", "scope_spans", "spans", "span")
_LOGS: Final = _Kind("resource_logs", "scope_logs", "log_records", "log record")


def read_traces(body: bytes, target: M) -> tuple[M, list[Rejection]]:
    """Read spans into `target`; gives it, and one entry for each span that was left out.

    Raises:
        MalformedRequestError: the frame around the records is not OTLP's.
        RequestTooLargeError: there is more in it than may be parsed.
    """
    return _read(body, target, _TRACES)


def read_logs(body: bytes, target: M) -> tuple[M, list[Rejection]]:
    """Read log records; see `read_traces`."""
    return _read(body, target, _LOGS)


def _read(body: bytes, target: M, kind: _Kind) -> tuple[M, list[Rejection]]:
    check_json(body)
    try:
        lone = False
        try:
            frame = _frame(body)
        except msgspec.ValidationError:
            raise
        except msgspec.DecodeError:
            body, lone = _without_lone_surrogates(body)
            if not lone:
                raise
            frame = _frame(body)
    except RecursionError:
        raise MalformedRequestError("the body is nested too deeply") from None
    except (msgspec.MsgspecError, UnicodeError) as error:
        raise MalformedRequestError(f"the body is no OTLP/JSON: {error}") from error
    resources = getattr(frame, kind.resources) or []
    scopes = [scope for own in resources for scope in getattr(own, kind.scopes) or ()]
    if sum(len(getattr(scope, kind.records) or ()) for scope in scopes) > MAX_RECORDS:
        raise RequestTooLargeError(
            f"the request holds more than {MAX_RECORDS} records; send smaller batches"
        )
    rejections: list[Rejection] = []
    for source in resources:
        holder = getattr(target, kind.resources).add()
        rejections += _read_resource(source, holder, kind, lone)
    return target, rejections


def _without_lone_surrogates(body: bytes) -> tuple[bytes, bool]:
    # No JSON holds the control character that keeps an escaped backslash from being one.
    # One for each record is the most that is of use: the pieces between them take memory.
    body = body.replace(b"\\\\", b"\1\1")
    body, found = _LONE.subn(lambda _: _STAND_IN, body, MAX_RECORDS + 1)
    if found > MAX_RECORDS:
        raise MalformedRequestError("the body is full of halves of surrogate pairs")
    return body.replace(b"\1\1", b"\\\\"), found > 0


def _read_resource(source: _Resource, holder: Any, kind: _Kind, lone: bool) -> Iterator[Rejection]:
    fault = _try(holder, {"resource": source.resource, "schemaUrl": source.schema_url}, lone)
    for scope in getattr(source, kind.scopes) or ():
        own = getattr(holder, kind.scopes).add()
        parts = {"scope": scope.scope, "schemaUrl": scope.schema_url}
        own_fault = fault or _try(own, parts, lone)
        records = getattr(own, kind.records)
        for raw in getattr(scope, kind.records) or ():
            if own_fault:
                # What it belongs to cannot be told, and neighbours of other resources go on.
                name = own_fault.name or "resource"
                yield Rejection(kind.called, name, own_fault.problem)
                continue
            taken = len(records)
            record: Any = None
            try:
                record = _load(raw, lone)
                _fill(records.add(), record, 0)
            except BadFieldError as bad:
                # What the fault left of it.
                del records[taken:]
                yield Rejection(_where(kind, record), bad.name or "record", bad.problem)


def _where(kind: _Kind, record: Any) -> str:
    name = record.get("name") or record.get("eventName") if isinstance(record, dict) else None
    return f"{kind.called} {name[:MAX_NAME]!r}" if isinstance(name, str) else kind.called


def _try(target: Any, parts: dict[str, msgspec.Raw], lone: bool) -> BadFieldError | None:
    try:
        present = {key: _load(raw, lone) for key, raw in parts.items() if raw is not _NO_RAW}
        _fill(target, present, 0)
    except BadFieldError as bad:
        return bad
    return None


def _load(raw: msgspec.Raw, lone: bool) -> Any:
    text = bytes(raw)
    if text.count(b"{") + text.count(b"[") + text.count(b",") > _RECORD_MARKS:
        raise BadFieldError("attributes", "hold too many values for one record")
    try:
        if lone and _STAND_IN in text:
            # Python's own reader keeps the half, so that its field is found out below.
            return json.loads(text.replace(_STAND_IN, b"\\ud800"))
        return _value(text)
    except RecursionError:
        raise BadFieldError("attributes", f"are nested deeper than {MAX_NESTING}") from None
    except ValueError as error:
        raise BadFieldError("record", f"is no JSON: {error}") from None


class _Field(NamedTuple):
    """How one field is read."""

    name: str
    repeated: bool
    message: bool
    nests: bool
    """Whether it is one value within another."""
    read: Callable[[Any], Any]


def _fill(target: Any, source: Any, depth: int) -> None:
    """Copy what `target` knows; `depth` is the number of values around it."""
    if type(source) is not dict:
        raise BadFieldError("", "must be an object")
    fields = _fields(target.DESCRIPTOR)
    for key, value in source.items():
        field = fields.get(key)
        if field is None or value is None:
            continue
        try:
            if field.repeated:
                _extend(getattr(target, field.name), field, value, depth)
            elif field.message:
                child = getattr(target, field.name)
                child.SetInParent()
                _fill(child, value, _deeper(field, depth))
            else:
                setattr(target, field.name, field.read(value))
        except BadFieldError as bad:
            dot = "." if bad.name and bad.name[0] != "[" else ""
            raise BadFieldError(f"{key}{dot}{bad.name}", bad.problem) from None
        except UnicodeError:
            raise BadFieldError(key, "holds half of a surrogate pair, which is no text") from None
        except (TypeError, ValueError, OverflowError):
            raise BadFieldError(key, f"cannot be {_shown(value)}") from None


def _extend(target: Any, field: _Field, values: Any, depth: int) -> None:
    if type(values) is not list:
        raise BadFieldError("", "must be an array")
    depth = _deeper(field, depth)
    for number, value in enumerate(values):
        try:
            if field.message:
                _fill(target.add(), value, depth)
            else:
                target.append(field.read(value))
        except BadFieldError as bad:
            dot = "." if bad.name and bad.name[0] != "[" else ""
            raise BadFieldError(f"[{number}]{dot}{bad.name}", bad.problem) from None


def _deeper(field: _Field, depth: int) -> int:
    if field.nests and depth >= MAX_NESTING:
        raise BadFieldError("", f"is nested deeper than {MAX_NESTING}")
    return depth + field.nests


def _shown(value: Any) -> str:
    if isinstance(value, list | dict):
        return "an array" if isinstance(value, list) else "an object"
    return repr(str(value)[:MAX_NAME])


@cache
def _fields(kind: Descriptor) -> dict[str, _Field]:
    return {field.json_name: _field(field) for field in kind.fields}


def _field(field: FieldDescriptor) -> _Field:
    message = field.message_type
    nests = message is not None and message.name == "AnyValue"
    return _Field(field.name, field.is_repeated, message is not None, nests, _reader(field))


def _reader(field: FieldDescriptor) -> Callable[[Any], Any]:
    match field.cpp_type:
        case FieldDescriptor.CPPTYPE_STRING if field.type == FieldDescriptor.TYPE_STRING:
            return _text
        case FieldDescriptor.CPPTYPE_STRING:
            return _hex if field.name.endswith("_id") else _base64
        case FieldDescriptor.CPPTYPE_BOOL:
            return _bool
        case FieldDescriptor.CPPTYPE_DOUBLE:
            return _double
        case FieldDescriptor.CPPTYPE_ENUM:
            return _number
    return _int


def _text(value: Any) -> str:
    if type(value) is not str:
        raise TypeError
    return value


def _hex(value: Any) -> bytes:
    return bytes.fromhex(_text(value))


def _base64(value: Any) -> bytes:
    return b64decode(_text(value))


def _bool(value: Any) -> bool:
    if type(value) is not bool:
        raise TypeError
    return value


def _number(value: Any) -> int:
    if type(value) is not int:
        raise TypeError
    return value


def _int(value: Any) -> int:
    # 64 bits are a text in JSON, or the number itself.
    return int(value) if type(value) is str else _number(value)


def _double(value: Any) -> float:
    if type(value) is bool:
        raise TypeError
    # It reads NaN and Infinity, which are texts in JSON.
    return float(value)
