"""Lost beacons and clocks at the desk."""

from __future__ import annotations

import re
import time
from contextlib import closing
from html import unescape

import pytest
from tests.desk.conftest import Desk, opened
from tests.support.events import IDLE_TIMEOUT, MINUTE, SECOND
from tests.support.lossy import APART, ENDED, WENT_ON, lossy
from tests.support.running import Enter
from tests.support.waiting import exhaust

from journeytrace.catalogue import builtin_catalogue
from journeytrace_collector.store import SqliteStore


@pytest.fixture(scope="module")
def lossy_desk(entering: Enter, tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """A desk over sessions that have come to rest, which no test changes, nor time."""
    data = tmp_path_factory.mktemp("lossy") / "data"
    data.mkdir(mode=0o700)
    now = time.time_ns()
    with closing(SqliteStore(data, builtin_catalogue(), IDLE_TIMEOUT)) as store:
        store.write(lossy(now))
        exhaust("settling", lambda: store.settle(now + MINUTE, 100))
    return opened(entering, data, [], clock=lambda: now + SECOND)


def text_of(desk: Desk, path: str) -> str:
    """Give what stands on a page, without its tags."""
    reply = desk.get(path)
    assert reply.status == 200
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", reply.text)).split())


def test_the_overview_leads_to_what_was_lost(lossy_desk: Desk) -> None:
    """With the same days and project; where people are counted there is nothing to tell."""
    text = lossy_desk.get("/overview?days=30&project=acme").text
    assert '<a href="/losses?days=30&amp;project=acme">' in text
    assert "/losses" not in lossy_desk.get("/overview?days=30&per=person").text


def test_what_was_lost_is_told(lossy_desk: Desk) -> None:
    """How many were seen, how many there really were, and why of a stage there is no figure."""
    text = text_of(lossy_desk, "/losses")
    whole = WENT_ON + ENDED
    assert re.search(rf"ENTRY FRONT_SESSION_START and SESSION_CREATED {whole} 9\d ", text)
    assert "% (" in text
    assert "PRE_STEP2, DECISION, POST: No action of this stage is seen by both sides" in text


def test_groups_are_told_one_by_one(lossy_desk: Desk) -> None:
    """What holds for all of them is said once."""
    text = text_of(lossy_desk, "/losses?by=browser")
    assert "Edge 45 sessions" in text
    assert "Safari 45 sessions" in text
    assert "no browser told 1 session " in text
    assert text.count("No action of this stage is seen by both sides") == 1


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/losses?by=colour", "project, browser, release, country"),
        ("/losses?per=person", "is no parameter here"),
        ("/losses?days=2", "1, 7, 30"),
    ],
)
def test_what_it_does_not_know_is_said(lossy_desk: Desk, path: str, said: str) -> None:
    """With what it knows."""
    reply = lossy_desk.get(path)
    assert reply.status == 400
    assert said in reply.text


def test_where_nobody_came_to_rest_it_says_so(lossy_desk: Desk) -> None:
    """Of a project without sessions."""
    assert "has come to rest here" in text_of(lossy_desk, "/losses?project=nobody")


def test_a_session_tells_how_far_clocks_are_apart(lossy_desk: Desk) -> None:
    """And marks what is not certain, in the list and in the picture."""
    path = f"/session?id={APART.replace(' ', '+')}"
    text = text_of(lossy_desk, path)
    assert "Clocks Screen's clock 2 h 3 min ahead (±501 ms) by 2 calls" in text
    assert "~ not certain to have come after the one above it" in text
    page = lossy_desk.get(path).text
    assert page.count('<span class="unsure" title=') == 2
    assert page.count("(order not certain)") == 2
    assert '<span class="unsure" title=' not in lossy_desk.get(f"{path}&source=BE").text


def test_where_nothing_tells_of_clocks_that_is_said(lossy_desk: Desk) -> None:
    """Once, instead of a mark at each event."""
    text = text_of(lossy_desk, "/session?id=s-1")
    assert "nothing tells how far their clocks are apart" in text
    assert "Clocks" not in text
