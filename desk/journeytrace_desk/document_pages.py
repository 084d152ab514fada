"""One document or step of a session: its checks, what was read off it, and all that happened."""

from __future__ import annotations

from aiohttp import web

from journeytrace_collector.core.operations import began
from journeytrace_desk.tabs import Entry, Sheet, Tabs
from journeytrace_desk.views.documents import documents
from journeytrace_desk.views.events import ROWS, line
from journeytrace_desk.views.form import read_off

__all__ = ["DocumentPages"]


class DocumentPages:
    """Answers with a document of a session."""

    def __init__(self, tabs: Tabs) -> None:
        self._tabs = tabs
        self._catalogue = tabs.reading.catalogue
        tabs.add("document", "/session/document", self._entries)

    def _entries(self, sheet: Sheet) -> list[Entry]:
        found = documents(sheet.events, self._catalogue)
        return [Entry(one.name, {"document": one.name}) for one in found]

    async def document(self, request: web.Request) -> web.Response:
        """Answer with one document, which the address names."""
        sheet = await self._tabs.open(request, "document")
        name = sheet.asked.given.get("document", "")
        found = [one for one in documents(sheet.events, self._catalogue) if one.name == name]
        if not found:
            raise web.HTTPNotFound(text=f"This session has no document or step {name!r}.")
        (shown,) = found
        start = began(sheet.events)
        checks = [line(one, start, self._catalogue) for one in shown.checks]
        return self._tabs.answer(
            sheet,
            "document",
            "document.html",
            more={"document": name},
            document=shown,
            checks=checks,
            fields=read_off(sheet.events, shown.events),
            lines=[line(one, start, self._catalogue) for one in shown.events[-ROWS:]],
            cut=max(0, len(shown.events) - ROWS),
        )
