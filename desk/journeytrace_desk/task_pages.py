"""What is to be done: about one session, and about all of them; and who looks after a session."""

from __future__ import annotations

from datetime import UTC, datetime
from secrets import token_hex
from typing import Final

from aiohttp import web

from journeytrace.conventions import (
    PRIVATE_TEXT,
    PRIVATE_TITLE,
    SESSION_ASSIGNEE,
    TASK_ASSIGNEE,
    TASK_DUE,
    TASK_ID,
    TASK_RESULT,
)
from journeytrace_collector.admin.api import BadParameterError
from journeytrace_collector.core.asking import tasks
from journeytrace_collector.core.tasks import ASSIGNED, CLOSED, OPENED, RESULTS, Task, read_day
from journeytrace_collector.store.base import TaskMark, TaskQuery
from journeytrace_desk.access.actor import Actor, actor_of
from journeytrace_desk.forms import typed
from journeytrace_desk.pages import Pages
from journeytrace_desk.tabs import Asked, Entry, Sheet, Tabs
from journeytrace_desk.views.asked import link, stated
from journeytrace_desk.views.tasks import RESULT, hidden, item, listed

__all__ = ["TaskPages"]

_PAGE_ROWS: Final = 50
_MOST: Final = 200
"""Tasks of one session."""
_LONGEST_TITLE: Final = 200
_LONGEST_NAME: Final = 512
_LONGEST_TEXT: Final = 1_000
_FIELDS: Final = ("do", "task", "title", "assignee", "due", "result", "text")
_SHOWN: Final = {
    "mine": "Mine",
    "all": "All open",
    "overdue": "Overdue",
    "free": "Nobody's",
}


class TaskPages:
    """Answers with tasks, and opens, changes and closes them."""

    def __init__(self, tabs: Tabs, pages: Pages) -> None:
        self._tabs = tabs
        self._reading = tabs.reading
        self._pages = pages
        tabs.add("tasks", "/session/tasks", self._entries)

    def _entries(self, sheet: Sheet) -> list[Entry]:
        return [Entry("Tasks", count=sum(one.closed is None for one in _tasks(sheet.asked)))]

    async def every(self, request: web.Request) -> web.Response:
        """Answer with open tasks of all sessions."""
        given = stated(request.query)
        for name in given:
            if name not in {"show", "cursor"}:
                raise BadParameterError(name, "is no parameter of this list", "show, cursor")
        show = given.get("show", "mine")
        if show not in _SHOWN:
            raise BadParameterError("show", f"is {show!r}", ", ".join(_SHOWN))
        actor, today = actor_of(request), self._today()
        query = TaskQuery(
            assignee={"mine": actor.id, "free": ""}.get(show),
            before=today if show == "overdue" else None,
            limit=_PAGE_ROWS,
            after=_read_mark(given.get("cursor")),
        )
        found = await self._reading.of(actor).tasks(query, self._reading.now())
        follows = ".".join(map(str, found.next)) if found.next else None
        return self._pages.answer(
            "tasks.html",
            tasks=[listed(row, name, today, masked=hidden) for row, name, hidden in found.rows],
            show=show,
            choices=[(word, link("/tasks", {"show": name}), name) for name, word in _SHOWN.items()],
            first="cursor" not in given,
            newest=link("/tasks", {"show": show}),
            follows=link("/tasks", {"show": show, "cursor": follows}) if follows else None,
        )

    async def of_session(self, request: web.Request) -> web.Response:
        """Answer with the tasks of one session, done ones included."""
        sheet = await self._tabs.open(request)
        return self._page(sheet, {})

    async def act(self, request: web.Request) -> web.Response:
        """Open, change or close a task, or say what is wrong."""
        asked = await self._tabs.acting(request)
        given = await typed(request, *_FIELDS)
        do, name = given.get("do", ""), given.get("task", "")
        known = {one.id: one for one in _tasks(asked)}
        if do == "open":
            wrong = _wrong_opening(given, len(known))
            said = {TASK_ID: token_hex(8)}
        else:
            wrong, said = _wrong_closing(do, given, known.get(name)), {TASK_ID: name}
        if wrong:
            return self._page(await self._tabs.look(asked), {**given, "wrong": wrong}, 422)
        if do == "close":
            said |= {TASK_RESULT: given["result"], PRIVATE_TEXT: given.get("text", "").strip()}
        else:
            said |= _opening(given, known.get(name))
        said = {key: value for key, value in said.items() if value}
        await self._tabs.record(asked, CLOSED if do == "close" else OPENED, said)
        raise web.HTTPSeeOther(asked.address("/session/tasks"))

    async def assign(self, request: web.Request) -> web.Response:
        """Give the session to somebody, or to nobody any more."""
        asked = await self._tabs.acting(request)
        to = (await typed(request, "to")).get("to", "").strip()
        if wrong := _wrong_name(to):
            page = {"to": to, "wrong_assignee": wrong}
            return self._page(await self._tabs.look(asked), page, 422)
        await self._tabs.record(asked, ASSIGNED, {SESSION_ASSIGNEE: to} if to else {})
        raise web.HTTPSeeOther(asked.address("/session/tasks"))

    def _page(self, sheet: Sheet, given: dict[str, str], status: int = 200) -> web.Response:
        asked, today = sheet.asked, self._today()
        operations = asked.found.known.state.operations
        assigned = operations.assigned if operations else None
        shown = [item(one, sheet.summary.session_id, today) for one in _tasks(asked)]
        return self._tabs.answer(
            sheet,
            "tasks",
            "session_tasks.html",
            status=status,
            tasks=[one for one in shown if one.closed is None],
            done=[one for one in shown if one.closed is not None],
            assignee=assigned.to if assigned else "",
            given={name: given.get(name, "") for name in (*_FIELDS, "to")},
            wrong=given.get("wrong"),
            wrong_assignee=given.get("wrong_assignee"),
            results=RESULT,
            people=self._people(asked.actor),
            me=asked.actor.id,
            act=asked.address("/session/task"),
            assign=asked.address("/session/assign"),
            longest_title=_LONGEST_TITLE,
            longest_name=_LONGEST_NAME,
            longest_text=_LONGEST_TEXT,
        )

    def _people(self, actor: Actor) -> list[str]:
        """Give whom something can be given to, as far as the settings name them."""
        return sorted({actor.id, *self._reading.settings.desk_access.people})

    def _today(self) -> str:
        return datetime.fromtimestamp(self._reading.context.clock() / 1e9, UTC).date().isoformat()


