from __future__ import annotations

from importlib.util import find_spec
from typing import Any

import pytest

from journeytrace.conventions import ATTRIBUTES, DERIVED_ATTRIBUTES, METRICS
from journeytrace_dashboards.check import SAMPLE_VALUES, all_queries, attributes, problems
from journeytrace_dashboards.names import NOT_SHOWN, faults, metrics_in
from journeytrace_dashboards.promql import select
from journeytrace_dashboards.queries import Query, substituted

PROMQL = [query for query in all_queries() if query.kind == "promql"]


def alert_expressions() -> tuple[list[str], set[str]]:
    """Give the expressions of all alerts, and the names of what they record."""
    if find_spec("journeytrace_dashboards.alerts") is None:
        return [], set()
    from journeytrace_dashboards.alerts import alert_groups

    groups: Any = alert_groups()
    rules = [rule for group in groups for rule in group.rules]
    return [rule.expr for rule in rules], {
        recording.record for group in groups for recording in group.recordings
    }


@pytest.mark.parametrize("query", PROMQL, ids=lambda query: query.place)
def test_a_query_asks_for_what_exists(query: Query) -> None:
    """Metrics and labels of the conventions, whichever project is chosen."""
    assert faults(substituted(query, SAMPLE_VALUES)) == []


def test_every_filter_reaches_every_query() -> None:
    """Of what has a project or a collector; a query that has neither has no use for the filter."""
    filters = {"Journeys": ("project", "$project"), "Collector health": ("instance", "$instance")}
    labels = {metric.name: {"instance", *metric.labels} for metric in METRICS}
    for query in PROMQL:
        label, variable = filters.get(query.place.split(":")[0], ("", ""))
        asked = metrics_in(substituted(query, SAMPLE_VALUES))
        if variable and "variable" not in query.place and asked:
            selectors = query.text.count("journey_")
            wanted = (
                selectors if label in set.intersection(*(labels[name] for name in asked)) else 0
            )
            assert query.text.count(variable) == wanted, query.place


def test_alerts_ask_for_what_exists() -> None:
    """As the dashboards do; what they record themselves may be asked for too."""
    expressions, recorded = alert_expressions()
    found = {expr: faults(expr, recorded) for expr in expressions}
    assert {expr: wrong for expr, wrong in found.items() if wrong} == {}


def test_every_metric_is_shown() -> None:
    """On a dashboard or in an alert; or there is a reason why not."""
    texts = [substituted(query, SAMPLE_VALUES) for query in PROMQL]
    texts += alert_expressions()[0]
    shown = {name for text in texts for name in metrics_in(text)}
    assert {metric.name for metric in METRICS} - shown == set(NOT_SHOWN)
    assert all(reason.endswith(".") for reason in NOT_SHOWN.values())


def test_traces_lead_on_by_attributes_that_exist() -> None:
    """To the metrics of the span's project, event and stage."""
    assert attributes()
    assert set(attributes()) <= {*ATTRIBUTES, *DERIVED_ATTRIBUTES}


@pytest.mark.parametrize(
    ("expr", "fault"),
    [
        ("sum(journey_event_total)", "asks for journey_event_total, which is no metric"),
        ('journey_events_total{stag="x"}', "journey_events_total has no label stag"),
        ("sum by (reason) (journey_events_total)", "has a label reason"),
        ("sum(journey_session_duration_seconds)", "which is no metric"),
        ("journey_events_total / on (reason) journey_sessions_open", "has a label reason"),
        ("journey_events_total > 0 / on (event) journey_events_total", "is no PromQL"),
        ("sum(", "is no PromQL"),
    ],
)
def test_a_faulty_query_is_told(expr: str, fault: str) -> None:
    """By what is wrong with it."""
    found = faults(expr)
    assert found
    assert fault in found[0]


def test_a_label_that_was_put_there_exists() -> None:
    """label_replace makes one."""
    made = 'label_replace(journey_sessions_open, "step", "$1", "stage", "(.*)")'
    assert faults(f"sum by (step) ({made})") == []


def test_a_matcher_needs_a_label_of_its_metric() -> None:
    """A slip is told where it is made."""
    with pytest.raises(ValueError, match="journey_decisions_total has no label impact"):
        select(next(m for m in METRICS if m.name == "journey_decisions_total"), 'impact="NONE"')


def test_typed_text_cannot_become_sql() -> None:
    """A variable reaches SQL quoted, or not at all."""
    values = {"search": "x'; DROP TABLE sessions; --"}
    quoted = Query("here", "sql", "SELECT ${search:sqlstring}")
    assert substituted(quoted, values) == "SELECT 'x''; DROP TABLE sessions; --'"
    with pytest.raises(ValueError, match="must be written"):
        substituted(Query("here", "sql", "SELECT '$search'"), values)


def test_nothing_is_wrong(repository: Any) -> None:
    """What the command `check` says of the committed files."""
    assert list(problems(repository / "dashboards" / "generated")) == []
