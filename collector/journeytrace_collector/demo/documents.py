"""STEP1 and what belongs to it: the ID document, the phone, the bank account."""

from __future__ import annotations

from journeytrace import Event
from journeytrace_collector.demo.checks import SOUND, Faults, planned
from journeytrace_collector.demo.papers import document, read_off, typed
from journeytrace_collector.demo.walk import Walk

__all__ = ["account", "open_camera", "phone", "step1"]


def open_camera(walk: Walk, path: str) -> None:
    """Open a screen that takes a picture."""
    walk.do(Event.STEP_VIEW, path=path)
    walk.wait(1, 4)
    walk.do(Event.CAMERA_REQUESTED, facing="user" if path == "/selfie" else "environment")
    walk.wait(1, 6)


def _capture_id(walk: Walk) -> None:
    """Take a picture of the ID document."""
    walk.wait(4, 18)
    walk.do(Event.UPLOAD_IMAGE, kind="id", bytes=walk.rng.randrange(240_000, 1_900_000))


def step1(walk: Walk, retakes: int = 0, faults: Faults = SOUND) -> bool:
    """Show the ID document; `retakes` is how often it could not be read."""
    person = walk.person
    walk.do(
        Event.STEP1_ENTERED,
        None,
        country=person.country,
        document=person.document,
        **typed(person),
    )
    open_camera(walk, "/id-front")
    walk.do(Event.CAMERA_ACTIVATED)
    walk.do(Event.TIP_DIALOG_SHOWN, tip="avoid-glare")
    _capture_id(walk)
    for attempt in range(1, retakes + 1):
        _read_id(walk, attempt, {Event.ID_RECOGNITION: "QS-10001"})
        walk.do(Event.STEP1_RESULT, outcome="recapture")
        walk.do(Event.TIP_DIALOG_SHOWN, tip="hold-still")
        walk.wait(2, 8)
        walk.do(Event.ID_DOCUMENT_RETRY, attempt=attempt)
        _capture_id(walk)
    if not _read_id(walk, retakes + 1, faults) or not _judge_id(walk, faults):
        walk.do(Event.STEP1_RESULT, outcome="fail")
        return False
    walk.do(Event.SUBMISSION_CREATED)
    walk.check(planned(Event.FINGERPRINT_SUBMISSION_LINKED, faults))
    walk.do(Event.STEP1_COMPLETED)
    walk.do(Event.STEP1_RESULT, outcome="pass")
    return True


def _read_id(walk: Walk, attempt: int, faults: Faults) -> bool:
    walk.do(Event.SUBMIT_STEP1, http_status=200, attempt=attempt)
    failed = Event.ID_RECOGNITION in faults
    score = walk.rng.uniform(0.35, 0.72) if failed else walk.rng.uniform(0.86, 0.99)
    too_young = Event.AGE_VERIFICATION in faults
    read = document(walk.person) if failed else read_off(walk.person, too_young=too_young)
    return walk.together(
        planned(Event.REGIONAL_VALIDATION, faults, ip_country=walk.person.country),
        planned(Event.DUPLICATE_SUBMISSION_PERIOD_CHECK, faults, policy_days=7),
        planned(Event.ID_RECOGNITION, faults, score=round(score, 3), **read),
    )


def _judge_id(walk: Walk, faults: Faults) -> bool:
    person = walk.person
    papers = document(person)
    checks = [
        planned(Event.ID_LIVENESS_VERIFICATION, faults, provider="liveness-a", **papers),
        planned(Event.RECOGNITION_SCORE_EVALUATION, faults, threshold=0.8, **papers),
        planned(Event.AGE_VERIFICATION, faults, minimum=19, **papers),
        planned(Event.BLACKLIST_COUNTRY_EVALUATION, faults, country=person.country),
        planned(Event.EXPIRED_ID_CHECK, faults, **papers),
    ]
    if person.document == "PASSPORT":
        checks.append(planned(Event.MRZ_VALIDATION, faults))
    if person.document == "DRIVER_LICENSE" and person.country == "US":
        checks.append(planned(Event.BARCODE_VALIDATION, faults, format="PDF417"))
    return walk.together(*checks)


def phone(walk: Walk) -> None:
    """Confirm a phone number and an address."""
    walk.do(Event.STEP_VIEW, path="/contact")
    walk.wait(4, 12)
    walk.pair(Event.SEND_AUXID_SMS, Event.AUXID_PHONE_VERIFICATION_STARTED, provider="sms-a")
    walk.wait(6, 25)
    walk.pair(Event.VERIFY_AUXID_SMS, Event.AUXID_PHONE_VERIFICATION_COMPLETED, attempts=1)
    walk.wait(3, 9)
    walk.do(Event.SEARCH_ADDRESS, results=8)
    walk.do(Event.GET_ADDRESS_DETAIL, http_status=200)


def account(walk: Walk, faults: Faults = SOUND) -> bool:
    """Verify a bank account between the two steps."""
    walk.do(Event.STEP_VIEW, path="/account")
    walk.do(Event.VALIDATION_ACCOUNT_ENTERED)
    walk.wait(8, 30)
    walk.do(Event.VERIFY_ACCOUNT, http_status=200)
    if not walk.check(planned(Event.TRANSFER_FREQUENCY_LIMIT_CHECK, faults, daily_limit=5)):
        return False
    if not walk.check(planned(Event.BANK_NAMECHECK_REQUEST, faults, provider="bank-a")):
        return False
    if not walk.check(planned(Event.BANK_OCCUPANCY_REQUEST, faults, amount=1)):
        return False
    walk.do(Event.PRE_STEP2_COMPLETED)
    return True
