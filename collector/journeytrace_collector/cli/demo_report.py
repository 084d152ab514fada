"""What the demo prints once everything has arrived."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from journeytrace_collector.cli.client import Event, Funnel, Summary
from journeytrace_collector.cli.figures import decisions, statuses
from journeytrace_collector.cli.selection import Selection
from journeytrace_collector.cli.session_list import print_sessions
from journeytrace_collector.cli.terminal import NOTHING, chip, styled
from journeytrace_collector.cli.timeline import print_card, print_timeline

__all__ = ["heading", "print_figures", "print_latest", "print_next", "print_one"]

_LATEST = 15
_BAR = 30
_OPTIONAL = "PRE_STEP2 is optional: who goes past it counts as having come this far."


def heading(out: Console, text: str) -> None:
    """Print the title of a section."""
    out.print()
    out.print(Text(text, style="bold underline"))
    out.print()


def print_latest(out: Console, sessions: Sequence[Summary]) -> None:
    """Print the newest sessions."""
    shown = sessions[:_LATEST]
    heading(out, f"The latest {len(shown)} of {len(sessions)} sessions")
    print_sessions(out, shown)


def print_figures(out: Console, sessions: Sequence[Summary], funnel: Funnel) -> None:
    """Print the funnel, the decisions and the statuses."""
    heading(out, "How far they came")
    out.print(_funnel(funnel))
    out.print(Text(_OPTIONAL, style="dim italic"))
    heading(out, "What was decided, and why")
    out.print(_decisions(sessions))
    heading(out, "Where they are now")
    out.print(_statuses(sessions))


def print_one(out: Console, session: Summary, events: Sequence[Event]) -> None:
    """Print one session with its timeline."""
    heading(out, "One session, from its first event to its last")
    print_card(out, session)
    out.print()
    print_timeline(out, Selection(events), session["created_at"])


def print_next(out: Console, session_id: str, admin: str | None) -> None:
    """Print what to try next; `admin` is where the collector goes on answering, None: nowhere."""
    heading(out, "What to try next")
    name = _program()
    if admin is None:
        commands = [
            f"{name} demo --keep   # the same again, and pages to open in a browser",
            f"{name} collector     # an empty one, for your own services",
        ]
    else:
        url = f"--url http://{admin}"
        commands = [
            f"{name} sessions --decision REJECTED {url}",
            f"{name} sessions --status DROPPED --since 1h {url}",
            f"{name} show {session_id} --source BE {url}",
            f"curl 'http://{admin}/api/v1/sessions?limit=1'",
        ]
    for command in commands:
        # Soft-wrapped, so that a command stays one piece to copy.
        out.print(Text(f"  {command}", style="cyan"), soft_wrap=True)


def _program() -> str:
    """Give what to type: the name, or, where the shell would not find that, how it was called."""
    called = sys.argv[0]
    found = shutil.which("journeytrace") or Path(called).name != "journeytrace"
    return "journeytrace" if found else called


def _table(*headers: str) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold")
    for header in headers:
        number = header in {"Sessions", "Kept"}
        table.add_column(header, justify="right" if number else "left", no_wrap=True)
    return table


def _funnel(funnel: Funnel) -> Table:
    table = _table("Stage", "Sessions", "Kept", "This far or further")
    for step in funnel["steps"]:
        bar = Text("█" * round(_BAR * (step["of_all"] or 0)), style="blue")
        kept = NOTHING if step["of_before"] is None else f"{step['of_before']:.0%}"
        table.add_row(step["stage"], str(step["sessions"]), kept, bar)
    return table


def _decisions(sessions: Sequence[Summary]) -> Table:
    table = _table("Decision", "Reason", "Sessions")
    for (decision, reason), count in sorted(decisions(sessions).items(), key=lambda row: -row[1]):
        table.add_row(styled(decision or "none yet"), reason or NOTHING, str(count))
    return table


def _statuses(sessions: Sequence[Summary]) -> Table:
    table = _table("Status", "Sessions")
    for status, count in statuses(sessions).most_common():
        table.add_row(chip(status), str(count))
    return table
