"""Sessions for those who ask the admin API, and what they ask with."""

from __future__ import annotations

import time
from typing import Final

from tests.support.events import MINUTE, SECOND, done, event

from journeytrace_collector.core.model import Event

__all__ = ["PLANTED_SESSIONS", "READER_TOKEN", "SENDER_TOKEN", "START", "planted_events"]

START: Final = time.time_ns() // SECOND * SECOND - 10 * MINUTE
"""Not long ago, or the sessions would have expired."""

READER_TOKEN: Final = "reads-0123456789abcdef0123456789"
SENDER_TOKEN: Final = "sends-0123456789abcdef0123456789"

PLANTED_SESSIONS: Final = [f"018f3b5e-0000-7000-8000-{number:012x}" for number in range(200)]


def planted_events() -> list[Event]:
    """Give sessions of forty people, each rejected, and looked at by a person."""
    found = []
    for number, session in enumerate(PLANTED_SESSIONS):
        at = START + number * SECOND
        person = number % 40 + 3
        who = {"user_id": f"u-{person}", "email": f"u{person}@example.com", "project_id": "acme"}
        failed = {"result": "FAIL", "error_code": "QS-10001", "metadata": '{"score":{"of":[1]}}'}
        found += [
            event("SESSION_CREATED", at, session_id=session, **who),
            event("STEP1_ENTERED", at + 1, session_id=session, service="kyc"),
            event("ID_RECOGNITION", at + 2, session_id=session, **failed),
            event("REJECTED", at + 3, session_id=session, reason="SELFIE_DUPLICATE"),
            done("NOTE_ADDED", at + 4, session_id=session),
        ]
    return found
