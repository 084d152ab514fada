"""What the user typed, beside what was read off the documents."""

from __future__ import annotations

from aiohttp import web

from journeytrace_desk.tabs import Tabs
from journeytrace_desk.views.form import form

__all__ = ["FormPages"]


class FormPages:
    """Answers with the fields of a session's form."""

    def __init__(self, tabs: Tabs) -> None:
        self._tabs = tabs
        tabs.add("form", "/session/form", "Form")

    async def form(self, request: web.Request) -> web.Response:
        """Answer with every field, and where the two sides differ."""
        sheet = await self._tabs.open(request)
        found = form(sheet.events)
        differing = sum(one.differs for one in found)
        return self._tabs.answer(sheet, "form", "form.html", fields=found, differing=differing)