def _tasks(asked: Asked) -> list[Task]:
    found = tasks(asked.found.known.state)
    return [hidden(one) for one in found] if asked.found.masked else found


def _opening(given: dict[str, str], task: Task | None) -> dict[str, str]:
    title = " ".join(given.get("title", "").split()) or (task.title if task else "")
    assignee, due = given.get("assignee", "").strip(), given.get("due", "").strip()
    return {PRIVATE_TITLE: title, TASK_ASSIGNEE: assignee, TASK_DUE: due}


def _wrong_opening(given: dict[str, str], count: int) -> str:
    """Say what is wrong with a task that is to be opened; empty: nothing."""
    title = " ".join(given.get("title", "").split())
    if not title:
        return "Say what is to be done."
    if count >= _MOST:
        return f"A session has at most {_MOST} tasks, and this one has them already."
    return _wrong_words(given)


def _wrong_words(given: dict[str, str]) -> str:
    if len(given.get("title", "")) > _LONGEST_TITLE:
        return f"What is to be done has room for {_LONGEST_TITLE} characters."
    due = given.get("due", "").strip()
    if due and read_day(due) != due:
        return f"{due} is no day: write one such as 2026-06-01."
    return _wrong_name(given.get("assignee", "").strip())


def _wrong_closing(do: str, given: dict[str, str], task: Task | None) -> str:
    """Say what is wrong with what is to become of a task; empty: nothing."""
    if do not in {"change", "close"}:
        raise BadParameterError("do", f"is {do!r}", "open, change, close")
    if task is None:
        return "There is no such task in this session any more."
    if task.closed is not None:
        return "Somebody has closed this task meanwhile."
    if do == "change":
        return _wrong_words(given)
    if given.get("result") not in RESULTS:
        return "Say what came of it: done, or not needed."
    if len(given.get("text", "")) > _LONGEST_TEXT:
        return f"What is said of it has room for {_LONGEST_TEXT:,} characters."
    return ""


def _wrong_name(name: str) -> str:
    if len(name) > _LONGEST_NAME or not name.isprintable():
        return f"A person's id has at most {_LONGEST_NAME} printable characters."
    return ""


def _read_mark(text: str | None) -> TaskMark | None:
    if text is None:
        return None
    due, _, rest = text.partition(".")
    since, _, rest = rest.partition(".")
    no, _, name = rest.partition(".")
    numbers = (since, no)
    if read_day(due) is None or not all(n.isascii() and n.isdigit() for n in numbers):
        raise BadParameterError("cursor", "is none of ours", "what the list leads on to")
    if max(map(len, numbers)) > 19:
        raise BadParameterError("cursor", "is none of ours", "what the list leads on to")
    return due, min(int(since), 2**63 - 1), min(int(no), 2**62 - 1), name
