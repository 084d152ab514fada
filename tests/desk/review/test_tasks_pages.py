"""Tasks at the desk: opened, given, closed, and listed for those who may see their sessions."""

from __future__ import annotations

import re
from html import unescape

import pytest
from tests.desk.conftest import Desk
from tests.desk.review.sessions import PLAIN_REVIEW, REVIEW

TASKS = f"/session/tasks?id={REVIEW}"
TASK = f"/session/task?id={REVIEW}"
OTHERS = f"/session/task?id={PLAIN_REVIEW}"


def opened(desk: Desk, title: str, path: str = TASK, **said: str) -> str:
    """Open a task; give its id."""
    reply = desk.post(path, {"do": "open", "title": title, **said}, X_Role="analyst")
    assert reply.status == 303
    text = desk.get(reply.headers["location"]).text
    (found,) = re.findall(rf"<li[^>]*>(?:(?!</li>).)*{title}.*?</li>", text, re.DOTALL)
    name = re.search(r'name="task" value="([^"]*)"', found)
    assert name is not None
    return name[1]


def listed(desk: Desk, show: str = "all", role: str = "analyst") -> list[str]:
    """Give what a list of tasks says is to be done."""
    text = desk.get(f"/tasks?show={show}", X_Role=role).text
    return [unescape(one) for one in re.findall(r'<td class="what"><a [^>]*>([^<]*)</a>', text)]


def test_a_task_is_opened_changed_and_closed(rooms: Desk) -> None:
    """It stands in the session's tab and in the list until it is closed, with its result after."""
    task = opened(rooms, "Call them", assignee="ana", due="2026-01-02")
    assert "Call them" in listed(rooms)
    assert "Call them" in listed(rooms, "mine")
    assert "Call them" in listed(rooms, "overdue")
    assert listed(rooms, "mine", "two") == []
    change = {"do": "change", "task": task, "assignee": "tom", "due": "2999-01-01"}
    assert rooms.post(TASK, change, X_Role="analyst").status == 303
    assert listed(rooms, "overdue") == []
    assert "Call them" not in listed(rooms, "mine")
    close = {"do": "close", "task": task, "result": "NOT_NEEDED", "text": "They wrote"}
    assert rooms.post(TASK, close, X_Role="analyst").status == 303
    assert "Call them" not in listed(rooms)
    text = rooms.get(TASKS, X_Role="analyst").text
    done = text[text.index("<h2>Done") :]
    assert all(part in done for part in ("Call them", "not needed", "They wrote", "ana"))
    assert "SESSION_VIEWED" in rooms.get(f"/session/audit?id={REVIEW}").text


def test_a_hold_is_a_task_until_somebody_closes_it(rooms: Desk) -> None:
    """What a rule asks for is listed without anybody's doing, is given to somebody and closed."""
    hold = "A person has to look: the decision is on hold"
    assert hold in listed(rooms, "free")
    text = rooms.get(TASKS, X_Role="analyst").text
    name = re.search(r'name="task" value="(hold:[0-9a-f]{16})"', text)
    assert name is not None
    given = {"do": "change", "task": name[1], "assignee": "ana"}
    assert rooms.post(TASK, given, X_Role="analyst").status == 303
    assert hold in listed(rooms, "mine")
    close = {"do": "close", "task": name[1], "result": "DONE"}
    assert rooms.post(TASK, close, X_Role="analyst").status == 303
    assert hold not in listed(rooms)


def test_a_session_is_given_to_somebody(rooms: Desk) -> None:
    """Whoever looks after a session has it among their tasks, until nobody does any more."""
    path = f"/session/assign?id={PLAIN_REVIEW}"
    reply = rooms.post(path, {"to": "kim"}, X_Role="analyst")
    assert (reply.status, reply.headers["location"]) == (303, f"/session/tasks?id={PLAIN_REVIEW}")
    assert "<strong>kim</strong>" in rooms.get(reply.headers["location"]).text
    assert "Look after this session" in listed(rooms)
    assert rooms.post(path, {}, X_Role="analyst").status == 303
    assert "Look after this session" not in listed(rooms)


