"""Cohorts are read as they are typed."""

from __future__ import annotations

import pytest

from journeytrace.conventions import Impact
from journeytrace_collector.admin.api import BadParameterError
from journeytrace_collector.admin.cohorts import parse_pair
from journeytrace_collector.core.derive import rfc3339
from journeytrace_collector.insight.groups import Groups
from journeytrace_collector.store.base import SessionQuery


def test_both_cohorts_are_read() -> None:
    """Groups and filters, each of its cohort; what stands beside them is of both."""
    found = parse_pair(
        {
            "a": "release=1.4, browser=Mobile Safari, 26,project=acme",
            "b": "country=(none),event=IP_RISK_CHECK,impact=BLOCKED",
            "since": "2026-06-01",
        }
    )
    assert found.a.groups == {"release": "1.4", "browser": "Mobile Safari, 26"}
    assert found.a.query.project == "acme"
    assert found.b.groups == {"country": None}
    assert found.b.query.event is not None
    assert found.b.query.event.impact is Impact.BLOCKED
    assert found.a.query.since == found.b.query.since != None  # noqa: E711 - both of them
    assert found.a.fits(Groups("1.4", "Mobile Safari, 26", "KR"))
    assert not found.a.fits(Groups("1.4"))
    assert found.b.fits(Groups("1.4"))
    assert not found.b.fits(Groups(country="KR"))


def test_without_b_it_is_all_others() -> None:
    """They are those that meet what is asked of both."""
    found = parse_pair({"a": "release=1.4", "project": "acme"})
    assert (found.b.text, found.b.query) == ("", SessionQuery(project="acme"))


def test_a_week_is_from_monday_to_monday() -> None:
    """As ISO 8601 counts weeks, in UTC: the first one can begin in the year before."""
    query = parse_pair({"a": "week=2026-W01"}).a.query
    assert query.since is not None
    assert query.until is not None
    days = rfc3339(query.since)[:10], rfc3339(query.until)[:10]
    assert days == ("2025-12-29", "2026-01-05")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "parameters have no cohort a"),
        ({"a": "1.4"}, "a is '1.4'; allowed: name=value"),
        ({"a": "colour=red"}, "a is 'colour=red'; allowed: name=value"),
        ({"a": "release="}, "a is 'release='"),
        ({"a": "release=1,release=2"}, "a is 'release=1,release=2'"),
        ({"a": "x,release=1"}, "a is 'x,release=1'"),
        ({"a": "release=1", "b": "week=2026-W54"}, "b has the week '2026-W54'"),
        ({"a": "release=1", "b": "week=2026-W09,since=2026-01-01"}, "b has a week beside since"),
        ({"a": "decision=YES"}, "a has a decision that is wrong; allowed: APPROVED"),
        ({"a": "release=1", "b": "release=1"}, "parameters have one cohort twice"),
        ({"a": "release=1", "since": "soon"}, "since is 'soon'"),
        ({"a": "release=" + "x" * 600}, "a is too long"),
    ],
)
def test_what_cannot_be_read_is_refused(given: dict[str, str], said: str) -> None:
    """With the name of what is wrong, and what is allowed."""
    with pytest.raises(BadParameterError) as refused:
        parse_pair(given)
    assert str(refused.value).startswith(said)
