"""Sessions for the desk to show: every status and decision, one who tried again, and worse."""

from __future__ import annotations

import json
from collections.abc import Iterator

from tests.support.events import MINUTE, SECOND, event

from journeytrace_collector.core.model import Event

__all__ = ["COUNT", "EVENTS", "LONG", "MARKUP", "NASTY", "PLAIN", "sessions"]

PLAIN = 100
COUNT = PLAIN + 6
"""Sessions in all."""
LONG = "a long one"
EVENTS = 2_000
"""Of the long one."""
MARKUP = "<img src=x onerror=alert(1)>\"'</script><script>alert(2)</script>{{7*7}}"
NASTY = f"nasty {MARKUP}"
"""Id of a session that has markup wherever a sender can write."""


def sessions(now: int) -> list[Event]:
    """Make events of `COUNT` sessions; the newest was created a minute before `now` (ns)."""
    found: list[Event] = []
    for number in range(PLAIN):
        found += _plain(number, now - (number + 1) * MINUTE)
    found += _person(now - 600 * MINUTE)
    found += _long(now - 700 * MINUTE)
    found += _nasty(now - 800 * MINUTE)
    return found


def _plain(number: int, at: int) -> Iterator[Event]:
    """One of five fates: approved, rejected, held, gone or on an error page."""
    known = {
        "session_id": f"018f3b5e-0000-7000-8000-{number:012x}",
        "project_id": "acme" if number % 2 else "globex",
        "user_id": f"u-{number}",
        "email": f"ann.{number}@example.com",
        "flow_id": f"flow-{number}",
    }
    same = {"session_id": known["session_id"]}
    yield event("SESSION_CREATED", at, **known)
    yield event("STEP_VIEW", at + SECOND, metadata='{"path":"/id-front"}', **same)
    fate = number % 5
    passed = {"result": "PASS", "impact": "NONE", "duration": SECOND}
    failed = {"result": "FAIL", "impact": "REJECTED", "duration": SECOND}
    yield event("AGE_VERIFICATION", at + 5 * SECOND, **(failed if fate == 1 else passed), **same)
    if fate == 0:
        yield event("APPROVED", at + 8 * SECOND, **same)
    elif fate == 1:
        rejected = {"reason": "AGE_VERIFICATION", "error_code": "PV-10004"}
        yield event("REJECTED", at + 8 * SECOND, **rejected, **same)
    elif fate == 2:
        yield event("PENDING", at + 8 * SECOND, reason="COUNTRY_MISMATCH", **same)
    elif fate == 3:
        yield event("ERROR_PAGE_VIEWED", at + 8 * SECOND, error_code="service-blocked", **same)
    if fate < 3:
        yield event("FINAL_PAGE_VIEW", at + 9 * SECOND, **same)


def _person(at: int) -> Iterator[Event]:
    """Four attempts of one person, an hour apart: left, rejected, rejected, approved."""
    for number in range(4):
        begin = at + number * 60 * MINUTE
        same = {"session_id": f"attempt-{number + 1}", "user_id": "u-retry"}
        yield event("SESSION_CREATED", begin, **same)
        yield event("STEP_VIEW", begin + SECOND, metadata='{"path":"/selfie"}', **same)
        if number in {1, 2}:
            failed = {"result": "FAIL", "impact": "REJECTED"}
            yield event("AGE_VERIFICATION", begin + 2 * SECOND, **failed, **same)
            yield event("REJECTED", begin + 3 * SECOND, reason="AGE_VERIFICATION", **same)
        if number == 3:
            yield event("APPROVED", begin + 30 * MINUTE, **same)


def _long(at: int) -> Iterator[Event]:
    for number in range(EVENTS):
        fails = number % 40 == 39
        yield event(
            "ID_RECOGNITION" if fails else "STEP_VIEW",
            at + number * SECOND // 4,
            session_id=LONG,
            result="FAIL" if fails else None,
            impact="RETAKE" if fails else "NONE",
            metadata=json.dumps({"number": number, "note": "n" * 40, "form.name": "Ann"}),
        )


def _nasty(at: int) -> Iterator[Event]:
    yield event(
        MARKUP,
        at,
        session_id=NASTY,
        stage=MARKUP,
        reason=MARKUP,
        error_code=MARKUP,
        service=MARKUP,
        project_id=MARKUP,
        submission_id=MARKUP,
        flow_id=MARKUP,
        user_id=MARKUP,
        email=MARKUP,
        result="FAIL",
        impact="BLOCKED",
        metadata=json.dumps({MARKUP: MARKUP, "path": MARKUP, "deep": {"x": [MARKUP]}}),
    )
    decided = {"session_id": NASTY, "reason": MARKUP, "error_code": MARKUP}
    yield event("REJECTED", at + SECOND, **decided)
