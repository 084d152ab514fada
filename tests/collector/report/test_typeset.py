"""The file: PDF/A with the events in it, the same bytes for the same session."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from pypdf import PdfReader
from tests.support.events import NOON, SECOND, done, event
from tests.support.reported import ARABIC, CYRILLIC, KOREAN, pdf_text, reviewed, said, sealed
from tests.support.waiting import PATIENCE

from journeytrace_collector.admin.told import told_event
from journeytrace_collector.errors import NotSetUpError, UnavailableError
from journeytrace_collector.report.checking import check
from journeytrace_collector.report.typeset import typeset
from journeytrace_collector.settings.report import FONTS

ROOT = Path(__file__).parents[3]
MARKUP = (
    '#panic("x") #read("/etc/passwd") *b* _i_ $x^2$ <label> @ref `raw` = Head // gone /* gone */'
    ' \\ #set page(width: 1pt) [a] #import "@preview/x:1.0.0": *'
)
LOOKS = ("SESSION_VIEWED", "EMAIL_REVEALED", "SESSION_EXPORTED", "REPORT_ISSUED")


@pytest.fixture(scope="module")
def pdf() -> bytes:
    """The report of a session that was reviewed."""
    return sealed(reviewed())


def reader(pdf: bytes) -> PdfReader:
    """Read a PDF, and complain of whatever is odd about it."""
    return PdfReader(io.BytesIO(pdf), strict=True)


def words(pdf: bytes) -> str:
    """Give its text with one space between words."""
    return " ".join(pdf_text(pdf).split())


def test_the_bytes_are_the_same_elsewhere(pdf: bytes) -> None:
    """Another process, locale, time zone, home and working directory make the same file."""
    code = (
        "import sys; from tests.support.reported import reviewed, sealed;"
        "sys.stdout.buffer.write(sealed(reviewed()))"
    )
    elsewhere = {"LC_ALL": "tr_TR.UTF-8", "TZ": "Asia/Seoul", "HOME": "/", "PYTHONHASHSEED": "7"}
    paths = {"PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path]), "PATH": os.environ["PATH"]}
    command = [sys.executable, "-c", code]
    done = subprocess.run(
        command, env=elsewhere | paths, cwd="/", capture_output=True, check=True, timeout=PATIENCE
    )
    assert done.stdout == pdf
    assert sealed(reviewed()) == pdf


def test_it_is_pdf_a(pdf: bytes) -> None:
    """It says that it is PDF/A-3a and PDF/UA-1, which Typst's own checker let it say."""
    told = reader(pdf).metadata
    assert told is not None
    xmp = pdf[pdf.index(b"<?xpacket begin") : pdf.index(b"<?xpacket end")]
    assert b"<pdfaid:part>3</pdfaid:part><pdfaid:conformance>A</pdfaid:conformance>" in xmp
    assert b"<pdfuaid:part>1</pdfuaid:part>" in xmp
    assert told.creation_date == told.modification_date
    assert str(told.creation_date) == "2026-06-01 12:01:00+00:00"


def test_names_are_printed_in_any_script(pdf: bytes) -> None:
    """What is read off the pages has the Korean, the Arabic and the Cyrillic name."""
    text = words(pdf)
    assert KOREAN in text
    assert CYRILLIC in text
    assert ARABIC in text


def test_it_tells_what_was_found_and_decided(pdf: bytes) -> None:
    """Decision with person, reason and text, analysis, flags, screening and hits are in print."""
    text = words(pdf)
    for part in (
        "Rejected by ann",
        "CUSTOM_POLICY",
        "다른 사람, another person",
        "To review",
        "The light was poor.",
        "A watch list",
        "1990 1991 ID card differs",
        "Kim Min Su",
        "cleared by ann",
        "Born apart.",
        "1 of 2 times failed",
        "Session 018f3b5e-0000-7000-8000-000000000001 Page 1 of 2",
        "None: no key is configured.",
    ):
        assert part in text


def test_the_attached_events_are_those_of_the_api(pdf: bytes) -> None:
    """They are as the API tells them, and their hash is printed."""
    [body] = reader(pdf).attachments["events.json"]
    events = reviewed()
    told: list[Any] = json.loads(said(events)[1])["events"]
    assert json.loads(body)["events"] == told
    assert [one["event_id"] for one in told] == [one.event_id.hex() for one in events]
    assert [one["name"] for one in told] == [told_event(one).name for one in events]
    assert said(events)[0]["digest"] in words(pdf)


def test_looking_changes_nothing(pdf: bytes) -> None:
    """Views, reveals, exports and reports of the session leave every byte as it was."""
    looked = [done(name, NOON + 90 * SECOND, by="eve") for name in LOOKS]
    assert sealed([*reviewed(), *looked]) == pdf
    assert sealed([*reviewed(), done("NOTE_ADDED", NOON + 90 * SECOND)]) != pdf


def test_nothing_of_a_user_is_markup() -> None:
    """What looks like Typst's markup is printed as it is, wherever a sender can write."""
    hostile = {"reason": MARKUP, "error_code": MARKUP, "user_id": MARKUP, "stage": MARKUP}
    values = {MARKUP: MARKUP, f"form.{MARKUP}": MARKUP, "journey.document": MARKUP}
    text = words(
        sealed(
            [
                event("SESSION_CREATED", project_id=MARKUP),
                event(MARKUP, NOON + 1, result="FAIL", metadata=json.dumps(values), **hostile),
                event("REJECTED", NOON + 2, reason=MARKUP),
            ]
        )
    )
    assert text.count('#panic("x") #read("/etc/passwd") *b* _i_ $x^2$ <label> @ref `raw`') > 8


def test_what_steers_texts_becomes_visible() -> None:
    """NUL, half characters, overrides of direction, emoji and words without end are printed."""
    word = "w" * 5_000
    value = "a\x00b \ud800 \u202egnp.exe \u2066 \U0001f600 \ue000 end"
    metadata = json.dumps({"form.odd": value, "form.long": word})
    text = words(sealed([event("STEP_VIEW", metadata=metadata)]))
    for part in (r"a\x00b", r"\ud800", r"\u202egnp.exe", r"\u2066", r"\U0001f600", r"\ue000"):
        assert part in text
    assert "[…4,500 more]" in text
    assert "w" * 25 in text


def test_a_character_without_a_font_is_named() -> None:
    """Only configured fonts are used; what they lack is named, with the setting that helps."""
    events = [event("STEP_VIEW", metadata=f'{{"form.name":"{KOREAN}"}}')]
    with pytest.raises(NotSetUpError, match=r"'김' \(U\+AE40 HANGUL SYLLABLE GIM\).* report.fonts"):
        typeset(*said(events), ())


def test_latin_needs_no_font() -> None:
    """Where no font is configured, Typst's own do for what they have."""
    assert b"%PDF-1.7" in typeset(*said([event("SESSION_CREATED")]), ())


def test_the_work_is_bounded() -> None:
    """A report that takes too long is given up."""
    with pytest.raises(UnavailableError, match=r"longer than 0.001 s"):
        typeset(*said([event("SESSION_CREATED")]), FONTS, seconds=0.001)


def test_a_long_timeline_says_what_it_leaves_out() -> None:
    """The first 500 events are printed, and it is said of how many; all are attached."""
    events = [event("STEP_VIEW", NOON + number) for number in range(501)]
    pdf = sealed(events)
    assert "The first 500 of 501 events; all of them are attached." in words(pdf)
    assert check(pdf, None).lines[-1].found.startswith("501 attached")
