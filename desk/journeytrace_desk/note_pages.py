"""Notes that people leave on a session."""

from __future__ import annotations

from aiohttp import web

from journeytrace.conventions import PRIVATE_TEXT
from journeytrace_desk.forms import typed
from journeytrace_desk.session_pages import LONGEST_NOTE, SessionPages
from journeytrace_desk.tabs import Tabs

__all__ = ["NotePages"]


class NotePages:
    """Takes notes; the summary shows them."""

    def __init__(self, tabs: Tabs, sessions: SessionPages) -> None:
        self._tabs = tabs
        self._sessions = sessions

    async def add(self, request: web.Request) -> web.Response:
        """Add a note, or say what is wrong with it."""
        asked = await self._tabs.acting(request)
        text = (await typed(request, "text")).get("text", "").replace("\r\n", "\n").strip()
        if not text or len(text) > LONGEST_NOTE:
            wrong = (
                "Write something, or there is nothing to keep."
                if not text
                else f"This is {len(text):,} characters long; {LONGEST_NOTE:,} have room."
            )
            return await self._sessions.refused(asked, {"note": text, "note_wrong": wrong})
        await self._tabs.record(asked, "NOTE_ADDED", {PRIVATE_TEXT: text})
        raise web.HTTPSeeOther(asked.address("/session") + "#notes")
