"""The report of a session: issued, shown in the browser's own viewer, handed out as a file."""

from __future__ import annotations

from dataclasses import dataclass

from aiohttp import web

from journeytrace_collector.admin.reporting import ISSUED, SealedReport
from journeytrace_collector.errors import NotSetUpError
from journeytrace_desk.forms import typed
from journeytrace_desk.guard import framed, framing
from journeytrace_desk.tabs import Asked, Entry, Sheet, Tabs, unknown
from journeytrace_desk.views.reports import Issued, issued

__all__ = ["ReportPages"]

_NAME = "report"
_PATH = "/session/report"
_FILE = "/session/report.pdf"


@dataclass(frozen=True, slots=True)
class _Shown:
    """What there is to be shown of a session's report."""

    report: SealedReport | None
    """As the session is now; None: it cannot be made."""
    problem: str | None
    """Why not."""
    issued: list[Issued]
    """The newest first."""

    @property
    def current(self) -> Issued | None:
        """When the report as it is now was issued; None: it was not."""
        if self.report is None:
            return None
        return next((one for one in self.issued if one.sha256 == self.report.sha256), None)


class ReportPages:
    """Answers with the report of a session, to analysts: it tells everything in clear."""

    def __init__(self, tabs: Tabs) -> None:
        self._tabs = tabs
        self._reports = tabs.reading.context.reports
        tabs.add(_NAME, _PATH, _entries)

    async def report(self, request: web.Request) -> web.Response:
        """Answer with the report, if what it says now was issued, else with how to issue it."""
        asked = await self._tabs.acting(request)
        sheet = await self._tabs.look(asked)
        shown = await self._shown(asked, sheet)
        current = shown.current
        file = current and asked.address(_FILE, {"sha256": current.sha256})
        page = self._tabs.answer(
            sheet,
            _NAME,
            "report.html",
            shown=shown,
            current=current,
            key_id=self._reports.key_id,
            action=asked.address(_PATH),
            file=file,
            download=current
            and asked.address(_FILE, {"sha256": current.sha256, "download": "yes"}),
        )
        return framing(page)

    async def issue(self, request: web.Request) -> web.Response:
        """Record that the report as it is now is issued, and lead to it."""
        asked = await self._tabs.acting(request)
        await typed(request)
        made = await self._reports.make(asked.session_id)
        if made is None:
            raise unknown(asked.found.summary.session_id)
        event_id = made.event_id(asked.session_id)
        await self._tabs.record(asked, ISSUED, made.said, event_id=event_id)
        raise web.HTTPSeeOther(asked.address(_PATH))

    async def pdf(self, request: web.Request) -> web.Response:
        """Answer with the file, for as long as the session says what was issued."""
        asked = await self._tabs.acting(request, "sha256", "download")
        sheet = await self._tabs.look(asked)
        shown = await self._shown(asked, sheet)
        if shown.problem is not None:
            raise NotSetUpError(shown.problem)
        current = shown.current
        if shown.report is None or current is None or current.sha256 != asked.given.get("sha256"):
            raise web.HTTPConflict(
                text="The session has changed since this report was issued, or it was not issued:"
                " open the tab Report."
            )
        name = f"report-{sheet.summary.support_code}.pdf"
        way = "attachment" if "download" in asked.given else "inline"
        headers = {"Content-Disposition": f'{way}; filename="{name}"'}
        body = shown.report.pdf
        return framed(web.Response(body=body, content_type="application/pdf", headers=headers))

    async def _shown(self, asked: Asked, sheet: Sheet) -> _Shown:
        found = issued(sheet.events)
        try:
            return _Shown(await self._reports.make(asked.session_id), None, found)
        except NotSetUpError as error:
            return _Shown(None, str(error), found)


def _entries(sheet: Sheet) -> list[Entry]:
    return [Entry("Report")] if sheet.asked.may_act else []
