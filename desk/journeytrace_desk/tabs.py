"""The pages of one session, each a tab: what they have in common.

Whichever is opened, the session is found among those that somebody may see, that they look is put
on record, and the page begins with the same head. Whoever does something with the session has to
be an analyst of its project, and that is put on record too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from aiohttp import web

from journeytrace_collector.admin.api import BadParameterError
from journeytrace_collector.admin.guard import NotYetKnownError
from journeytrace_collector.core.derive import Summary
from journeytrace_collector.core.model import Event
from journeytrace_collector.core.review import Version
from journeytrace_desk.access.actor import Actor, Role, actor_of
from journeytrace_desk.access.masking import HIDDEN
from journeytrace_desk.access.origin import SAFE
from journeytrace_desk.pages import Pages
from journeytrace_desk.reading import Found, Reader, Reading
from journeytrace_desk.views.asked import link, stated

__all__ = ["Asked", "Entry", "Sheet", "Tab", "Tabs", "unknown"]

_ORDER: Final = ("summary", "form", "document", "report", "audit", "tasks", "screening")
"""Of the tabs, by name."""
_NO_ANALYST: Final = "This takes the role analyst in {}, and you do not have it there."


@dataclass(frozen=True, slots=True)
class Asked:
    """A session that somebody may see. They have seen nothing of it so far."""

    reader: Reader
    found: Found
    given: Mapping[str, str]
    """The parameters of the address that say something, but for the id."""

    @property
    def actor(self) -> Actor:
        """Who asks."""
        return self.reader.actor

    @property
    def session_id(self) -> str:
        """Under which the store knows the session: for `Store`, and for no page."""
        return self.found.clear.session_id

    @property
    def may_act(self) -> bool:
        """Whether they may do something with the session, and not only look."""
        return self.actor.may(Role.ANALYST, self.found.clear.project_id)

    def address(self, path: str, more: Mapping[str, str | None] | None = None) -> str:
        """Give the address of a page of this session."""
        return link(path, {"id": self.found.summary.session_id, **(more or {})})


@dataclass(frozen=True, slots=True)
class Sheet:
    """A session that somebody looks at, and it is on record: what a tab may show of it."""

    asked: Asked
    summary: Summary
    """Masked, like all else here, if they may only look."""
    events: list[Event]
    """In their order, at least one."""
    stages: Mapping[str, tuple[int, int, int]]
    """As in `SessionState`."""
    every: list[Event]
    """All that there are now, where those are of an earlier time."""
    as_of: int | None = None
    """As of when it is shown, in ns; None: as it is now."""

    @property
    def masked(self) -> bool:
        """Whether what is personal is not shown."""
        return self.asked.found.masked


@dataclass(frozen=True, slots=True)
class Entry:
    """A link to a tab."""

    word: str
    more: Mapping[str, str] = field(default_factory=dict)
    """Parameters of its address beside the id."""
    count: int = 0
    """Shown beside the word; 0: it is not."""


@dataclass(frozen=True, slots=True)
class Tab:
    """A page that every session has, or some."""

    name: str
    """One of those whose order is known here."""
    path: str
    entries: Callable[[Sheet], Sequence[Entry]]
    """Its links in the head of a session: none, one, or one for each part of it."""


class Tabs:
    """Opens the pages of a session, and answers with them."""

    def __init__(self, reading: Reading, pages: Pages) -> None:
        self.reading = reading
        self._pages = pages
        self._tabs: dict[str, Tab] = {}
        self._heads: list[Callable[[Sheet], Mapping[str, Any]]] = []

    def add(self, name: str, path: str, shown: str | Callable[[Sheet], Sequence[Entry]]) -> None:
        """Have a tab in the head of every session; `shown`: its word, or what tells its links."""
        entries = (lambda _: [Entry(shown)]) if isinstance(shown, str) else shown
        self._tabs[name] = Tab(name, path, entries)

    def add_to_head(self, values: Callable[[Sheet], Mapping[str, Any]]) -> None:
        """Have further values in ``sheet.html``, on whichever tab."""
        self._heads.append(values)

    async def find(self, request: web.Request, *parameters: str) -> Asked:
        """Find the session that an address names, by its id or support code.

        Args:
            parameters: that the address may have beside the id.

        Raises:
            BadParameterError: it has others, or no id.
            HTTPNotFound: there is no such session, or they may not see it.
            HTTPSeeOther: it has another address.
        """
        given = stated(request.query)
        for name in given:
            if name not in ("id", *parameters):
                allowed = ", ".join(("id", *parameters))
                raise BadParameterError(name, "is no parameter of a session", allowed)
        text = given.pop("id", None)
        if text is None:
            raise BadParameterError("id", "is missing", "a session id or a support code")
        reader = self.reading.of(actor_of(request))
        found = await reader.session(text, self.reading.now())
        if found is None:
            raise unknown(text)
        asked = Asked(reader, found, given)
        if request.method in SAFE and found.summary.session_id != text:
            raise web.HTTPSeeOther(asked.address(request.path, given))
        return asked

    async def look(self, asked: Asked, as_of: int | None = None) -> Sheet:
        """Give what may be shown of a session, once it is on record that they looked.

        `as_of`: as it was known then, in ns; None: as it is now.

        Raises:
            NotRecordedError: it cannot be recorded.
            HTTPNotFound: it has just been erased, or it had not begun by then.
        """
        session_id = asked.found.summary.session_id
        try:
            detail = await asked.reader.detail(asked.found, as_of)
        except NotYetKnownError:
            raise web.HTTPNotFound(
                text=f"Nothing that begins the session {session_id} had arrived by then."
            ) from None
        if detail is None:
            raise unknown(session_id)
        return Sheet(asked, detail.summary, detail.events, detail.stages, detail.every, as_of)

    async def open(self, request: web.Request, *parameters: str) -> Sheet:
        """Find a session and look at it: see `find` and `look`."""
        return await self.look(await self.find(request, *parameters))

    async def acting(self, request: web.Request, *parameters: str) -> Asked:
        """Find the session that somebody wants to do something with: see `find`.

        Raises:
            HTTPForbidden: they may only look.
        """
        asked = await self.find(request, *parameters)
        if not asked.may_act:
            project = asked.found.clear.project_id
            whose = f"the project {project}" if project else "what has no project"
            raise web.HTTPForbidden(text=_NO_ANALYST.format(whose))
        return asked

    async def record(
        self,
        asked: Asked,
        name: str,
        attributes: Mapping[str, Any] | None = None,
        *,
        event_id: bytes | None = None,
        expected: Version | None = None,
    ) -> None:
        """Keep that they did something with the session: see `Record`."""
        record, actor = self.reading.context.record, asked.actor
        said = {**(attributes or {}), **actor.said}
        await record(name, asked.session_id, actor.id, said, event_id=event_id, expected=expected)

    def answer(
        self,
        sheet: Sheet,
        name: str,
        template: str,
        *,
        status: int = 200,
        more: Mapping[str, str] | None = None,
        **values: Any,
    ) -> web.Response:
        """Give a tab by its name, made of a template that extends ``sheet.html``.

        `more`: the `Entry.more` of the part that is shown.
        """
        head: dict[str, Any] = {}
        for give in self._heads:
            head |= give(sheet)
        return self._pages.answer(
            template,
            status=status,
            session=sheet.summary,
            masked=sheet.masked,
            may_act=sheet.asked.may_act,
            trace=self._trace(sheet.summary),
            tabs=list(self._links(sheet, name, more or {})),
            **(head | values),
        )

    def _trace(self, session: Summary) -> str | None:
        place = self.reading.settings.desk_trace_url
        if not place or session.trace_id == HIDDEN:
            return None
        return place.replace("{trace_id}", session.trace_id)

    def _links(
        self, sheet: Sheet, name: str, more: Mapping[str, str]
    ) -> Iterable[tuple[Entry, str, bool]]:
        for tab in sorted(self._tabs.values(), key=lambda one: _ORDER.index(one.name)):
            for entry in tab.entries(sheet):
                here = tab.name == name and entry.more == more
                yield entry, sheet.asked.address(tab.path, entry.more), here


def unknown(text: str) -> web.HTTPNotFound:
    """Say that there is no such session."""
    return web.HTTPNotFound(text=f"No session has the id or support code {text}.")
