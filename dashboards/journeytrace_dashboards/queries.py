"""Every query of a dashboard, read back from its JSON: what is checked is what Grafana gets."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

from journeytrace_dashboards.sources import POSTGRESQL, PROMETHEUS, TEMPO

__all__ = ["Kind", "Query", "queries", "substituted"]

Kind: TypeAlias = Literal["promql", "sql", "traceql"]

_TEXTS: Final[dict[str | None, tuple[Kind, str]]] = {
    PROMETHEUS.uid: ("promql", "expr"),
    POSTGRESQL.uid: ("sql", "rawSql"),
    TEMPO.uid: ("traceql", "query"),
}
_LABEL_VALUES: Final = re.compile(r"label_values\((\w+), (\w+)\)")
_TIME_FILTER: Final = re.compile(r"\$__timeFilter\((\w+)\)")
_VARIABLE: Final = re.compile(r"\$(\w+)|\$\{(\w+)(?::(\w+))?\}")


@dataclass(frozen=True, slots=True)
class Query:
    """A query, and where it stands."""

    place: str
    """Dashboard and panel, variable or annotation, for people."""
    kind: Kind
    text: str
    """With Grafana's variables in it."""


def queries(board: Mapping[str, Any]) -> Iterator[Query]:
    """Give the queries of a dashboard's panels, annotations and variables."""
    title = board["title"]
    for panel in board["panels"]:
        for target in panel.get("targets", ()):
            kind, key = _TEXTS[target["datasource"]["uid"]]
            yield Query(f"{title}: {panel['title']} ({target['refId']})", kind, target[key])
    for mark in board.get("annotations", {}).get("list", ()):
        kind, key = _TEXTS[mark["datasource"]["uid"]]
        yield Query(f"{title}: annotation {mark['name']}", kind, mark[key])
    for variable in board.get("templating", {}).get("list", ()):
        if variable["type"] == "query":
            yield _of_variable(f"{title}: variable {variable['name']}", variable["query"])


def _of_variable(place: str, query: str | dict[str, str]) -> Query:
    if isinstance(query, str):
        return Query(place, "sql", query)
    # `label_values` is Grafana's own word for a question that PromQL asks like this.
    return Query(place, "promql", _LABEL_VALUES.sub(r"count by (\2) (\1)", query["query"]))


def substituted(query: Query, values: Mapping[str, str | list[str]]) -> str:
    """Put values in the place of variables, as Grafana does.

    `values` has the built-in variables too, such as ``__range``; ``__from`` and ``__to`` are times
    as SQL writes them.

    Raises:
        KeyError: a variable has no value.
        ValueError: SQL has a variable that is not quoted, so that whoever fills it in could write
            SQL of their own.
    """
    text = _TIME_FILTER.sub(r"\1 BETWEEN '$__from' AND '$__to'", query.text)

    def value(found: re.Match[str]) -> str:
        name, form = found[1] or found[2], found[3]
        given = values[name]
        if query.kind == "sql" and form != "sqlstring" and not name.startswith("__"):
            raise ValueError(f"{query.place}: ${name} must be written ${{{name}:sqlstring}}")
        if form == "sqlstring":
            several = [given] if isinstance(given, str) else given
            return ",".join("'" + one.replace("'", "''") + "'" for one in several)
        return given if isinstance(given, str) else f"({'|'.join(map(_literally, given))})"

    return _VARIABLE.sub(value, text)


def _literally(text: str) -> str:
    # Twice, for the pattern stands in a string of PromQL, which has escapes of its own.
    return re.sub(r"([\\^$.*+?()\[\]{}|])", r"\\\\\1", text)