@pytest.mark.parametrize(
    ("form", "told"),
    [
        ({"do": "open", "title": " "}, "Say what is to be done"),
        ({"do": "open", "title": "x" * 201}, "200 characters"),
        ({"do": "open", "title": "Ring", "due": "tomorrow"}, "tomorrow is no day"),
        ({"do": "open", "title": "Ring", "assignee": "a" * 600}, "at most 512"),
        ({"do": "change", "task": "gone", "assignee": "a"}, "no such task"),
        ({"do": "close", "task": "gone", "result": "DONE"}, "no such task"),
    ],
)
def test_what_is_wrong_comes_back_with_what_was_typed(
    room: Desk, form: dict[str, str], told: str
) -> None:
    """A form that cannot be kept is answered with what it said and why, and keeps nothing."""
    before = listed(room)
    reply = room.post(TASK, form, X_Role="analyst")
    assert reply.status == 422
    assert told in reply.text
    if form["do"] == "open":
        typed = re.search(r'id="title" name="title" value="([^"]*)"', reply.text)
        assert typed is not None
        assert typed[1].strip() == form["title"].strip()
    assert listed(room) == before


def test_a_task_is_closed_once(room: Desk) -> None:
    """Who comes second is told so, and the first result stays; an unknown act is refused."""
    task = opened(room, "Once")
    close = {"do": "close", "task": task, "result": "DONE"}
    assert room.post(TASK, {**close, "result": "FINE"}, X_Role="analyst").status == 422
    assert room.post(TASK, close, X_Role="analyst").status == 303
    reply = room.post(TASK, {**close, "result": "NOT_NEEDED"}, X_Role="analyst")
    assert (reply.status, "closed this task meanwhile" in reply.text) == (422, True)
    assert room.post(TASK, {"do": "dance"}, X_Role="analyst").status == 400
    assert room.post(TASK, {"who": "x"}, X_Role="analyst").status == 400


def test_a_wrong_assignee_comes_back(room: Desk) -> None:
    """Nobody is called that, so the session stays whose it is."""
    reply = room.post(f"/session/assign?id={REVIEW}", {"to": "a\tb"}, X_Role="analyst")
    assert (reply.status, "printable characters" in reply.text) == (422, True)


def test_lists_hold_what_somebody_may_see(room: Desk) -> None:
    """Tasks of other projects are in nobody's list, and a viewer is not told what they say."""
    opened(room, "Secret of acme")
    opened(room, "Secret of globex", OTHERS)
    assert {"Secret of acme", "Secret of globex"} <= set(listed(room))
    assert "Secret of acme" in listed(room, "all", "acme")
    for role in ("acme", "acme-viewer"):
        text = room.get("/tasks?show=all", X_Role=role).text
        assert (REVIEW in text, PLAIN_REVIEW in text, "globex" in text) == (True, False, False)
    for role in ("viewer", "acme-viewer"):
        assert not any("Secret" in one for one in listed(room, "all", role))
        assert "•••" in listed(room, "all", role)
        assert "Secret" not in room.get(TASKS, X_Role=role).text
    assert "Secret of globex" not in room.get("/tasks?show=all", X_Role="two").text


def test_a_long_list_has_pages(room: Desk) -> None:
    """Following it gives each task once; what is no page of it is refused."""
    for number in range(52):
        opened(room, f"No {number:02}", OTHERS, due=f"2998-01-{1 + number % 9:02}")
    found: list[str] = []
    path: str | None = "/tasks?show=all"
    while path:
        text = room.get(path, X_Role="analyst").text
        found += re.findall(r'<td class="what"><a [^>]*>(No \d\d)</a>', text)
        follows = re.search(r'class="next" href="([^"]*)"', text)
        path = unescape(follows[1]) if follows else None
    assert sorted(found) == [f"No {number:02}" for number in range(52)]
    for wrong in ("show=x", "cursor=1", "cursor=2026-01-01.1.x.a", "x=1"):
        assert room.get(f"/tasks?{wrong}", X_Role="analyst").status == 400
