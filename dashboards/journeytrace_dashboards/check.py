"""What can be told of the dashboards without a Grafana."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from journeytrace.catalogue import Catalogue
from journeytrace.conventions import ATTRIBUTES, DERIVED_ATTRIBUTES, METRICS
from journeytrace_dashboards import names
from journeytrace_dashboards.alerts import alert_groups
from journeytrace_dashboards.files import as_json, missing, outdated
from journeytrace_dashboards.queries import Query, queries, substituted
from journeytrace_dashboards.sources import Addresses, datasources

__all__ = ["SAMPLE_VALUES", "all_queries", "attributes", "problems", "sql_problems"]

SAMPLE_VALUES: Final[dict[str, str | list[str]]] = {
    "__from": "2026-01-01T00:00:00Z",
    "__to": "2030-01-01T00:00:00Z",
    "__range": "1h",
    "__rate_interval": "5m",
    "__tags": 'project="acme"',
    "project": ["acme", "(none)"],
    "check": ["FACE_COMPARE", "other"],
    "instance": ["127.0.0.1:9464"],
    "status": ["COMPLETED", "IN_PROGRESS", "DROPPED", "ERROR"],
    "decision": ["APPROVED", "REJECTED", "PENDING", "NONE"],
    "field": "email",
    "search": "o'neil@",
    "source": ["FE", "BE", "OP"],
    "reason": "",
    "error_code": "(none)",
    "stage": "STEP1",
    "rule": "decided-unseen",
    "event": "IP_RISK_CHECK",
    "impact": "BLOCKED",
    "result": "any",
    "event_source": "any",
    "corrected": "any",
    "session": "018f3b5e-0000-7000-8000-000000000001",
    "trace": "018f3b5e000070008000000000000001",
}
"""A value for every variable of ours and every one of Grafana's that we use."""


def all_queries(catalogue: Catalogue | None = None) -> list[Query]:
    """Give the queries of all dashboards, and those that a trace leads to.

    Here and below, `catalogue` has the stages; None: the built-in ones.
    """
    found = [query for board in as_json(catalogue).values() for query in queries(board)]
    return [*found, *_followed_from_traces()]


def problems(folder: Path | None, catalogue: Catalogue | None = None) -> Iterator[str]:
    """Say what is wrong with the dashboards, and with the files made of them in `folder`.

    None: no files are looked at.
    """
    if folder is not None:
        remedy = f"run journeytrace dashboards export {folder}"
        for name in missing(folder):
            yield f"{folder / name} is missing: {remedy}"
        for name in outdated(folder, catalogue):
            yield f"{folder / name} is not what the code makes: {remedy}"
    shown: set[str] = set()
    for query in all_queries(catalogue):
        text = substituted(query, SAMPLE_VALUES)
        if query.kind == "promql":
            faults = names.faults(text)
            yield from (f"{query.place}: {fault}" for fault in faults)
            shown |= set() if faults else names.metrics_in(text)
    for rule in (rule for group in alert_groups() for rule in group.rules):
        shown |= names.metrics_in(rule.expr)
    for metric in METRICS:
        if metric.name not in shown and metric.name not in names.NOT_SHOWN:
            yield f"{metric.name} is on no dashboard and in no alert"
    known = {*ATTRIBUTES, *DERIVED_ATTRIBUTES}
    yield from (
        f"Tempo: there is no attribute {name}" for name in attributes() if name not in known
    )


def sql_problems(database: str) -> Iterator[str]:
    """Say which SQL a database refuses to prepare.

    Raises:
        ModuleNotFoundError: psycopg is not installed.
        psycopg.OperationalError: the database cannot be reached.
    """
    import psycopg  # noqa: PLC0415 - whoever checks without a database need not have it

    with psycopg.connect(database, autocommit=True) as connection:
        for query in all_queries():
            if query.kind == "sql":
                text = f"PREPARE checked AS {substituted(query, SAMPLE_VALUES)}"
                try:
                    connection.execute(text.encode())
                    connection.execute("DEALLOCATE checked")
                except psycopg.Error as error:
                    yield f"{query.place}: {error}"


def attributes() -> list[str]:
    """Give the attributes of spans that lead on to metrics."""
    return [tag["key"] for links in _links() for tag in links["tags"]]


def _followed_from_traces() -> Iterator[Query]:
    for links in _links():
        for query in links["queries"]:
            yield Query(f"Tempo: {query['name']}", "promql", query["query"])


def _links() -> Iterator[dict[str, list[dict[str, str]]]]:
    for source in datasources(Addresses(tempo="http://tempo:3200")):
        yield source["jsonData"]["tracesToMetrics"]
