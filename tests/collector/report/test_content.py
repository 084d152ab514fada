"""What a report says, before it is set."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.events import NOON, SECOND, event
from tests.support.reported import reviewed, said

from journeytrace_collector.report.identity import Field
from journeytrace_collector.report.printable import printable


def content(*events: Any) -> dict[str, Any]:
    """Give what the report of these events says."""
    return said(events)[0]


def step(at: int = NOON, source: str = "BE", **attributes: str) -> Any:
    """Make an event with these attributes; `__` in a name stands for a dot."""
    named = {name.replace("__", "."): value for name, value in attributes.items()}
    return event("STEP_VIEW", at, source=source, metadata=json.dumps(named))


def test_it_is_as_old_as_its_newest_event() -> None:
    """Whoever makes it and when, it tells the time of the newest event that it tells."""
    assert content(*reviewed())["made"]["text"] == "2026-06-01 12:01:00"


@pytest.mark.parametrize(
    ("entered", "extracted", "different"),
    [
        ("Kim", "KIM", False),
        ("Kim  Min", "kim min ", False),
        ("\uff11\uff19\uff19\uff10", "1990", False),
        ("Kim", "Kin", True),
        ("Kim", None, False),
        (None, "Kim", False),
        ("", "Kim", True),
        ("Kim, Min-su", "KIM MIN SU", False),
        ("03/04/1990", "1990-04-03", False),
        ("1990.4.3.", "19900403", False),
        ("1990-04-03", "1990-04-13", True),
        ("99/99/1990", "1990-04-13T00:00:00Z", True),
        ("-", "+", True),
    ],
)
def test_differences_are_marked(
    entered: str | None, extracted: str | None, different: bool
) -> None:
    """Case, width, signs and ways to write a day make no difference, all else known does."""
    assert Field("name", entered, extracted, None).differs is different


def test_the_newest_value_counts_and_documents_stand_apart() -> None:
    """What was entered last, beside what each document says of it."""
    [first, second] = content(
        step(NOON, "FE", form__name="Kin"),
        step(NOON + SECOND, "FE", form__name="Kim"),
        step(NOON + 2 * SECOND, extracted__name="Kim", journey__document="ID card"),
        step(NOON + 3 * SECOND, extracted__name="Lee", journey__document="passport"),
    )["fields"]
    assert (first["entered"], first["extracted"], first["differs"]) == ("Kim", "Kim", False)
    assert (second["document"], second["extracted"], second["differs"]) == ("passport", "Lee", True)


def test_only_servers_extract() -> None:
    """What a screen says under `extracted.` is not told as read off a document."""
    assert content(step(NOON, "FE", extracted__name="Kim"))["fields"] == []


def test_no_category_is_clear_unless_it_was_searched() -> None:
    """A category that a screening says nothing of was not covered; without one there is none."""
    found = content(event("SCREENING_ENDED", metadata='{"journey.screening.pep":"CLEAR"}'))
    words = [state for _, state, _ in found["screening"]["categories"]]
    assert words == ["Clear", "Not covered", "Not covered", "Not covered", "Not covered"]
    assert content(event("STEP_VIEW"))["screening"] is None


@pytest.mark.parametrize("hits", ['"[[["', '"[1,null]"', "{}", "7", '"[{\\"id\\":[1]}]"'])
def test_hits_that_cannot_be_read_are_left_to_the_attachment(hits: str) -> None:
    """Whatever a screener wrote, there is a report."""
    told = content(event("SCREENING_ENDED", metadata=f'{{"journey.private.hits":{hits}}}'))
    assert len(told["screening"]["hits"]) <= 1


@given(st.text(max_size=200))
def test_what_is_printed_can_be_seen(text: str) -> None:
    """No text has anything left that is invisible, but breaks, joiners and marks of its own."""
    allowed = "\u200b\u200c\u200d\u2068\u2069"
    shown = printable(text)
    assert all(char.isprintable() or char in allowed or char.isspace() for char in shown)
    assert shown.isascii() or shown.encode()


def test_what_is_printable_stays_as_it_is() -> None:
    """Names in all scripts, punctuation and money are printed as they are."""
    for name in (
        "김민수",
        "Ольга Ёлкина",
        "Nguyễn Thị",
        "O'Brien\u2013Smith",
        "習近平",
        "₩1,000 ㈜",
    ):
        assert printable(name) == name
    assert printable("محمد حسين") == "\u2068محمد حسين\u2069"
    assert printable("a\nb\x00\u202e") == r"a b\x00\u202e"


def test_a_hit_says_what_was_made_of_it() -> None:
    """Its evidence is in words, and what was said of it in another session counts until now."""
    compared = {"what": "birth date", "asked": "1990", "listed": "1961", "agrees": False}
    known = {
        "at": NOON,
        "event_id": "00",
        "confirmed": False,
        "actor": "ben",
        "text": "Another one.",
        "session_id": "another",
    }
    hit = {"id": "h", "name": "Kim", "score": 0.8, "categories": ["pep"], "evidence": [compared]}
    hit["known"] = known
    ended = event(
        "SCREENING_ENDED",
        metadata=json.dumps(
            {"journey.private.hits": json.dumps([hit]), "journey.screening.pep": "HITS"}
        ),
    )
    [shown] = content(ended)["screening"]["hits"]
    assert shown["about"] == "score: 0.8 · categories: pep · evidence: birth date 1990 / 1961"
    assert shown["judged"] == "cleared in another session by ben: Another one."


def test_a_screening_that_failed_takes_no_hit_back() -> None:
    """What an earlier screening found stands in print as it does at the desk."""
    hit = json.dumps([{"id": "h", "name": "Kim", "score": 1.0, "categories": ["pep"]}])
    found = {"journey.private.hits": hit, "journey.screening.pep": "HITS"}
    told = content(
        event("SCREENING_ENDED", NOON, metadata=json.dumps(found)),
        event("SCREENING_ENDED", NOON + SECOND, metadata='{"journey.screening.pep":"FAILED"}'),
    )["screening"]
    assert [one["name"] for one in told["hits"]] == ["Kim"]
    assert told["categories"][0][1] == "Failed"
