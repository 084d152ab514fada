"""What can be asked, as an OpenAPI 3.1 document: made of what answers, so that it cannot drift.

An operation is a method of the handlers under `operation`, which says where it is asked and with
what. The rest it says itself: its docstring is its description, the type that it gives is its
answer, and what stands under the fields of that type is their meaning.
"""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from itertools import pairwise
from types import MappingProxyType
from typing import Any, Final, TypeAlias, TypeVar, get_type_hints

import msgspec

from journeytrace_collector.admin.answers import ErrorAnswer
from journeytrace_collector.admin.parameters import Parameter

__all__ = ["Operation", "document", "operation", "operations"]

Answering: TypeAlias = Callable[..., Awaitable[Any]]
_A = TypeVar("_A", bound=Answering)

_REF: Final = "#/components/schemas/{name}"
_MARK: Final = "journeytrace_operation"
_IN_PATH: Final = re.compile(r"\{(\w+)\}")

_EVERYWHERE: Final = (400, 401, 403, 421, 503)
"""What any operation can answer instead."""
_ERRORS: Final = {
    400: "A parameter, or the body, is unknown or not allowed: `field` and `allowed` say which"
    " and what would be.",
    401: "The token is missing or wrong.",
    403: "No token is asked for here, and a web page of elsewhere has sent the request.",
    404: "There is no such session, or it had not begun as of then.",
    409: "Several sessions have this support code: search for it.",
    413: "The body is larger than 1 MiB.",
    415: "The body is not said to be `application/json`.",
    421: "No token is asked for here, and the request names a host that nobody gave the collector.",
    501: "The collector is not set up for it: the message says what has to be installed, or set.",
    503: "The store cannot be read or written right now. The same request can succeed later.",
}
_HEADERS: Final[Mapping[int, Mapping[str, str]]] = MappingProxyType(
    {
        401: {"WWW-Authenticate": "`Bearer`"},
        503: {"Retry-After": "Seconds to wait."},
    }
)

_ABOUT: Final = """\
Sessions of KYC and identity-verification journeys: what became of each, and why.

* Times are RFC 3339 in UTC, to the microsecond. `null` means: unknown, or not yet.
* A session's status is how far it got, its decision what came of it: `COMPLETED` is not approved.
* What answers GET answers HEAD as well. A parameter that is unknown or given twice is refused.
* A line of a request has up to 8,190 bytes; what is no HTTP at all is answered in plain text.
* Fields are added without notice: pass over those that you do not know.
* Where the collector has no admin token, none is asked for.
"""


@dataclass(frozen=True, slots=True)
class Operation:
    """One thing that can be asked."""

    method: str
    path: str
    """As the document has it, such as ``/api/v1/sessions/{id}``."""
    handler: Answering
    """Takes the request and gives what is answered as JSON."""
    parameters: tuple[Parameter, ...] = ()
    """Of its query; there are no others."""
    body: type | None = None
    """What has to be sent as JSON; None: nothing."""
    errors: tuple[int, ...] = ()
    """What it can answer beside what all can."""

    @property
    def route(self) -> str:
        """The path as the router has it: any id that is listed, also one with a brace in it."""
        return _IN_PATH.sub(r"{\1:[^/]+}", self.path)

    @property
    def answer(self) -> Any:
        """The type of what it answers."""
        return get_type_hints(self.handler, include_extras=True)["return"]


def operation(
    method: str,
    path: str,
    parameters: tuple[Parameter, ...] = (),
    *,
    body: type | None = None,
    errors: tuple[int, ...] = (),
) -> Callable[[_A], _A]:
    """Make a method of the handlers answer to this; see `Operation`."""

    def mark(handler: _A) -> _A:
        setattr(handler, _MARK, (method, path, parameters, body, errors))
        return handler

    return mark


def operations(handlers: object) -> list[Operation]:
    """Give what the methods of `handlers` answer to, in their order."""
    found = []
    for name, plain in vars(type(handlers)).items():
        if (said := getattr(plain, _MARK, None)) is not None:
            method, path, *rest = said
            found.append(Operation(method, path, getattr(handlers, name), *rest))
    return found


