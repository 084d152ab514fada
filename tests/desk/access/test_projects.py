"""Whoever has some projects sees nothing of the others, nor that there is anything."""

from __future__ import annotations

import csv
import io
import re
from html import unescape
from pathlib import Path
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from tests.desk.access.people import ANN, BEN, MINE, OTHERS, SCATTERED
from tests.desk.conftest import Desk, Reply, opened
from tests.support.running import Enter

from journeytrace.identity import support_code, trace_id
from journeytrace_collector.admin.api import parse_query
from journeytrace_collector.settings import Project
from journeytrace_desk.access.cursors import Cursors

CODE = support_code(trace_id(OTHERS))
ACME = [MINE, "plain-0", "plain-4"]


def rows(reply: Reply) -> list[str]:
    """Give the ids of the sessions that a page lists."""
    assert reply.status == 200
    found = re.findall(r'class="row" href="[^"]*" title="([^"]*)"', reply.text)
    return [unescape(one) for one in found]


def ask(desk: Desk, path: str, role: str = "acme", **parameters: str) -> Reply:
    """Ask as somebody."""
    return desk.get(f"{path}?{urlencode(parameters)}" if parameters else path, X_Role=role)


def test_lists_and_files_hold_their_projects_alone(both: Desk) -> None:
    """Neither another project, nor one that is spelled otherwise, nor what has none is theirs."""
    assert rows(ask(both, "/sessions")) == ACME
    file = list(csv.reader(io.StringIO(ask(both, "/sessions.csv").text)))
    assert [row[1] for row in file[1:]] == ACME
    assert len(rows(ask(both, "/sessions", "two"))) == 6
    assert rows(ask(both, "/sessions", "nobody")) == []
    assert len(rows(ask(both, "/sessions", "viewer"))) == 8


@pytest.mark.parametrize(
    "asked",
    [
        {"project": "globex"},
        {"project": "(none)"},
        {"project": "ACME"},
        {"search": OTHERS},
        {"search": CODE},
        {"search": BEN[0]},
        {"search": "globex", "field": "project_id"},
        {"error_code": "QS-10001"},
        {"event": "AGE_VERIFICATION", "result": "FAIL", "error_code": "QS-10001"},
        {"project": "globex", "since": "2020-01-01"},
    ],
    ids=str,
)
def test_no_filter_finds_or_counts_another_project(both: Desk, asked: dict[str, str]) -> None:
    """What matches elsewhere is neither listed, counted, told as news nor written to a file."""
    page = ask(both, "/sessions", **asked)
    assert rows(page) == []
    counts = {unescape(one) for one in re.findall(r"<small>([^<]*)</small>", page.text)}
    assert counts == {"0"}
    assert ">0 match<" in page.text
    assert ">0 match<" in ask(both, "/sessions/counts", **asked).text
    assert "<tr" not in ask(both, "/sessions/live", **asked).text
    assert len(ask(both, "/sessions.csv", **asked).text.splitlines()) == 1


@pytest.mark.parametrize(
    "text",
    [
        OTHERS,
        OTHERS.upper(),
        OTHERS.replace("-", ""),
        f" {OTHERS}",
        CODE,
        CODE.lower(),
        f"{CODE[:4]}-{CODE[4:]}",
        "plain-1",
        "plain-2",
    ],
)
def test_a_session_elsewhere_is_one_that_is_not_there(office: Desk, text: str) -> None:
    """By no spelling is it told from a session that nobody has heard of, whatever is asked."""
    nobody = "018f3b5e-0000-7000-8000-0000000fffff"

    def told(parameter: str, path: str, asked: str, method: str) -> tuple[int, object, str]:
        reply = office.get(f"{path}?{urlencode({parameter: asked})}", method, X_Role="acme")
        headers = {k: v for k, v in reply.headers.items() if k not in {"date", "content-length"}}
        # The page repeats what was asked for, and so do the addresses it leads to.
        spelled = (urlencode({"": asked})[1:], asked, asked.strip())
        for one in spelled:
            headers = {k: v.replace(one, "?") for k, v in headers.items()}
        return reply.status, headers, unescape(reply.text).replace(asked, "?")

    for path, parameter in (("/session", "id"), ("/person", "session"), ("/find", "q")):
        for method in ("GET", "HEAD"):
            assert told(parameter, path, text, method) == told(parameter, path, nobody, method)
    assert office.get(f"/session?{urlencode({'id': text})}", X_Role="analyst").status in {200, 303}


def test_a_person_has_the_sessions_that_may_be_seen(office: Desk) -> None:
    """Attempts in other projects are not among them; who has none here is nobody."""
    text = ask(office, "/person", id=ANN[1]).text
    assert "1 attempt:" in text
    assert SCATTERED not in text
    assert ask(office, "/person", id=BEN[1]).status == 404
    unknown = ask(office, "/person", id="no-such-person-at-all").text
    assert ask(office, "/person", id=BEN[1]).text == unknown.replace(
        "no-such-person-at-all", BEN[1]
    )


def test_nothing_is_changed_or_recorded_elsewhere(office: Desk) -> None:
    """What somebody may not see they can neither reveal nor leave a trace in."""
    path = f"/session?{urlencode({'id': OTHERS})}"
    assert office.post(path, {"purpose": "to try"}, X_Role="acme-viewer").status == 404
    assert ask(office, "/session", "acme-viewer", id=OTHERS).status == 404
    page = ask(office, "/session", "analyst", id=OTHERS, source="OP").text
    assert "kay" not in page


def test_page_by_page_tells_no_number(both: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every session is on one page, and no cursor tells how many there are elsewhere."""
    monkeypatch.setattr("journeytrace_desk.views.asked.PAGE_ROWS", 2)
    found: list[str] = []
    path: str | None = "/sessions"
    for _ in range(9):
        if path is None:
            break
        page = both.get(path, X_Role="two")
        found += rows(page)
        following = re.search(r'class="next" href="([^"]*)"', page.text)
        path = unescape(following[1]) if following else None
        if path is not None:
            cursor = parse_query(dict(parse_qsl(urlsplit(path).query))).after
            assert cursor is not None
            assert cursor[1] > 1_000_000
    assert found == [MINE, OTHERS, SCATTERED, "plain-0", "plain-2", "plain-4"]


def test_a_hidden_cursor_is_read_again_and_by_nobody_else() -> None:
    """Each number comes back; another key, and another time, give another."""
    cursors = Cursors()
    for cursor in ((1, 1), (2**62, 2**62 - 1), (-5, 77), (0, 0)):
        assert cursors.read(cursors.hidden(cursor)) == cursor
    hidden = {cursors.hidden((7, no)) for no in range(100)}
    assert len(hidden) == 100
    assert not hidden & {(7, no) for no in range(100_000)}
    assert Cursors().hidden((7, 1)) != cursors.hidden((7, 1))
    assert cursors.hidden((8, 1))[1] != cursors.hidden((7, 1))[1]


@pytest.mark.usefixtures("known")
def test_no_other_project_is_suggested(entering: Enter, tmp_path: Path) -> None:
    """What the settings name is offered to those alone who may see it."""
    named = {"acme": Project(), "hush-hush": Project()}
    desk = opened(entering, tmp_path / "data", [], projects=named)
    for role, offered in (("acme", {"acme"}), ("analyst", set(named)), ("nobody", set())):
        text = ask(desk, "/sessions", role).text
        options = text.partition('id="known-project"')[2].partition("</datalist>")[0]
        assert set(re.findall(r'value="([^"]*)"', options)) == offered
