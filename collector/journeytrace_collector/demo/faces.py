"""STEP2: the selfie, the checks on it, and the decision."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from journeytrace import Event, Reason
from journeytrace.conventions import DOCUMENT
from journeytrace_collector.demo.checks import SOUND, Faults, planned
from journeytrace_collector.demo.documents import open_camera
from journeytrace_collector.demo.papers import SELFIE, analysis
from journeytrace_collector.demo.walk import Check, Value, Walk

__all__ = ["finish", "selfie", "step2"]


_SELFIE: Final[Mapping[str, Value]] = {DOCUMENT: SELFIE}


def _likeness(walk: Walk, faults: Faults) -> float:
    """Draw how much the selfie looks like the document's picture."""
    drawn = round(walk.rng.uniform(0.87, 0.99), 3)
    return round(drawn - 0.3, 3) if Event.FACE_COMPARE in faults else drawn


def _take_selfie(walk: Walk) -> None:
    """Take the selfie and upload it."""
    walk.wait(3, 9)
    walk.do(Event.CREATE_LIVENESS_SESSION, http_status=200)
    walk.wait(3, 7)
    walk.do(Event.GET_LIVENESS_RESULT, http_status=200)
    walk.do(Event.UPLOAD_IMAGE, kind="selfie", bytes=walk.rng.randrange(180_000, 900_000))


def selfie(walk: Walk) -> None:
    """Enter STEP2 and hand in a selfie."""
    walk.do(Event.STEP2_ENTERED)
    open_camera(walk, "/selfie")
    walk.do(Event.CAMERA_ACTIVATED)
    _take_selfie(walk)


def step2(walk: Walk, faults: Faults = SOUND) -> bool:
    """Compare the face and the data, most of it at once."""
    walk.do(Event.WEBSOCKET_CONNECTED)
    walk.do(Event.SUBMIT_STEP2, http_status=200)
    walk.check(planned(Event.PII_DUPLICATE_PERIOD_CHECK, faults, policy_days=90))
    if not walk.together(
        planned(Event.ACTIVE_LIVENESS_VERIFICATION, faults, provider="liveness-a", **_SELFIE),
        planned(Event.LIVENESS_VERIFICATION, faults, provider="liveness-b", **_SELFIE),
        planned(Event.FACE_COMPARE, faults, score=_likeness(walk, faults), **_SELFIE),
        planned(Event.SELFIE_DUPLICATE_CHECK, faults, searched=48_211, **_SELFIE),
        *_national_checks(walk.person.country, faults),
    ):
        return False
    walk.do(Event.AML_CHECK, provider="sanctions-a", hits=0)
    walk.do(Event.CUSTOM_POLICY_EVALUATION, policies=3)
    return walk.together(
        planned(Event.COUNTRY_CODE_MATCH_CHECK, faults, country=walk.person.country),
        planned(Event.DUPLICATE_APPROVED_USER_CHECK, faults),
    )


def _national_checks(country: str, faults: Faults) -> list[Check]:
    if country == "KR":
        return [planned(Event.CODEF_VERIFICATION, faults, provider="codef")]
    if country == "MX":
        return [planned(Event.MEX_CURP_VERIFICATION, faults, provider="renapo")]
    return []


def finish(
    walk: Walk, decision: Event, reason: Reason | None = None, error_code: str | None = None
) -> None:
    """Decide, tell everybody, and show the last page."""
    walk.decide(decision, reason, error_code)
    walk.steps.append(analysis(walk, decision))
    if decision is Event.APPROVED:
        walk.do(Event.FACE_COLLECTION_ADD)
    if decision is not Event.REJECTED:
        walk.do(Event.STEP2_COMPLETED)
    walk.wait(0.05, 0.4)
    walk.do(Event.KYC_RESULT_WEBHOOK_SENT, http_status=200)
    walk.do(Event.KYC_RESULT_EMAIL_SENT, template=f"{decision.lower()}-1")
    if walk.reached(Event.STEP2_ENTERED):
        walk.do(Event.STEP2_RESULT, outcome="received")
    walk.wait(0.3, 1.5)
    walk.do(Event.FINAL_PAGE_VIEW, path="/result")
