"""Where every link of a panel or an alert leads, and whether it is understood there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest

from journeytrace.conventions import Decision, Impact, Source, Status
from journeytrace_dashboards.alerts import alert_groups
from journeytrace_dashboards.files import as_json

Board = dict[str, Any]

BOARDS = {board["uid"]: board for board in as_json().values()}
LABELS = {"source": Source, "impact": Impact, "decision": Decision, "status": Status}
"""Labels that have a vocabulary; others are names that senders give."""
EVERY = "$__all"


class Link(NamedTuple):
    """A link, and whose it is."""

    place: str
    url: str
    """Dashboard and variables."""
    home: Board | None
    """The dashboard that it is on; None: an alert's."""


def of_panels() -> Iterator[Link]:
    """Give every link on a panel, its fields or its values."""
    for board in BOARDS.values():
        for panel in board["panels"]:
            for url in urls(panel):
                yield Link(f"{board['title']}: {panel['title']}", url.removeprefix("/d/"), board)


def urls(value: Any) -> Iterator[str]:
    """Give every address of a dashboard, wherever it stands."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for one in value:
            yield from urls(one)
    elif isinstance(value, str) and value.startswith("/d/"):
        yield value


def of_alerts() -> Iterator[Link]:
    """Give every alert's links to dashboards."""
    for alert in (alert for group in alert_groups() for alert in group.alerts):
        for url in filter(None, (alert.dashboard, alert.sessions)):
            yield Link(alert.name, url, None)


def set_by(link: Link) -> Iterator[tuple[Board, str]]:
    """Give the variables that a link sets, on the dashboard that it leads to, with their values."""
    uid, _, query = link.url.partition("?")
    variables = {one["name"]: one for one in BOARDS[uid]["templating"]["list"]}
    for part in query.split("&"):
        if passed_on := re.fullmatch(r"\$\{(\w+):queryparam\}", part):
            assert link.home is not None
            assert passed_on[1] in {one["name"] for one in link.home["templating"]["list"]}
            yield variables[passed_on[1]], "${" + passed_on[1] + "}"
        elif part.startswith("var-"):
            name, _, value = part.removeprefix("var-").partition("=")
            yield variables[name], value


def options(variable: Board) -> set[str] | None:
    """Give what can be chosen; None: any text, or what the data hold."""
    if variable["type"] != "custom":
        return None
    words = {part.partition(" : ")[2] for part in variable["query"].split(", ")}
    return words | ({EVERY} if variable.get("includeAll") else set())


@pytest.mark.parametrize(
    "link", [*of_panels(), *of_alerts()], ids=lambda link: f"{link.place}: {link.url[:40]}"
)
def test_what_a_link_chooses_can_be_chosen(link: Link) -> None:
    """Each variable that it sets exists there, and takes the value that it sets it to."""
    for variable, value in set_by(link):
        words = options(variable)
        labels = re.findall(r'index \$labels "(\w+)"', value)
        if words is None or not value:
            # "All" is the choice of a list; a text of that name would be searched for.
            assert EVERY not in value or variable["includeAll"], value
        elif labels:
            assert {*(word for label in labels for word in LABELS[label])} <= words, value
        else:
            assert value in words


def test_links_of_both_kinds_are_looked_at() -> None:
    """Else the test above would show nothing."""
    assert len(list(of_panels())) >= 7
    assert len(list(of_alerts())) >= 2 * len(alert_groups())