def document(
    found: Sequence[Operation],
    path_parameters: Mapping[str, Parameter],
    examples: Iterable[msgspec.Struct] = (),
) -> dict[str, Any]:
    """Describe operations; `examples`: what they could answer, and be sent."""
    shown = {type(one): msgspec.json.decode(msgspec.json.encode(one)) for one in examples}
    types = [kind for one in found for kind in (one.answer, one.body) if kind is not None]
    _, schemas = msgspec.json.schema_components([*types, ErrorAnswer], ref_template=_REF)
    for kind in _structs(schemas, [*types, ErrorAnswer]):
        _describe(schemas[kind.__name__], kind)
    paths: dict[str, dict[str, Any]] = {}
    for one in found:
        paths.setdefault(one.path, {})[one.method.lower()] = _operation(one, path_parameters, shown)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "journeytrace",
            "version": version("journeytrace"),
            "description": _ABOUT,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "responses": {str(code): _error(code) for code in sorted(_ERRORS)},
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "The collector's `admin_token`.",
                }
            },
        },
    }


def _operation(
    one: Operation, path_parameters: Mapping[str, Parameter], shown: Mapping[type, Any]
) -> dict[str, Any]:
    summary, _, rest = (inspect.getdoc(one.handler) or one.path).partition("\n\n")
    in_path = [path_parameters[name].in_path() for name in _IN_PATH.findall(one.path)]
    said: dict[str, Any] = {
        "operationId": one.handler.__name__,
        "summary": _plain(summary).rstrip("."),
        "parameters": [*in_path, *(parameter.in_query() for parameter in one.parameters)],
    }
    if rest:
        said["description"] = _plain(rest)
    if one.body is not None:
        said["requestBody"] = {"required": True, "content": _content(one.body, shown)}
    answers = {"200": {"description": "The answer.", "content": _content(one.answer, shown)}}
    for code in sorted({*_EVERYWHERE, *one.errors}):
        answers[str(code)] = {"$ref": f"#/components/responses/{code}"}
    said["responses"] = answers
    return said


def _content(kind: Any, shown: Mapping[type, Any]) -> dict[str, Any]:
    (schema,), _ = msgspec.json.schema_components([kind], ref_template=_REF)
    said = {"schema": schema}
    if kind in shown:
        said["example"] = shown[kind]
    return {"application/json": said}


def _error(code: int) -> dict[str, Any]:
    said: dict[str, Any] = {
        "description": _ERRORS[code],
        "content": _content(ErrorAnswer, {}),
    }
    if code in _HEADERS:
        said["headers"] = {
            name: {"description": text, "schema": {"type": "string"}, "required": True}
            for name, text in _HEADERS[code].items()
        }
    return said


def _structs(names: Iterable[str], kinds: Iterable[type]) -> list[type[msgspec.Struct]]:
    """Give the structs of these names, which the types are made of."""
    known: dict[str, type[msgspec.Struct]] = {}
    todo: list[Any] = [msgspec.inspect.type_info(kind) for kind in kinds]
    while todo:
        info = todo.pop()
        if isinstance(info, msgspec.inspect.StructType):
            if info.cls.__name__ in known:
                continue
            known[info.cls.__name__] = info.cls
            todo += [field.type for field in info.fields]
        for part in ("type", "item_type", "value_type"):
            if (inner := getattr(info, part, None)) is not None:
                todo.append(inner)
        todo += getattr(info, "types", ())
    return [known[name] for name in names if name in known]


def _describe(schema: dict[str, Any], kind: type[msgspec.Struct]) -> None:
    """Add to the schema of a struct what its source says of it."""
    if "description" in schema:
        schema["description"] = _plain(schema["description"])
    for name, text in _meanings(kind).items():
        if name in schema.get("properties", {}):
            schema["properties"][name]["description"] = _plain(text)


def _meanings(kind: type) -> dict[str, str]:
    """Give what stands under the fields of a class."""
    try:
        [found] = ast.parse(textwrap.dedent(inspect.getsource(kind))).body
    except (OSError, SyntaxError):
        # Installed without its source: the document says less then, and nothing that is wrong.
        return {}
    return {
        field.target.id: inspect.cleandoc(text.value.value)
        for field, text in pairwise(getattr(found, "body", ()))
        if isinstance(field, ast.AnnAssign)
        and isinstance(field.target, ast.Name)
        and isinstance(text, ast.Expr)
        and isinstance(text.value, ast.Constant)
        and isinstance(text.value.value, str)
    }


def _plain(text: str) -> str:
    """Make of our words what a stranger reads, to whom None is null and the design unknown."""
    text = re.sub(r" \(DESIGN section \d+\)|``", lambda found: "`" * (found[0] == "``"), text)
    text = re.sub(r"\bNone\b", "null", text)
    # Lines of one paragraph belong together; items of lists do not.
    return re.sub(r"(?<!\n)\n(?![\n*])\s*", " ", text)
