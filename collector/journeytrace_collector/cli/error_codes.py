"""What the error codes of a session mean, where the collector's catalogue knows it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from rich.console import Console
from rich.text import Text

from journeytrace_collector.cli.client import Event, Summary
from journeytrace_collector.cli.terminal import NOTHING, plain, styled

__all__ = ["last_code", "print_codes"]

_GAP: Final = "  "


def last_code(session: Summary) -> Text:
    """Give the newest code of a session, with its meaning and page where they are known."""
    code = session["last_error_code"]
    meaning, page = session.get("last_error_meaning"), session.get("last_error_page")
    return _line(styled(code or NOTHING), meaning, page)


def print_codes(out: Console, events: Iterable[Event]) -> None:
    """Print each code of the events that has a known meaning, one a line; without any, nothing."""
    known = {event["error_code"]: event for event in events if event.get("error_meaning")}
    if not known:
        return
    out.print()
    for code, event in sorted(known.items(), key=lambda item: item[0] or ""):
        text = _line(styled(code, "red"), event.get("error_meaning"), event.get("error_page"))
        out.print(text, soft_wrap=True)


def _line(code: Text, meaning: str | None, page: str | None) -> Text:
    for part, style in ((meaning, ""), (page, "dim")):
        if part:
            code = Text.assemble(code, _GAP, (plain(part), style))
    return code
