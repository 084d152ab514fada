"""What `show` says of error codes that the collector's catalogue knows."""

from __future__ import annotations

import io
from typing import Any, cast

from rich.console import Console

from journeytrace_collector.cli.client import Event, Summary
from journeytrace_collector.cli.error_codes import last_code, print_codes

PAGE = "https://help.test/QS-10001"


def event(**fields: Any) -> Event:
    """Make what matters here of an event of the API."""
    return cast(Event, {"error_code": "QS-10001", **fields})


def printed(*events: Event) -> str:
    """Give what a narrow terminal is sent of the codes of these events."""
    out = Console(file=io.StringIO(), width=40, markup=False, highlight=False, emoji=False)
    print_codes(out, events)
    assert isinstance(out.file, io.StringIO)
    return out.file.getvalue()


def test_the_last_code_comes_with_its_meaning_and_its_page() -> None:
    """Whole, whatever is in them, and nothing of it can steer the terminal."""
    session = {
        "last_error_code": "QS-10001",
        "last_error_meaning": "The ID is \x1b[31mblurred.",
        "last_error_page": PAGE,
    }
    text = last_code(cast(Summary, session)).plain
    assert text.startswith("QS-10001  The ID is ")
    assert text.endswith(f"blurred.  {PAGE}")
    assert text.isprintable()


def test_a_collector_that_tells_no_meaning_is_understood() -> None:
    """Before it knew of meanings, it told the bare code, or none."""
    assert last_code(cast(Summary, {"last_error_code": "QS-2"})).plain == "QS-2"
    assert last_code(cast(Summary, {"last_error_code": None})).plain == "—"
    assert printed(event()) == ""


def test_codes_of_the_timeline_are_explained_once() -> None:
    """Each code with a known meaning has one line, which no edge of the terminal cuts."""
    known = event(error_meaning="The ID is blurred.", error_page=PAGE)
    unknown = event(error_code="QS-2", error_meaning=None)
    assert printed(known, unknown, known) == f"\nQS-10001  The ID is blurred.  {PAGE}\n"
