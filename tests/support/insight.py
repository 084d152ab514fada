"""A session whose evidence came late, and sessions of two releases that differ in one check."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.support.events import MINUTE, SECOND, done, event

from journeytrace_collector.core.model import Event

__all__ = ["LATE", "RELEASED", "late", "releases"]

LATE = "018f3b5e-0000-7000-8000-000000000001"
RELEASED = 160
"""Sessions of both releases together."""


def late(at: int) -> list[Event]:
    """Make a session that somebody approved half an hour before a failed check came in."""
    known = {"session_id": LATE, "project_id": "acme", "user_id": "u-42"}

    def came(name: str, seconds: int, received: int, **fields: Any) -> Event:
        fields |= {"received": at + received * SECOND, **known}
        return event(name, at + seconds * SECOND, **fields)

    verdict = {"journey.verdict.text": "Looked fine to me"}
    return [
        came("SESSION_CREATED", 0, 0),
        came("STEP_VIEW", 3, 4, metadata='{"path":"/start"}'),
        came("PENDING", 80, 80, reason="FACE_AGENT_REVIEW"),
        came("FINAL_PAGE_VIEW", 83, 85),
        done("VERDICT_APPROVED", at + 30 * MINUTE, session_id=LATE, said=verdict),
        came("SELFIE_DUPLICATE_CHECK", 75, 3_600, result="FAIL", error_code="PV-20003"),
    ]


def releases(at: int) -> Iterator[Event]:
    """Make sessions of two releases, of which the second fails most users' faces."""
    for number in range(RELEASED):
        known = {"session_id": f"s-{number}", "project_id": "globex"}
        begins, release = at + number * SECOND, 4 + number % 2
        told = f'{{"service.version":"1.{release}","country":"KR"}}'
        yield event("SESSION_CREATED", begins, metadata=told, **known)
        failed = number % (2 if release == 5 else 16) == 1 and number % 10 != 9
        result = "FAIL" if failed else "PASS"
        yield event("FACE_COMPARE", begins + 5 * SECOND, result=result, duration=SECOND, **known)
        yield event("FINAL_PAGE_VIEW", begins + 9 * SECOND, **known)
