"""What the filters leave, as a file."""

from __future__ import annotations

import csv
import http.client
import io
import time
from pathlib import Path

import pytest
from tests.desk.conftest import Desk, opened
from tests.desk.journeys import COUNT, MARKUP, NASTY
from tests.desk.journeys import sessions as made
from tests.support.running import enter_in_background

from journeytrace_collector.store.base import SessionQuery
from journeytrace_desk import export
from journeytrace_desk.reading import Listed, Reader


def read(text: str) -> list[list[str]]:
    """Read a file as a spreadsheet does."""
    return list(csv.reader(io.StringIO(text)))


def test_the_file_holds_what_is_filtered(either: Desk) -> None:
    """All sessions of the filters are there, the newest first, under the names of the columns."""
    reply = either.get("/sessions.csv")
    head, *rows = read(reply.text)
    assert reply.headers["content-type"] == "text/csv; charset=utf-8"
    assert reply.headers["content-disposition"] == 'attachment; filename="sessions.csv"'
    assert head == list(export.COLUMNS)
    assert len(rows) == len({row[1] for row in rows}) == COUNT
    assert len(read(either.get("/sessions.csv?project=acme&decision=PENDING").text)) == 1 + 10
    (nasty,) = (row for row in rows if row[1] == NASTY)
    assert nasty[2] == MARKUP


def test_a_long_file_ends_and_says_so(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the bound the last line says that there is more; pages are read one by one."""
    monkeypatch.setattr(export, "_AT_ONCE", 7)
    assert len(read(desk.get("/sessions.csv").text)) == 1 + COUNT
    monkeypatch.setattr(export, "MOST_ROWS", 20)
    rows = read(desk.get("/sessions.csv").text)
    assert len(rows) == 1 + 20 + 1
    assert rows[-1] == ["only the newest 20 sessions are here: narrow the filters down"]


def test_a_file_that_cannot_be_finished_is_broken_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the store goes away meanwhile the download fails, instead of looking complete."""
    pages = Reader.sessions

    async def sessions(self: Reader, query: SessionQuery, now: int) -> Listed:
        if query.after is not None:
            (tmp_path / "data" / "journeys.sqlite").rename(tmp_path / "away")
        return await pages(self, query, now)

    monkeypatch.setattr(export, "_AT_ONCE", 7)
    monkeypatch.setattr(Reader, "sessions", sessions)
    with enter_in_background() as enter:
        desk = opened(enter, tmp_path / "data", made(time.time_ns())[:100])
        with pytest.raises((http.client.IncompleteRead, ConnectionResetError)):
            desk.get("/sessions.csv")


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", " =1", "\n=1"])
def test_no_cell_is_a_formula(cell: str) -> None:
    """What a spreadsheet would calculate has an apostrophe before it."""
    assert read(export.written([(cell, None, "u-1")]).decode()) == [[f"'{cell}", "", "u-1"]]
