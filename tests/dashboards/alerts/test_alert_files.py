"""What is committed is what the code says, and names nothing that does not exist."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest
import yaml
from tests.support.events import MINUTE, SECOND
from tests.support.waiting import PATIENCE

from journeytrace.catalogue import builtin_catalogue
from journeytrace.conventions import METRICS, Decision, Impact, Source, Status
from journeytrace_collector.admin.cohorts import parse_pair
from journeytrace_dashboards.alerts import Settings, alert_files, alert_groups, export_alerts
from journeytrace_dashboards.alerts.quiet import Quiet
from journeytrace_dashboards.alerts.settings import DEFAULTS
from journeytrace_dashboards.alerts.texts import links
from journeytrace_desk.views.diff import last_week

ROOT = Path(__file__).parents[3]
WEEK = 7 * 24 * 60 * MINUTE
GENERATED = ROOT / "dashboards" / "generated"
GROUPS = alert_groups()
ALERTS = [alert for group in GROUPS for alert in group.alerts]
RECORDINGS = [rule for group in GROUPS for rule in group.recordings]
EXPRESSIONS = [rule.expr for group in GROUPS for rule in group.rules]
PROMETHEUS_OWN = {"up": {"job", "instance"}}
LABELS = {"scope", "season", "window"}
"""What recordings add to the metrics' own."""
WORDS = {
    *(
        "absent",
        "and",
        "avg_over_time",
        "by",
        "clamp_min",
        "count",
        "count_over_time",
        "group_left",
        "increase",
    ),
    *("histogram_quantile", "label_replace", "max", "offset", "on", "or"),
    *("quantile", "quantile_over_time", "rate", "sqrt", "sum", "sum_over_time", "topk", "unless"),
    "without",
}


def metrics() -> dict[str, set[str]]:
    """Give every name that may be asked for, with its labels."""
    known = {metric.name: {*metric.labels, "instance"} for metric in METRICS}
    known |= {f"{m.name}_bucket": {*m.labels, "le"} for m in METRICS if m.buckets}
    recorded = {rule.record: {"scope", "window"} for rule in RECORDINGS}
    return known | recorded | PROMETHEUS_OWN


def texts(content: Any) -> Iterator[str]:
    """Give every text in a file."""
    if isinstance(content, dict):
        content = list(content.values())
    if isinstance(content, list):
        for part in content:
            yield from texts(part)
    if isinstance(content, str):
        yield content


def grafana_rules() -> list[dict[str, Any]]:
    """Read the rules that are provisioned to Grafana."""
    groups = yaml.safe_load((GENERATED / "alerts" / "journeytrace.grafana.yml").read_text("utf-8"))
    return [rule for group in groups["groups"] for rule in group["rules"]]


@pytest.mark.parametrize("name", sorted(alert_files()))
def test_what_is_committed_is_what_the_code_says(name: str) -> None:
    """To mend it: ``journeytrace dashboards export dashboards/generated``."""
    assert (GENERATED / "alerts" / name).read_text("utf-8") == alert_files()[name]


def test_no_other_file_lies_there() -> None:
    """A file that nobody writes any more would be loaded all the same."""
    assert {path.name for path in (GENERATED / "alerts").iterdir()} == set(alert_files())


def test_promtool_accepts_the_rules(program: Callable[[str], str], tmp_path: Path) -> None:
    """Also with other settings than those that are committed."""
    other = replace(
        Settings(),
        deviations=2.5,
        volume=100,
        windows=(timedelta(minutes=10), timedelta(hours=1)),
        seasons=(),
        quiet_hours=(Quiet.parse("22:00-06:00"), Quiet.parse("sat,sun 00:00-24:00")),
        alertmanager_url="https://alertmanager.example",
        grafana_url="https://grafana.example",
    )
    paths = [*export_alerts(tmp_path / "default"), *export_alerts(tmp_path / "other", other)]
    rules = [str(path) for path in paths if "grafana" not in path.name]
    command = [program("promtool"), "check", "rules", "--lint-fatal", *rules]
    subprocess.run(command, check=True, capture_output=True, timeout=PATIENCE)


@pytest.mark.parametrize("expr", EXPRESSIONS)
def test_every_metric_and_label_exists(expr: str) -> None:
    """Metrics are those of the conventions, what is recorded, or ``up``; labels are theirs."""
    known = metrics()
    bare = re.sub(r'"[^"]*"', '""', expr)
    for name, matchers in re.findall(r"([a-z_0-9:]+)\{([^}]*)\}", bare):
        assert set(re.findall(r"(\w+)[=!]", matchers)) <= known[name], name
    labels = {
        label.strip()
        for listed in re.findall(r"(?:by|on|without|group_left) \(([^)]*)\)", bare)
        for label in listed.split(",")
        if label.strip()
    }
    own = {label for metric in METRICS for label in metric.labels}
    assert labels <= own | LABELS | {"instance", "le"}
    rest = re.sub(r"\{[^}]*\}|\[[^]]*\]|(?:by|on|without|group_left) \([^)]*\)", " ", bare)
    rest = re.sub(r"offset \w+", " ", rest)
    assert set(re.findall(r"[a-z][a-z_:]*", rest)) <= {*known, *WORDS}


def test_every_value_of_a_label_exists() -> None:
    """Impacts, decisions, statuses and sources are spelled as the collector spells them."""
    vocabulary = {"impact": Impact, "decision": Decision, "status": Status, "source": Source}
    for expr in EXPRESSIONS:
        for label, value in re.findall(r'(\w+)="(\w+)"', expr):
            if label in vocabulary:
                assert value in set(vocabulary[label]), expr


