"""The data sources that panels read, and how they lead from one to the other.

Their uids are fixed, so that a dashboard finds them in every Grafana it is brought to.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from grafana_foundation_sdk.models.common import DataSourceRef

from journeytrace.conventions import EVENT_NAME, EVENTS_TOTAL, PROJECT_ID, STAGE

__all__ = [
    "POSTGRESQL",
    "PROMETHEUS",
    "TEMPO",
    "Addresses",
    "datasources",
]

PROMETHEUS: Final = DataSourceRef(type_val="prometheus", uid="prometheus")
TEMPO: Final = DataSourceRef(type_val="tempo", uid="tempo")
POSTGRESQL: Final = DataSourceRef(type_val="grafana-postgresql-datasource", uid="postgresql")


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where Grafana reaches the servers. None: that data source is somebody else's business."""

    prometheus: str | None = None
    """As ``http://prometheus:9090``."""
    tempo: str | None = None
    """As ``http://tempo:3200``."""
    postgresql: str | None = None
    """As ``postgresql://reader@postgresql:5432/journeytrace``. A password in it is not read."""
    scrape_interval: str = "15s"
    """How often Prometheus scrapes: Grafana takes no shorter windows than four of these."""


def datasources(addresses: Addresses) -> list[dict[str, Any]]:
    """Give the data sources as Grafana's API and its provisioning files have them, sorted by uid.

    Raises:
        ValueError: an address is no URL of its kind.
    """
    found = (_postgresql(addresses), _prometheus(addresses), _tempo(addresses))
    return [source for source in found if source is not None]


def _source(ref: DataSourceRef, name: str, url: str, **more: Any) -> dict[str, Any]:
    named = {"uid": ref.uid, "name": name, "type": ref.type_val, "access": "proxy", "url": url}
    return named | more


def _prometheus(addresses: Addresses) -> dict[str, Any] | None:
    if addresses.prometheus is None:
        return None
    settings = {
        "httpMethod": "POST",
        "timeInterval": addresses.scrape_interval,
        # A point on a duration panel opens the session it was measured on.
        "exemplarTraceIdDestinations": [{"name": "trace_id", "datasourceUid": TEMPO.uid}],
    }
    return _source(PROMETHEUS, "Prometheus", addresses.prometheus, jsonData=settings)


def _tempo(addresses: Addresses) -> dict[str, Any] | None:
    if addresses.tempo is None:
        return None
    # Grafana puts all the tags that a span has into the query, so it must be a metric with all
    # of these labels.
    query = f"sum by (impact) (rate({EVENTS_TOTAL.name}{{$__tags}}[$__rate_interval])) * 3600"
    links = {
        "datasourceUid": PROMETHEUS.uid,
        "spanStartTimeShift": "-1h",
        "spanEndTimeShift": "1h",
        "tags": [
            {"key": PROJECT_ID, "value": "project"},
            {"key": EVENT_NAME, "value": "event"},
            {"key": STAGE, "value": "stage"},
        ],
        "queries": [{"name": "Events like this one per hour, by impact", "query": query}],
    }
    return _source(TEMPO, "Tempo", addresses.tempo, jsonData={"tracesToMetrics": links})


def _postgresql(addresses: Addresses) -> dict[str, Any] | None:
    if addresses.postgresql is None:
        return None
    parts = urlsplit(addresses.postgresql)
    database = parts.path.removeprefix("/")
    if parts.scheme not in {"postgresql", "postgres"} or not (parts.hostname and database):
        raise ValueError("the address of PostgreSQL must look like postgresql://user@host:5432/db")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    settings = {"database": database, "sslmode": "disable", "postgresVersion": 1500}
    if parts.query.startswith("sslmode="):
        settings["sslmode"] = parts.query.removeprefix("sslmode=")
    return _source(
        POSTGRESQL,
        "Journey sessions",
        f"{host}:{parts.port or 5432}",
        user=unquote(parts.username or "journeytrace_reader"),
        jsonData=settings,
    )
