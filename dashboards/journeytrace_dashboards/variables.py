"""The filters on top of the dashboards."""

from __future__ import annotations

from collections.abc import Mapping

from grafana_foundation_sdk.builders.dashboard import (
    CustomVariable,
    QueryVariable,
    TextBoxVariable,
)
from grafana_foundation_sdk.models.dashboard import (
    VariableHide,
    VariableOption,
    VariableRefresh,
    VariableSort,
)

from journeytrace.conventions import (
    CHECK_DURATION_SECONDS,
    COLLECTOR_BUILD_INFO,
    SESSIONS_STARTED_TOTAL,
)
from journeytrace_dashboards.sources import POSTGRESQL, PROMETHEUS

__all__ = [
    "choice",
    "counted_projects",
    "derived",
    "instances",
    "stored_projects",
    "text",
    "timed_checks",
]


def counted_projects() -> QueryVariable:
    """Filter by project what Prometheus has. All of them includes sessions that named none."""
    labels = f"label_values({SESSIONS_STARTED_TOTAL.name}, project)"
    return _from_prometheus("project", "Project", labels, "Sessions of these projects only.")


def instances() -> QueryVariable:
    """Filter by collector."""
    labels = f"label_values({COLLECTOR_BUILD_INFO.name}, instance)"
    return _from_prometheus("instance", "Collector", labels, "These collectors only.")


def timed_checks() -> QueryVariable:
    """Filter by check what tells of how long they take."""
    labels = f"label_values({CHECK_DURATION_SECONDS.name}_count, event)"
    return _from_prometheus("check", "Timed check", labels, "For the panel Check duration alone.")


def stored_projects(query: str) -> QueryVariable:
    """Filter by project what PostgreSQL has."""
    return (
        _several(QueryVariable("project"))
        .label("Project")
        .description("Sessions of these projects only; (none) are those that named no project.")
        .datasource(POSTGRESQL)
        .query(query)
        .refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
    )


def choice(
    name: str, label: str, description: str, options: Mapping[str, str], *, several: bool = True
) -> CustomVariable:
    """Filter by fixed values; `options` gives the text that stands for each.

    Several can be chosen, and all are; with `several` False only one, and the first is.
    """
    variable = CustomVariable(name).label(label).description(description)
    variable.values(", ".join(f"{shown} : {value}" for value, shown in options.items()))
    variable.allow_custom_value(False)
    if several:
        return variable.multi(True).include_all(True).current(_ALL)
    value, shown = next(iter(options.items()))
    return variable.current(VariableOption(selected=True, text=shown, value=value))


def text(name: str, label: str, description: str) -> TextBoxVariable:
    """Let people type."""
    empty = VariableOption(selected=True, text="", value="")
    variable = TextBoxVariable(name).label(label).description(description)
    return variable.default_value("").current(empty).options([empty])


def derived(name: str, query: str, default: str) -> QueryVariable:
    """Look a value up that nobody has to see; it is `default` until there is one."""
    return (
        QueryVariable(name)
        .hide(VariableHide.HIDE_VARIABLE)
        .description("Follows from the other filters.")
        .datasource(POSTGRESQL)
        .query(query)
        .refresh(VariableRefresh.ON_DASHBOARD_LOAD)
        .current(VariableOption(selected=True, text=default, value=default))
    )


_ALL = VariableOption(selected=True, text=["All"], value=["$__all"])


def _from_prometheus(name: str, label: str, labels: str, description: str) -> QueryVariable:
    # The empty string among the matches: a label that is missing is one that is empty.
    return (
        _several(QueryVariable(name))
        .label(label)
        .description(description)
        .datasource(PROMETHEUS)
        .query({"query": labels, "refId": "variable"})
        .refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
        .all_value(".*")
    )


def _several(variable: QueryVariable) -> QueryVariable:
    variable.sort(VariableSort.ALPHABETICAL_ASC).allow_custom_value(False)
    return variable.multi(True).include_all(True).current(_ALL)