def test_every_alert_says_what_to_do() -> None:
    """Severity, a summary with a number or a name, a description, and a name of its own."""
    assert len({alert.name for alert in ALERTS}) == len(ALERTS)
    for alert in ALERTS:
        assert "$value" in alert.summary or "$labels" in alert.summary
        assert "\n" not in alert.summary + alert.description
        assert alert.description.endswith(".")


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert.name)
def test_every_alert_has_a_runbook(alert: Any) -> None:
    """A page of its own that says what it means, what to look at and what to do."""
    page = (ROOT / "docs" / "runbooks" / f"{alert.name}.md").read_text("utf-8")
    assert page.startswith(f"# {alert.name}\n")
    for heading in ("## What it means", "## Look first", "## Do", "## When it is wrong"):
        assert heading in page


def test_every_runbook_has_an_alert() -> None:
    """Nothing is left over."""
    pages = {path.stem for path in (ROOT / "docs" / "runbooks").glob("Journey*.md")}
    assert pages == {alert.name for alert in ALERTS}


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert.name)
def test_every_link_opens_a_dashboard_and_sets_its_variables(alert: Any) -> None:
    """The uid and each variable exist in the dashboards that are committed."""
    committed = [json.loads(path.read_text("utf-8")) for path in GENERATED.glob("*.json")]
    for written in filter(None, (alert.dashboard, alert.sessions)):
        link = urlsplit(re.sub(r"\{\{[^}]*\}\}", "x", written))
        (dashboard,) = (found for found in committed if found["uid"] == link.path)
        variables = {variable["name"] for variable in dashboard["templating"]["list"]}
        asked = set(parse_qs(link.query)) - {"from", "to"}
        assert asked <= {f"var-{name}" for name in variables}


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert.name)
def test_every_spike_leads_to_the_same_hours_of_last_week(alert: Any) -> None:
    """The desk reads the link, and compares the time of the spike with that of a week before."""
    told = links(alert, DEFAULTS, "")
    assert ("diff" in told) == alert.name.endswith("Spike")
    if "diff" not in told:
        return
    of_project = told["diff"].replace('{{ printf "%.0f" $since }}', "1780000000000")
    link = re.sub(r"\{\{ printf[^}]*\}\}", "1780003600000", of_project)
    asked = dict(parse_qsl(urlsplit(re.sub(r"\{\{[^}]*\}\}", "", link)).query))
    pair = last_week(asked | {"project": "acme"}, 2**63 - 1)
    found = parse_pair({name: text for name, text in pair.items() if text})
    a, b = found.a.query, found.b.query
    assert (b.since, b.until) == (1780000000 * SECOND, 1780003600 * SECOND)
    assert (a.since, a.until) == (1780000000 * SECOND - WEEK, 1780003600 * SECOND - WEEK)
    assert a.project == b.project == "acme"


def test_who_is_still_under_way_is_not_undecided() -> None:
    """The list of sessions without a decision has those that have ended, whichever way."""
    (alert,) = (alert for alert in ALERTS if alert.name == "JourneyUndecidedSpike")
    asked = parse_qs(urlsplit(re.sub(r"\{\{[^}]*\}\}", "x", alert.sessions)).query)
    assert asked["var-decision"] == ["NONE"]
    assert set(asked["var-status"]) == set(Status) - {Status.IN_PROGRESS}


def test_both_systems_tell_of_the_same_alerts() -> None:
    """The same names, labels, waits and links, whichever of the two somebody uses."""
    files = {name: yaml.safe_load(text) for name, text in alert_files().items()}
    rules = [
        rule for group in files["journeytrace.alerts.yml"]["groups"] for rule in group["rules"]
    ]
    for ours, theirs in zip(rules, grafana_rules(), strict=True):
        assert theirs["title"] == ours["alert"]
        assert theirs["labels"] == ours["labels"]
        assert theirs["for"] == ours["for"]
        assert theirs.get("keepFiringFor") == ours.get("keep_firing_for")
        assert ours["expr"] in theirs["data"][0]["model"]["expr"]
        for link in ("dashboard", "runbook_url"):
            assert theirs["annotations"][link] == ours["annotations"][link]


def test_grafana_gets_what_it_insists_on() -> None:
    """Short uids that are unique, a condition that is there, and datasources that are there."""
    rules = grafana_rules()
    assert len({rule["uid"] for rule in rules}) == len(rules)
    for rule in rules:
        assert re.fullmatch(r"[a-z-]{1,40}", rule["uid"])
        references = {query["refId"]: query["datasourceUid"] for query in rule["data"]}
        assert references[rule["condition"]] == "__expr__"
        assert set(references.values()) == {"prometheus", "__expr__"}
        used = set(re.findall(r"\$values\.(\w)", rule["annotations"]["summary"]))
        assert used <= set(references)
        for query in rule["data"]:
            assert query["model"]["refId"] == query["refId"]


def test_no_stage_or_event_is_written_into_a_rule() -> None:
    """Users have their own catalogues, and their events and stages are watched like ours."""
    catalogue = builtin_catalogue()
    for expr in EXPRESSIONS:
        words = set(re.findall(r'"([A-Z0-9_]+)"', expr)) - {*Impact, *Decision, *Status, *Source}
        assert not words & {*catalogue.events, *catalogue.stages}
