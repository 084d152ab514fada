"""A session that has to be reviewed: documents, a form, an analysis, and a hold."""

from __future__ import annotations

import json
from typing import Any

from tests.support.events import MINUTE, SECOND, done, event

from journeytrace_collector.core.model import Event

__all__ = ["PLAIN_REVIEW", "REVIEW", "reviews"]

REVIEW = "review-1"
PLAIN_REVIEW = "review-2"
"""Of another project, with nothing but an approval."""

_TYPED = {
    "form.last_name": "Kim",
    "form.first_name": "Min-jun",
    "form.birth_date": "1990-04-03",
    "form.city": "Seoul",
}
_READ = {
    "extracted.last_name": "KIM",
    "extracted.first_name": "MIN JOON",
    "extracted.birth_date": "03/04/1990",
    "extracted.number": "M12345678",
}


def reviews(now: int) -> list[Event]:
    """Make the events of both sessions; the last happened a minute before `now` (ns)."""
    at = now - 2 * MINUTE
    found: list[Event] = []

    def add(name: str, seconds: float, said: dict[str, Any] | None = None, **fields: Any) -> None:
        when = at + round(seconds * SECOND)
        metadata = json.dumps(said or {}, ensure_ascii=False)
        same = {"session_id": REVIEW, "received": when, "metadata": metadata}
        found.append(event(name, when, **(same | fields)))

    passport, selfie = {"journey.document": "Passport"}, {"journey.document": "Selfie"}
    passed = {"result": "PASS", "impact": "NONE", "duration": SECOND}
    failed = {"result": "FAIL", "impact": "RETAKE", "duration": SECOND}
    known = {"project_id": "acme", "user_id": "u-9", "email": "kim@example.com"}
    add("SESSION_CREATED", 0, None, **known)
    add("STEP_VIEW", 1, {"path": "/details", **_TYPED, "form.first_name": "Minjun"})
    add("STEP_VIEW", 2, {"path": "/details", **_TYPED})
    add("UPLOAD_IMAGE", 4, passport)
    add("ID_RECOGNITION", 5, passport, error_code="QS-10001", **failed)
    add("ID_RECOGNITION", 9, {**passport, **_READ}, **passed)
    add("EXPIRED_ID_CHECK", 10, passport, **passed)
    add("FACE_COMPARE", 20, {**selfie, "score": 0.41}, **failed)
    add("STEP_VIEW", 21, {"path": "/done", "journey.document": "Proof of address"})
    add("PENDING", 30, reason="FACE_AGENT_REVIEW")
    add("FINAL_PAGE_VIEW", 31)
    summary = "Min-jun Kim's passport is genuine; the selfie hardly looks like it."
    flags = ["face does not match", "<b>bold</b>"]
    add("ANALYSIS_SUMMARY", 32, {"summary": summary, "flags": flags, "verdict": "PENDING"})
    other = {"session_id": PLAIN_REVIEW, "project_id": "globex"}
    found.append(event("SESSION_CREATED", at, received=at, **other))
    found.append(event("APPROVED", at + SECOND, received=at + SECOND, **other))
    written = {"said": {"journey.private.text": "They called twice."}, "received": at}
    found.append(done("NOTE_ADDED", at + 40 * SECOND, "ben", session_id=REVIEW, **written))
    return found
