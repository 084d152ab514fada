"""How long projects have their sessions kept, chosen at the desk."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from tests.desk.conftest import Desk, opened
from tests.desk.people import EVE, SitDown, seat, sessions
from tests.support.running import Enter, enter_in_background, free_settings

from journeytrace_collector.process import Collector
from journeytrace_collector.settings import Address

__all__ = ["seat"]

FIXED = {"initech": {"retention_days": 365}, "named": {}}


@pytest.fixture(scope="module")
def one(entering: Enter, tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """A desk over SQLite; each test has a project of its own."""
    data = tmp_path_factory.mktemp("projects") / "data"
    return opened(entering, data, [*sessions(time.time_ns(), "u-1")], projects=FIXED)


def choose(desk: Desk, project: str, days: int) -> int:
    """Choose a period; gives the status of the answer."""
    return desk.post("/projects", {"project": project, "days": str(days)}).status


def shown(desk: Desk) -> dict[str, tuple[str, str]]:
    """Give (days, who says so) of the projects on the page."""
    rows = re.findall(r"<tr><td>.*?</tr>", desk.get("/projects").text, re.DOTALL)
    found = {}
    for row in rows:
        name, days, by = re.findall(r"<td[^>]*>(.*?)</td>", row, re.DOTALL)[:3]
        chosen = re.search(r'value="(\d+)" selected|<b>(\d+) days', days)
        assert chosen is not None
        found[re.sub(r"<[^>]+>", "", name)] = (chosen[1] or chosen[2], by.split(":")[0].strip())
    return found


def kept(desk: Desk, session_id: str) -> str:
    """Give how long a session is kept, as its page tells it."""
    found = re.search(r"kept (\d+) days", desk.get(f"/session?id={session_id}").text)
    assert found is not None
    return found[1]


def test_all_projects_are_there(one: Desk) -> None:
    """Configured and seen ones, and whatever has no project; each says who says how long."""
    found = shown(one)
    assert found["globex"] == ("30", "nobody")
    assert found["initech"] == ("365", "the configuration")
    assert found["named"] == ("30", "nobody")
    assert found["without a project"] == ("30", "nobody")


def test_a_choice_holds_for_new_sessions_and_is_an_act(one: Desk) -> None:
    """Sessions from before keep theirs; the page and the acts say what was before and after."""
    assert choose(one, "acme", 90) == 303
    assert shown(one)["acme"] == ("90", "chosen at the desk")
    one.send("SESSION_CREATED", "new-acme", journey__project__id="acme")
    assert [kept(one, "u-1-acme"), kept(one, "new-acme")] == ["30", "90"]
    text = re.sub(r"<[^>]+>", "", one.get("/acts?act=retention").text)
    assert "30 days before, 90 days now" in text
    assert "acme: 30 days before, 90 days now" in one.get("/projects").text


def test_those_without_a_project_have_a_choice_of_their_own(one: Desk) -> None:
    """It is made in a row of its own."""
    assert one.post("/projects", {"without": "yes", "days": "180"}).status == 303
    one.send("SESSION_CREATED", "new-none")
    assert [kept(one, "u-1-none"), kept(one, "new-none")] == ["30", "180"]


def test_a_project_can_be_named_beforehand(one: Desk) -> None:
    """What its name was pasted with is no part of it."""
    assert one.post("/projects", {"new": " soon ", "days": "90"}).status == 303
    assert shown(one)["soon"] == ("90", "chosen at the desk")


def test_what_the_configuration_says_is_fixed(one: Desk) -> None:
    """It has no form, and choosing is answered 409 with the reason; nothing has changed."""
    row = re.search(r"<tr><td><a[^>]*>initech.*?</tr>", one.get("/projects").text, re.DOTALL)
    assert row is not None
    assert "<form" not in row[0]
    reply = one.post("/projects", {"project": "initech", "days": "30"})
    assert reply.status == 409
    assert "The configuration keeps sessions of initech for 365 days" in reply.text
    assert shown(one)["initech"] == ("365", "the configuration")
    assert choose(one, "named", 90) == 303


@pytest.mark.parametrize(
    "form",
    [
        {"project": "globex"},
        {"days": "90"},
        {"project": "globex", "days": "31"},
        {"project": "globex", "days": "0x1e"},
        {"project": "globex", "days": "90", "without": "yes"},
        {"project": "x" * 513, "days": "90"},
        {"project": "a\x00b", "days": "90"},
        {"new": "  ", "days": "90"},
    ],
)
def test_a_choice_that_is_none(one: Desk, form: dict[str, str]) -> None:
    """It is answered 400, and nothing changes."""
    assert one.post("/projects", form).status == 400
    assert shown(one)["globex"] == ("30", "nobody")


def test_only_its_admins_choose_for_a_project(one: Desk, seat: SitDown) -> None:
    """Others are told which role it takes, and see neither the project nor its changes."""
    choose(one, "hooli", 90)
    seat(EVE)
    assert list(shown(one)) == ["acme"]
    assert "hooli" not in one.get("/projects").text
    for form in ({"project": "globex"}, {"new": "elsewhere"}, {"without": "yes"}):
        reply = one.post("/projects", {**form, "days": "365"})
        assert (reply.status, "takes the role admin in" in reply.text) == (403, True)
    assert choose(one, "acme", 365) == 303


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_choice_survives_restarts(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """The configuration fixes what it names; taken out again, what was chosen holds."""
    settings: dict[str, Any] = {"desk": Address("127.0.0.1", 0)}
    if kind == "postgresql":
        settings["store"] = SecretStr(request.getfixturevalue("server").fresh())
    told: list[tuple[str, str]] = []
    files: list[dict[str, Any]] = [{}, {}, {"acme": {"retention_days": 365}}, {}]
    for projects in files:
        with enter_in_background() as enter:
            collector = enter(
                Collector(free_settings(tmp_path / "data", projects=projects, **settings))
            )
            desk = Desk(f"http://{collector.desk}", str(collector.admin), str(collector.otlp_http))
            if not told:
                assert desk.post("/projects", {"new": "acme", "days": "90"}).status == 303
            told.append(shown(desk)["acme"])
    chosen = ("90", "chosen at the desk")
    assert told == [chosen, chosen, ("365", "the configuration"), chosen]
