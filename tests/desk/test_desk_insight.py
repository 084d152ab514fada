"""A session as it was known then, and cohorts side by side."""

from __future__ import annotations

import re
import time
from html import unescape

import pytest
from playwright.sync_api import Browser, expect
from tests.desk.conftest import Desk, opened
from tests.desk.review.conftest import known_people
from tests.desk.test_desk_browser import pages
from tests.support.events import MINUTE, SECOND
from tests.support.insight import LATE, late, releases
from tests.support.running import Enter

from journeytrace_collector.core.derive import rfc3339

START = time.time_ns() // SECOND * SECOND - 180 * MINUTE
PAGE = f"/session?id={LATE}"
THEN = f"{PAGE}&as_of={rfc3339(START + 29 * MINUTE)}"
DIFF = "/diff?a=release%3D1.4&b=release%3D1.5"


@pytest.fixture(scope="module")
def room(entering: Enter, tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """A desk over these sessions, where a header says who somebody is."""
    data = tmp_path_factory.mktemp("insight") / "data"
    with known_people():
        return opened(entering, data, [*late(START), *releases(START)])


def links(text: str) -> list[str]:
    """Give where the links named so lead."""
    return [unescape(one) for one in re.findall(r'href="([^"]*as_of=[^"]*)">as known then', text)]


def test_a_verdict_leads_to_what_was_known_when_it_was_made(room: Desk) -> None:
    """From the summary and from the audit trail, to the page without the verdict itself."""
    (from_summary,) = links(room.get(PAGE).text)
    (from_trail,) = links(room.get(f"/session/audit?id={LATE}").text)
    assert from_summary == from_trail
    text = room.get(from_summary).text
    assert "The decision is on hold" in text
    assert "Since then: <b>decision APPROVED</b>, <b>error code PV-20003</b>." in text
    assert "VERDICT_APPROVED" not in text
    assert "SELFIE_DUPLICATE_CHECK" not in text


def test_nothing_is_done_in_the_past(room: Desk) -> None:
    """There one can only look, and get back."""
    text = room.get(THEN).text
    assert not re.search("Change status|Add note|Who looked, export", text)
    assert 'id="live"' not in text
    assert f'href="{PAGE}">Back to now' in text
    assert "Change status" in room.get(PAGE).text


def test_filters_of_events_stay_in_the_past(room: Desk) -> None:
    """The links beside the events, and the form to find one, keep the moment."""
    text = room.get(THEN).text
    choices = re.findall(r'class="choice" href="([^"]*)"', text)
    assert choices
    assert all("as_of=" in one for one in choices)
    assert '<input type="hidden" name="as_of"' in text


def test_moments_are_a_list_with_what_came_late(room: Desk) -> None:
    """Each arrival is one, without JavaScript too, and says what came late."""
    text = room.get(PAGE).text
    options = [unescape(one) for one in re.findall(r"<option value=\"[^\"]*\"[^>]*>([^<]*)", text)]
    assert [one.partition(" UTC · ")[2] or one for one in options] == [
        "1 event",
        "2 events",
        "3 events",
        "4 events",
        "5 events · a verdict",
        "now · 6 events · 1 came 58 min late, 1 failed or stood in the way",
    ]
    assert "1 event came late, by up to 58 min, some after a person had decided" in text
    assert re.findall(r'<rect class="(\w+)"', text.partition("</details>")[0]) == ["person", "bad"]


@pytest.mark.parametrize(
    ("as_of", "status", "said"),
    [
        ("yesterday", 400, "as_of is"),
        ("2020-01-01", 404, "Nothing that begins the session"),
    ],
)
def test_a_moment_that_is_none_is_refused(room: Desk, as_of: str, status: int, said: str) -> None:
    """It says what is wrong with it."""
    reply = room.get(f"{PAGE}&as_of={as_of}")
    assert reply.status == status
    assert said in unescape(reply.text)


def test_the_past_is_masked_like_the_present(room: Desk) -> None:
    """Whoever may only look sees no user id of any time."""
    text = room.get(THEN, X_Role="viewer").text
    assert "As it was known at" in text
    assert "u-42" not in text


def test_the_slider_chooses_a_moment(room: Desk, browser: Browser) -> None:
    """Moved, it says what it stands for, and let go it shows the session as it was known then."""
    with pages(browser, room.url) as opening:
        page = opening(PAGE)
        page.get_by_text("As known at another time").click()
        slider = page.get_by_role("slider")
        expect(slider).to_have_value("5")
        slider.press("ArrowLeft")
        expect(page.get_by_role("heading", name="As it was known at")).to_be_visible()
        expect(page.get_by_role("slider")).to_have_value("4")
        expect(page.locator(".then select option:checked")).to_contain_text("a verdict")
        page.locator(".then select").select_option(index=0)
        expect(page.get_by_role("slider")).to_have_value("0")


def test_cohorts_are_compared(room: Desk) -> None:
    """The shift in words, the table with a mark, and how to see the rest."""
    text = unescape(room.get(DIFF).text)
    assert "<li>0.0 % in A and 80.0 % in B of the sessions that ran FACE_COMPARE failed it" in text
    assert len(re.findall('<tr class="named">', text)) == 1
    (every,) = re.findall(r'href="([^"]*all=yes)"', text)
    assert "too few" in room.get(every).text


def test_a_comparison_suggests_itself(room: Desk) -> None:
    """Nothing asked, the form has links to what is asked most, and each of them answers."""
    text = room.get("/diff").text
    (week,) = re.findall(r'href="(/diff\?a=[^"]*)">The last 7 days with the 7 before', text)
    assert room.get(unescape(week)).status == 200


def test_a_spike_leads_to_its_comparison(room: Desk) -> None:
    """The times of an alert become two cohorts, the same hours of last week first."""
    begins, ends = START // 10**6, (START + 60 * MINUTE) // 10**6
    reply = room.get(f"/diff?from={begins}&to={ends}&project=globex")
    assert reply.status == 303
    text = unescape(room.get(reply.headers["location"]).text)
    assert f"since={rfc3339(START)},until={rfc3339(START + 60 * MINUTE)}" in text
    assert "160 sessions" in text
    assert room.get(f"/diff?from={ends}&to={begins}").status == 400


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("a=colour%3Dred", "a is 'colour=red'"),
        ("b=release%3D1", None),
        ("a=release%3D1&b=release%3D1", "one cohort twice"),
        ("colour=red", "colour is no parameter here"),
        ("from=soon&to=1", "from is 'soon'"),
    ],
)
def test_what_cannot_be_compared_is_told(room: Desk, asked: str, said: str | None) -> None:
    """With what is allowed; without a first cohort there is only the form."""
    reply = room.get(f"/diff?{asked}")
    assert reply.status == (400 if said else 200)
    assert said is None or said in unescape(reply.text)


def test_nobody_compares_what_they_may_not_see(room: Desk) -> None:
    """Of other projects there are no sessions."""
    text = room.get(DIFF, X_Role="acme-viewer").text
    assert "Too few sessions to compare: 0 and 0." in text
