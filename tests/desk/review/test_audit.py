"""The audit trail is all that was done with a session."""

from __future__ import annotations

import csv
import io
import json
import re

from hypothesis import given
from tests.desk.conftest import Desk
from tests.desk.review.sessions import PLAIN_REVIEW, REVIEW
from tests.support.events import MINUTE, NOON, deeds, done, event, journeys

from journeytrace.catalogue import builtin_catalogue
from journeytrace_collector.core.model import Event
from journeytrace_desk.views.audit import COLUMNS, cells, chosen, trail

CATALOGUE = builtin_catalogue()


def ordered(*events: Event) -> list[Event]:
    """Give distinct events as a store does."""
    distinct = {one.event_id: one for one in events}.values()
    return sorted(distinct, key=lambda one: (one.at, one.event_id))


@given(journeys(sessions=1, max_size=10), deeds(sessions=1, max_size=15))
def test_the_trail_is_complete(events: list[Event], acts: list[Event]) -> None:
    """Every event of source OP is one line of it, with who did it and when; so is every decision
    and analysis without a person, and nothing else.
    """
    all_of_it = ordered(*events, *acts)
    lines = trail("s", all_of_it, CATALOGUE)
    by_id = {line.event_id: line for line in lines}
    assert len(by_id) == len(lines)
    people = [one for one in all_of_it if one.source == "OP"]
    for one in people:
        line = by_id.pop(one.event_id.hex())
        assert (line.name, line.who) == (one.name, json.loads(one.metadata)["journey.actor.id"])
    for line in by_id.values():
        assert line.who == "AUTOMATIC"
        assert line.name in {"APPROVED", "REJECTED", "PENDING", "ANALYSIS_SUMMARY"}
    assert list(chosen(lines, {})) == lines
    assert [line.at for line in lines] == sorted((line.at for line in lines), reverse=True)


def test_the_trail_tells_what_was_before_and_after() -> None:
    """Decisions, assignments and tasks say what was so until then."""
    said = {"journey.task.id": "t", "journey.task.assignee": "ben"}
    events = [
        event("PENDING", NOON, reason="FACE_AGENT_REVIEW"),
        done("VERDICT_APPROVED", NOON + 1),
        event("REJECTED", NOON + 2, reason="AGE_LIMIT"),
        done("SESSION_ASSIGNED", NOON + 3, said={"journey.session.assignee": "ben"}),
        done("SESSION_ASSIGNED", NOON + 4),
        done("TASK_OPENED", NOON + 5, said=said),
        done("TASK_CLOSED", NOON + 6, said={**said, "journey.task.result": "DONE"}),
        done("VERDICT_CONFIRMED", NOON + 7, confirms="PENDING", reason="X"),
        done("NOTE_ADDED", NOON + 8),
    ]
    lines = trail("s", events, CATALOGUE)[::-1]
    assert [(line.before, line.after) for line in lines] == [
        ("", "PENDING FACE_AGENT_REVIEW"),
        ("PENDING FACE_AGENT_REVIEW", "APPROVED"),
        ("APPROVED", "APPROVED"),
        ("nobody", "ben"),
        ("ben", "nobody"),
        ("", "open, ben"),
        ("open, ben", "closed, ben, DONE"),
        ("APPROVED", "PENDING X"),
        ("", ""),
    ]


def test_the_trail_is_chosen_from() -> None:
    """By who, by what, and by days: from one on, and before another."""
    day = 24 * 60 * MINUTE
    events = [
        done("SESSION_VIEWED", NOON, "ann"),
        done("NOTE_ADDED", NOON + day, "ann"),
        done("NOTE_ADDED", NOON + 2 * day, "ben"),
    ]
    lines = trail("s", events, CATALOGUE)
    for given_, days in (
        ({"who": "ann"}, ["2026-06-02", "2026-06-01"]),
        ({"what": "NOTE_ADDED"}, ["2026-06-03", "2026-06-02"]),
        ({"since": "2026-06-02"}, ["2026-06-03", "2026-06-02"]),
        ({"until": "2026-06-02"}, ["2026-06-01"]),
        ({"who": "ben", "since": "2026-06-02", "until": "2026-06-03"}, []),
    ):
        assert [line.day for line in chosen(lines, given_)] == days


def test_the_page_lists_and_filters(rooms: Desk) -> None:
    """What was done stands there, the newest first, with who and from where; filters leave some."""
    rooms.post(f"/session/note?id={REVIEW}", {"text": "Hello"}, X_Role="analyst")
    text = rooms.get(f"/session/audit?id={REVIEW}&who=ana&what=NOTE_ADDED").text
    rows = re.findall(r"<tr>.*?</tr>", text, re.DOTALL)
    (row,) = [one for one in rows if "<td" in one]
    assert all(part in row for part in ("ana", "127.0.0.1", "NOTE_ADDED", "text: Hello"))
    assert re.search(r'href="/session\?id=review-1(&amp;[^"]*)?#e-[0-9a-f]{16}"', row)
    assert rooms.get(f"/session/audit?id={REVIEW}&since=yesterday").status == 400
    assert rooms.get(f"/session/audit?id={REVIEW}&from=x").status == 400


def test_the_file_holds_what_the_filters_leave_and_itself(rooms: Desk) -> None:
    """Who takes the trail out is in it, and what a spreadsheet would run is defused."""
    rooms.post(f"/session/note?id={PLAIN_REVIEW}", {"text": "=1+1"}, X_Role="analyst")
    reply = rooms.post(f"/session/audit.csv?id={PLAIN_REVIEW}", {}, X_Role="analyst")
    assert reply.headers["content-disposition"] == 'attachment; filename="audit.csv"'
    head, *rows = csv.reader(io.StringIO(reply.text))
    assert tuple(head) == COLUMNS
    found = [dict(zip(head, row, strict=True)) for row in rows]
    assert found[0]["what"] in {"SESSION_VIEWED", "SESSION_EXPORTED"}
    exported = [one for one in found if one["what"] == "SESSION_EXPORTED"]
    assert [(one["who"], one["more"], one["from"]) for one in exported] == [
        ("ana", "purpose: audit trail", "127.0.0.1")
    ]
    path = f"/session/audit.csv?id={PLAIN_REVIEW}&what=NOTE_ADDED"
    _, row = csv.reader(io.StringIO(rooms.post(path, {}, X_Role="analyst").text))
    assert row[-1] == "text: =1+1"


def test_a_row_of_the_file_holds_all_that_was_said() -> None:
    """What a page cuts, the file does not."""
    (line,) = trail("s", [done("NOTE_ADDED", said={"journey.private.text": "x" * 900})], CATALOGUE)
    assert len(line.brief) == 300
    assert str(cells(line)[-1]).count("x") == 900 + "text".count("x")
