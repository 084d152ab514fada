"""A session with something of all that a report tells, and its report."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Sequence
from hashlib import sha256
from typing import Any

import pytest
from tests.support.events import IDLE_TIMEOUT, MINUTE, NOON, SECOND, done, event

from journeytrace.catalogue import builtin_catalogue
from journeytrace_collector.admin.told import told, told_event
from journeytrace_collector.core.model import Event
from journeytrace_collector.core.screening import screening
from journeytrace_collector.core.sessionize import state_of
from journeytrace_collector.report.content import content
from journeytrace_collector.report.seal import seal
from journeytrace_collector.report.told import told as chosen
from journeytrace_collector.report.typeset import typeset
from journeytrace_collector.settings.report import FONTS
from journeytrace_collector.store.base import Known

__all__ = ["ARABIC", "CYRILLIC", "KOREAN", "pdf_text", "reviewed", "said", "sealed"]

KOREAN = "김민수"
ARABIC = "محمد حسين"
CYRILLIC = "Ольга Ёлкина"
CATALOGUE = builtin_catalogue()


def _with(**attributes: Any) -> str:
    """Write metadata; `__` in a name stands for a dot."""
    named = {name.replace("__", "."): value for name, value in attributes.items()}
    return json.dumps(named, ensure_ascii=False)


def reviewed(at: int = NOON, **same: Any) -> list[Event]:
    """Give the events of a session that was entered, read, analysed, screened and rejected."""
    entered = _with(form__name=KOREAN, form__alias=ARABIC, form__mother=CYRILLIC, form__born="1990")
    read = _with(journey__document="ID card", extracted__name=KOREAN, extracted__born="1991")
    analysed = _with(verdict="To review", summary="The light was poor.", flags=["A watch list"])
    hit = {
        "id": "h-1",
        "name": "Kim Min Su",
        "score": 0.91,
        "categories": ["pep"],
        "lists": ["invented"],
    }
    categories = {"pep": "HITS", "sanctions": "CLEAR", "criminal": "FAILED"}
    screened = json.dumps(
        {
            "journey.actor.id": "screening",
            "journey.screening.screener": "local",
            **{f"journey.screening.{name}": state for name, state in categories.items()},
            "journey.private.hits": json.dumps([hit]),
        }
    )
    by = {"journey__actor__id": "ann"}
    cleared = _with(**by, journey__private__hit="h-1", journey__private__text="Born apart.")
    verdict = _with(**by, journey__verdict__text="다른 사람, another person")
    who = {"user_id": "u-42", "email": "min@example.com", "project_id": "acme"}
    card = _with(journey__document="ID card")
    return [
        event("SESSION_CREATED", at, **who, **same),
        event("STEP_VIEW", at + SECOND, metadata=entered, **same),
        event("ID_RECOGNITION", at + 2 * SECOND, result="FAIL", metadata=card, **same),
        event("ID_RECOGNITION", at + 3 * SECOND, result="PASS", metadata=read, **same),
        event("REJECTED", at + 4 * SECOND, reason="SELFIE_DUPLICATE", **same),
        event("ANALYSIS_SUMMARY", at + 5 * SECOND, source="BE", metadata=analysed, **same),
        event("SCREENING_ENDED", at + 6 * SECOND, metadata=screened, **same),
        event("SCREENING_HIT_CLEARED", at + 7 * SECOND, metadata=cleared, **same),
        done("NOTE_ADDED", at + 8 * SECOND, **same),
        event("VERDICT_REJECTED", at + MINUTE, reason="CUSTOM_POLICY", metadata=verdict, **same),
    ]


def said(events: Sequence[Event], key_id: str | None = None) -> tuple[dict[str, Any], bytes]:
    """Give the content of the report, and what is attached."""
    state = state_of(events, CATALOGUE)
    kept, body = chosen([told_event(one) for one in events])
    session = told(Known(state), NOON + 100 * MINUTE, IDLE_TIMEOUT, CATALOGUE)
    digest = sha256(body).hexdigest()
    found = screening(events)
    says = content(session, kept, CATALOGUE, screening=found, digest=digest, key_id=key_id)
    return says, body


def sealed(events: Sequence[Event]) -> bytes:
    """Give the report, unsigned."""
    return seal(typeset(*said(events), FONTS))


def pdf_text(pdf: bytes) -> str:
    """Give the text of a PDF as Debian's pdftotext reads it, without the marks of directions."""
    program = shutil.which("pdftotext")
    if program is None:
        pytest.fail("pdftotext is missing: apt-get install poppler-utils", pytrace=False)
    command = [program, "-layout", "-enc", "UTF-8", "-", "-"]
    found = subprocess.run(command, input=pdf, capture_output=True, check=True, timeout=60)
    marks = dict.fromkeys(map(ord, "\u200b\u200e\u200f\u202a\u202b\u202c\u2068\u2069"))
    return found.stdout.decode().translate(marks)
