"""The document of the admin API says what is so, all of it, in a form that programs read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest
from jsonschema import Draft202012Validator
from schemathesis.specs.openapi.definitions import OPENAPI_31_VALIDATOR

from journeytrace.catalogue import builtin_catalogue
from journeytrace_collector.admin.app import admin_app
from journeytrace_collector.core.unknown import UnknownNames
from journeytrace_collector.hosts import Hosts
from journeytrace_collector.security import Tokens

if TYPE_CHECKING:
    from tests.collector.admin.conftest import Asker

Document = dict[str, Any]

PAGE = Path(__file__).parents[3] / "docs" / "api.md"

WRONG = {
    "limit": "0",
    "since": "yesterday",
    "until": "tomorrow",
    "cursor": "!",
    "session": "\x07",
    "project": "x" * 513,
    "search": "x" * 513,
}
"""By parameter; of the others, no value may be as long, or is this one."""


@pytest.fixture(scope="module")
def document(ask: Asker) -> Document:
    """What the collector says of itself."""
    return cast(Document, ask("openapi.json").said)


def operations(document: Document) -> Iterator[tuple[str, str, Document]]:
    """Give (method, path, what is said of it)."""
    for path, methods in document["paths"].items():
        for method, said in methods.items():
            yield method.upper(), path, said


def queried(said: Document) -> list[str]:
    """Give the names of the parameters of a query."""
    return [one["name"] for one in said["parameters"] if one["in"] == "query"]


def asked(path: str) -> str:
    """Give the path of one session under ``/api/v1/``."""
    return path.removeprefix("/api/v1/").replace("{id}", "nobody")


def test_it_is_openapi(document: Document) -> None:
    """It meets the schema of OpenAPI 3.1, and all in it that of JSON Schema 2020-12."""
    assert [str(error) for error in OPENAPI_31_VALIDATOR.iter_errors(document)] == []
    for schema in document["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)
    assert document["info"]["version"] == version("journeytrace")


def test_it_needs_the_token(ask: Asker) -> None:
    """As everything else under its path does, and it says so."""
    assert ask("openapi.json", token=None).status == 401
    said = ask("openapi.json").said
    assert said["security"] == [{"token": []}]
    assert said["components"]["securitySchemes"]["token"]["scheme"] == "bearer"


def test_whatever_is_routed_is_documented(document: Document) -> None:
    """Each route of the API stands in it with its method, and nothing else does."""
    nothing = cast(Any, None)
    catalogue = builtin_catalogue()
    app = admin_app(
        nothing,
        nothing,
        nothing,
        readers=Tokens(),
        hosts=Hosts(),
        catalogue=catalogue,
        unknown=UnknownNames(catalogue),
        idle_timeout=1,
        ready=lambda: True,
        pages={},
        reports=nothing,
    )
    routed = {
        (route.method, route.resource.canonical)
        for route in app.router.routes()
        # What answers GET answers HEAD.
        if route.resource and route.method != "HEAD"
    }
    under = {one for one in routed if one[1].startswith("/api/")}
    assert routed - under == {("GET", "/healthz"), ("GET", "/readyz")}
    assert under == {(method, path) for method, path, _ in operations(document)}


def test_whatever_is_taken_is_documented(document: Document, ask: Asker) -> None:
    """An operation takes the parameters that it documents and no other."""
    for method, path, said in operations(document):
        error = ask(asked(path), method, colour="red").said["error"]
        assert error["field"] == "colour"
        assert error["allowed"] == (", ".join(queried(said)) or "none"), path


def test_whatever_is_documented_is_read(document: Document, ask: Asker) -> None:
    """A wrong value of any documented parameter is noticed."""
    for method, path, said in operations(document):
        for name in queried(said):
            beside = {"search": "x"} if name == "field" else {}
            wrong = {name: WRONG.get(name, "x" * 513)}
            answer = ask(asked(path), method, **wrong, **beside)
            assert answer.status == 400, (path, name)
            assert answer.said["error"]["field"].startswith(name), (path, name)


def test_the_page_for_people_names_every_operation(document: Document) -> None:
    """With its method, and names no other."""
    found = re.findall(r"`([A-Z]+) (/api/v1/[^`?]+)`", PAGE.read_text("utf-8"))
    known = {(method, path) for method, path, _ in operations(document)}
    assert set(found) == known - {("GET", "/api/v1/openapi.json")}


def test_everything_is_said_in_words(document: Document) -> None:
    """Operations, parameters, answers and their fields have descriptions, and none is of ours."""
    texts: dict[Any, str] = {}
    for method, path, said in operations(document):
        texts[method, path] = said.get("summary", "")
        texts |= {(path, one["name"]): one.get("description", "") for one in said["parameters"]}
    for name, schema in document["components"]["schemas"].items():
        if schema.get("type") == "object":
            texts[name] = schema.get("description", "")
            fields = schema["properties"].items()
            texts |= {(name, field): said.get("description", "") for field, said in fields}
    assert [where for where, text in texts.items() if not text] == []
    strange = ("DESIGN", "None", "``", "Raises")
    assert [text for text in texts.values() if any(word in text for word in strange)] == []


def test_its_examples_are_true(document: Document) -> None:
    """What it shows as an answer or a body meets the schema beside it, and each answer is shown."""
    shown = 0
    for _, path, said in operations(document):
        contents = [said["responses"]["200"]["content"], said.get("requestBody", {}).get("content")]
        for content in filter(None, contents):
            found = content["application/json"]
            if path.endswith("openapi.json"):
                continue
            schema = found["schema"] | {"components": document["components"]}
            Draft202012Validator(schema).validate(found["example"])
            shown += 1
    assert shown > 12
