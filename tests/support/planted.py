"""What the author of a demo journey let go wrong in it."""

from __future__ import annotations

from journeytrace_collector.demo.journeys import Journey

__all__ = ["PLANTED", "planted"]

PLANTED = {
    "rejected, same face": ("SELFIE_DUPLICATE_CHECK", "SELFIE_DUPLICATE", "PV-20003"),
    "rejected, same data": ("PII_DUPLICATE_PERIOD_CHECK", "PII_DUPLICATE", "PV-20001"),
    "rejected, age": ("AGE_VERIFICATION", "AGE_VERIFICATION", "PV-10004"),
    "rejected, retries exhausted": ("ID_RECOGNITION", "RETRY_EXHAUSTED", "QS-10001"),
    "rejected, knowledge base": (None, "LIVENESS_FAIL", "QS-30002"),
    "held, countries differ": ("COUNTRY_CODE_MATCH_CHECK", "COUNTRY_MISMATCH", "LO-10002"),
    "held, face review": ("FACE_COMPARE", "FACE_AGENT_REVIEW", "QS-20004"),
    "dropped at the camera": ("CAMERA_PERMISSION_DENIED", None, None),
    "failed call": ("API_ERROR", None, "service-blocked"),
}
"""Check, reason and code of each kind of journey that always goes wrong in the same way."""


def planted(journey: Journey) -> tuple[str | None, str | None, str | None]:
    """Give the check, the reason and the code that the journey's author let go wrong."""
    if journey.kind == "blocked at the door":
        # Drawn from six guards: the one that failed.
        [guard] = [step for step in journey.steps if step.passed is False]
        return str(guard.event), None, guard.error_code
    if journey.kind == "held, score or policy":
        # Drawn from three reasons, of which no check is recorded.
        [reason] = [step.reason for step in journey.steps if step.reason]
        return None, reason.value, None
    return PLANTED.get(journey.kind, (None, None, None))
