"""The overview over HTTP, on either store."""

from __future__ import annotations

import re
from html import unescape

import pytest
from tests.desk.conftest import Desk
from tests.desk.journeys import COUNT, MARKUP

FIGURE = re.compile(r'<a class="figure" href="([^"]*)">([\d,]+)</a>')


def figures(text: str) -> list[tuple[str, int]]:
    """Give address and number of each figure on a page."""
    found = FIGURE.findall(text)
    assert text.count('class="figure"') == len(found)
    return [(unescape(address), int(number.replace(",", ""))) for address, number in found]


def test_each_figure_leads_to_the_list_that_it_counts(either: Desk) -> None:
    """Whatever is clicked, the list says the very number that was clicked."""
    found = figures(either.get("/overview?per=person&days=30").text)
    assert len(found) > 25
    # Lists whose numbers do not move while the test runs: what is open may be dropped meanwhile.
    for address, number in dict.fromkeys(found):
        if "IN_PROGRESS" in address or "DROPPED" in address:
            continue
        said = re.search(r'<small id="found">([\d,]+) match', either.get(address).text)
        assert said is not None
        assert (address, int(said[1].replace(",", ""))) == (address, number)


def test_an_overview_says_what_became_of_the_days(either: Desk) -> None:
    """Started, completion, approval, reasons with their meanings, and what blocked."""
    text = unescape(either.get("/overview?days=30").text)
    assert figures(text)[0][1] == COUNT
    tiles = re.findall(r'<p class="big">(?:<a[^>]*>)?([^<]*)<', text)
    going = next(number for address, number in figures(text) if "IN_PROGRESS" in address)
    # Of those that are over, and 21 of 64 that are decided.
    assert tiles == [str(COUNT), f"{60 / (COUNT - going):.0%}".replace("%", " %"), "33 %"]
    assert "The user's age could not be confirmed." in text
    assert "Each session counts" in text


def test_people_are_counted_once(either: Desk) -> None:
    """Four attempts of one person are one, which was approved."""
    text = either.get("/overview?days=30&per=person").text
    (_, people), (every, sessions), *_ = figures(text)
    assert (people, sessions) == (COUNT - 3, COUNT)
    assert "per=person" not in every
    rejected = [n for address, n in figures(text) if address.endswith("&decision=REJECTED")]
    assert rejected == [21]
    assert "a retry is no drop-off" in text


def test_projects_are_chosen_from_those_that_there_are(desk: Desk) -> None:
    """Those seen, one that is asked for, and none."""
    text = unescape(desk.get("/overview?project=nobody's").text)
    options = re.findall(r'<option value="([^"]*)"', text)
    assert [one for one in options if one.isalpha()] == ["acme", "globex"]
    assert '<option value="nobody\'s" selected>' in text
    assert options[-1] == "(none)"
    assert "No session was started in this time here." in text
    assert "<img" not in text.replace(MARKUP, "")


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/overview?days=2", "1, 7, 30"),
        ("/overview?per=user", "session, person"),
        ("/overview?status=ERROR", "is no parameter here"),
    ],
)
def test_what_an_overview_does_not_know_is_said(desk: Desk, path: str, said: str) -> None:
    """With what it knows."""
    reply = desk.get(path)
    assert reply.status == 400
    assert said in reply.text
