"""Change status: a person decides of a session, as they have seen it (DESIGN section 13)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from aiohttp import web

from journeytrace_collector.core.review import (
    SessionMovedOnError,
    Version,
    news_since,
    read_version,
    version_of,
    write_version,
)
from journeytrace_collector.core.screening import open_hits
from journeytrace_collector.errors import VerdictNotAllowedError
from journeytrace_desk.forms import typed
from journeytrace_desk.tabs import Asked, Sheet, Tabs
from journeytrace_desk.views import verdict as views
from journeytrace_desk.views.verdict import Form, Reason

__all__ = ["VerdictPages"]

_PATH: Final = "/session/verdict"
_FIELDS: Final = ("version", "decision", "reason", "text")
_MOST_NEWS: Final = 20
_STRANGE: Final = (
    "This form does not say of which state of the session it is. Nothing was recorded: look at it"
    " again, then decide."
)


class VerdictPages:
    """Asks what somebody decides, and records it."""

    def __init__(self, tabs: Tabs) -> None:
        self._tabs = tabs
        self._settings = tabs.reading.settings
        self._catalogue = tabs.reading.catalogue
        tabs.add_to_head(self._head)

    def _head(self, sheet: Sheet) -> dict[str, Any]:
        """Give what ``change_status.html`` shows: what was proposed, and the way here."""
        asked = sheet.asked
        if not asked.may_act:
            return {"change_status": None}
        seen = write_version(version_of(asked.found.known.state), asked.session_id)
        return {"change_status": asked.address(_PATH, {"version": seen})}

    async def ask(self, request: web.Request) -> web.Response:
        """Answer with the form. Of a session that has moved on since then it tells what is new."""
        asked = await self._tabs.acting(request, "version")
        sheet = await self._tabs.look(asked)
        seen = _version(asked, asked.given.get("version"))
        proposal = views.agreed(sheet.summary, asked.actor.id)
        form = Form(reason=(proposal.reason or "") if proposal else "")
        return self._answer(sheet, form, seen=seen)

    async def decide(self, request: web.Request) -> web.Response:
        """Record what was decided, or proposed, and lead back to the session."""
        asked = await self._tabs.acting(request)
        given = await typed(request, *_FIELDS)
        summary, state = asked.found.clear, asked.found.known.state
        two_people = self._settings.verdict_rules(summary.project_id).two_people
        proposal = views.agreed(summary, asked.actor.id) if two_people else None
        form, chosen = views.read(given, views.options(summary), self._reasons(asked), proposal)
        seen = _version(asked, given.get("version"))
        if seen is None:
            form, chosen = replace(form, problems={**form.problems, "version": _STRANGE}), None
        if chosen is None:
            return self._answer(await self._tabs.look(asked), form, status=422, seen=seen)
        name, said = views.named(
            form,
            chosen,
            automatic_reason=state.decided[3] if state.decided else None,
            two_people=two_people,
            proposal=state.open_proposal if proposal is not None else None,
        )
        try:
            await self._tabs.record(asked, name, said, expected=seen)
        except SessionMovedOnError:
            return await self._again(request, form, seen)
        except VerdictNotAllowedError as error:
            form = replace(form, problems={"rules": f"{str(error)[:1].upper()}{str(error)[1:]}."})
            return await self._again(request, form, seen)
        raise web.HTTPSeeOther(asked.address("/session"))

    async def _again(self, request: web.Request, form: Form, seen: Version | None) -> web.Response:
        """Answer with the session as it is now, what is new, and what was typed."""
        sheet = await self._tabs.look(await self._tabs.acting(request))
        return self._answer(sheet, form, status=409, seen=seen)

    def _answer(
        self, sheet: Sheet, form: Form, *, status: int = 200, seen: Version | None
    ) -> web.Response:
        asked, catalogue = sheet.asked, self._catalogue
        now = version_of(asked.found.known.state)
        fresh = [] if seen in (None, now) else news_since(seen, sheet.events, catalogue)
        news = list(views.news(fresh, catalogue))
        rules = self._settings.verdict_rules(asked.found.clear.project_id)
        return self._tabs.answer(
            sheet,
            "",
            "verdict.html",
            status=status,
            form=form,
            change_status=None,
            refused=status == 409,
            options=views.options(asked.found.clear),
            reasons=self._reasons(asked),
            longest=views.LONGEST_TEXT,
            address=asked.address(_PATH),
            back=asked.address("/session"),
            version=write_version(now, asked.session_id),
            news=news[-_MOST_NEWS:],
            further=max(0, len(news) - _MOST_NEWS),
            two_people=rules.two_people,
            agreed=views.agreed(sheet.summary, asked.actor.id),
            hits=0 if rules.approve_with_open_hits else open_hits(sheet.events),
        )

    def _reasons(self, asked: Asked) -> list[Reason]:
        decided = asked.found.known.state.decided
        automatic = decided[3] if decided and decided[2] == "REJECTED" else None
        return views.reasons(self._settings.desk_review.reasons, self._catalogue, automatic)


def _version(asked: Asked, text: str | None) -> Version | None:
    """Read which version somebody saw; None: nobody says."""
    try:
        return read_version(text or "", asked.session_id)
    except ValueError:
        return None
