"""The stories of the demo: twenty kinds of journey."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from journeytrace import Event, Reason
from journeytrace_collector.demo.arrival import enter, error_page, pre_checks, resume
from journeytrace_collector.demo.documents import account, open_camera, phone, step1
from journeytrace_collector.demo.faces import finish, selfie, step2
from journeytrace_collector.demo.walk import Walk

__all__ = ["KINDS"]


def _approved(walk: Walk) -> None:
    enter(walk)
    pre_checks(walk)
    step1(walk)
    selfie(walk)
    step2(walk)
    finish(walk, Event.APPROVED)


def _approved_after_retakes(walk: Walk) -> None:
    enter(walk)
    pre_checks(walk)
    step1(walk, retakes=walk.rng.choice((1, 1, 2)))
    selfie(walk)
    step2(walk)
    finish(walk, Event.APPROVED)


def _approved_with_account(walk: Walk) -> None:
    enter(walk)
    pre_checks(walk)
    phone(walk)
    step1(walk)
    account(walk)
    selfie(walk)
    step2(walk)
    finish(walk, Event.APPROVED)


def _approved_after_error(walk: Walk) -> None:
    enter(walk)
    pre_checks(walk)
    walk.do(Event.API_CALL, http_status=502, path="/v1/options")
    walk.do(Event.API_ERROR, http_status=502, path="/v1/options")
    error_page(walk, "ER001")
    walk.wait(20, 240)
    resume(walk)
    step1(walk)
    selfie(walk)
    step2(walk)
    finish(walk, Event.APPROVED)


def _approved_after_offline(walk: Walk) -> None:
    enter(walk)
    pre_checks(walk)
    step1(walk)
    walk.do(Event.NETWORK_OFFLINE, connection="cellular")
    walk.wait(5, 60)
    walk.do(Event.NETWORK_ONLINE, connection="wifi")
    selfie(walk)
    walk.do(Event.WEBSOCKET_DISCONNECTED, close_code=1006)
    step2(walk)
    finish(walk, Event.APPROVED)


def _approved_by_face_auth(walk: Walk) -> None:
    enter(walk)
    pre_checks(walk)
    walk.do(Event.GET_FACEAUTH_PRELOAD, http_status=200)
    step1(walk)
    selfie(walk)
    walk.do(Event.SUBMIT_FACEAUTH, http_status=200)
    step2(walk)
    finish(walk, Event.APPROVED)


def _rejected_same_face(walk: Walk) -> None:
    enter(walk)
    pre_checks(walk)
    step1(walk)
    selfie(walk)
    step2(walk, {Event.SELFIE_DUPLICATE_CHECK: "PV-20003"})
    finish(walk, Event.REJECTED, Reason.SELFIE_DUPLICATE, "PV-20003")


def _rejected_same_data(walk: Walk) -> None:
    enter(walk)
    pre_checks(walk)
    step1(walk, retakes=walk.rng.choice((0, 0, 1)))
    selfie(walk)
    step2(walk, {Event.PII_DUPLICATE_PERIOD_CHECK: "PV-20001"})
    finish(walk, Event.REJECTED, Reason.PII_DUPLICATE, "PV-20001")


def _rejected_age(walk: Walk) -> None:
    enter(walk)
    pre_checks(walk)
    step1(walk, faults={Event.AGE_VERIFICATION: "PV-10004"})
    finish(walk, Event.REJECTED, Reason.AGE_VERIFICATION, "PV-10004")


def _rejected_retries(walk: Walk) -> None:
    enter(walk)
    pre_checks(walk)
    step1(walk, retakes=3, faults={Event.ID_RECOGNITION: "QS-10001"})
    finish(walk, Event.REJECTED, Reason.RETRY_EXHAUSTED, "QS-10009")


def _rejected_knowledge_base(walk: Walk) -> None:
    enter(walk)
    pre_checks(walk)
    step1(walk)
    walk.do(Event.KB_STAGE1_INIT, http_status=200)
    walk.do(Event.KB_STAGE2_SEND_SMS, http_status=200)
    walk.wait(8, 30)
    walk.do(Event.KB_STAGE2_VERIFY_SMS, http_status=200)
    walk.do(Event.KB_STAGE3_VERIFY_IDENTITY, http_status=200)
    walk.wait(3, 9)
    walk.do(Event.KB_STAGE4_VERIFY_FACE, http_status=200)
    finish(walk, Event.REJECTED, Reason.LIVENESS_FAIL, "QS-30002")


def _held_country(walk: Walk) -> None:
    enter(walk)
    pre_checks(walk)
    step1(walk)
    selfie(walk)
    step2(walk, {Event.COUNTRY_CODE_MATCH_CHECK: "LO-10002"})
    finish(walk, Event.PENDING, Reason.COUNTRY_MISMATCH)


def _held_face(walk: Walk) -> None:
    enter(walk)
    pre_checks(walk)
    step1(walk)
    selfie(walk)
    step2(walk, {Event.FACE_COMPARE: "QS-20004"})
    finish(walk, Event.PENDING, Reason.FACE_AGENT_REVIEW)


def _held_score(walk: Walk) -> None:
    enter(walk)
    pre_checks(walk)
    step1(walk)
    selfie(walk)
    step2(walk)
    reasons = (Reason.ARGOS_SCORE_BELOW_THRESHOLD, Reason.ADDRESS_COLLECTION, Reason.CUSTOM_POLICY)
    finish(walk, Event.PENDING, walk.rng.choice(reasons))


def _blocked(walk: Walk) -> None:
    guards = {
        Event.IP_RISK_CHECK: "SE-20001",
        Event.TURNSTILE_TOKEN_CHECK: "SE-10003",
        Event.RATE_LIMIT_CHECK: "RT-10001",
        Event.FINGERPRINT_CHECK: "DE-10002",
        Event.PERIOD_CHECK: "PV-30001",
        Event.TOKEN_VALIDATION_CHECK: "TK-10002",
    }
    guard = walk.rng.choice(tuple(guards))
    enter(walk)
    pre_checks(walk, {guard: guards[guard]})
    error_page(walk, guards[guard])


def _failed_call(walk: Walk) -> None:
    enter(walk)
    pre_checks(walk)
    walk.do(Event.API_CALL, http_status=503, path="/v1/step1")
    walk.do(Event.API_ERROR, http_status=503, path="/v1/step1")
    walk.do(Event.ALERT_SHOWN, text="Something went wrong")
    error_page(walk, "service-blocked")


def _dropped_at_camera(walk: Walk) -> None:
    enter(walk)
    pre_checks(walk)
    walk.do(Event.STEP1_ENTERED, country=walk.person.country, document=walk.person.document)
    open_camera(walk, "/id-front")
    walk.do(Event.CAMERA_PERMISSION_DENIED, browser=walk.person.browser)
    walk.wait(2, 20)
    walk.do(Event.PAGE_HIDDEN, path="/id-front")


def _dropped_in_step1(walk: Walk) -> None:
    enter(walk)
    if walk.rng.random() < 0.4:
        walk.wait(4, 30)
        walk.do(Event.PAGE_HIDDEN, path="/start")
        return
    pre_checks(walk)
    walk.do(Event.STEP1_ENTERED, country=walk.person.country, document=walk.person.document)
    open_camera(walk, "/id-front")
    walk.do(Event.CAMERA_ACTIVATED)
    walk.wait(4, 40)
    walk.do(Event.PAGE_HIDDEN, path="/id-front")
    walk.wait(3, 50)
    walk.do(Event.PAGE_VISIBLE, path="/id-front")


def _dropped_in_step2(walk: Walk) -> None:
    enter(walk)
    pre_checks(walk)
    step1(walk, retakes=walk.rng.choice((0, 1)))
    walk.do(Event.STEP2_ENTERED)
    open_camera(walk, "/selfie")
    walk.do(Event.CAMERA_ACTIVATED)
    walk.wait(5, 30)
    walk.do(Event.PAGE_HIDDEN, path="/selfie")


def _under_way(walk: Walk) -> None:
    far = walk.rng.choice((1, 2, 3))
    enter(walk)
    pre_checks(walk)
    if far == 1:
        walk.do(Event.STEP1_ENTERED, country=walk.person.country, document=walk.person.document)
        open_camera(walk, "/id-front")
        walk.do(Event.CAMERA_ACTIVATED)
    if far >= 2:
        step1(walk, retakes=walk.rng.choice((0, 0, 1)))
    if far == 3:
        selfie(walk)


# Each with its share of the mix, the most telling first: a short demo shows these, and twenty
# journeys show one of each.
KINDS: Final[dict[str, tuple[Callable[[Walk], None], int]]] = {
    "approved": (_approved, 46),
    "rejected, same face": (_rejected_same_face, 5),
    "held, countries differ": (_held_country, 4),
    "dropped at the camera": (_dropped_at_camera, 5),
    "blocked at the door": (_blocked, 6),
    "under way": (_under_way, 4),
    "approved after retakes": (_approved_after_retakes, 14),
    "rejected, retries exhausted": (_rejected_retries, 3),
    "dropped in STEP1": (_dropped_in_step1, 8),
    "approved with account": (_approved_with_account, 10),
    "approved after an error": (_approved_after_error, 3),
    "dropped in STEP2": (_dropped_in_step2, 5),
    "held, face review": (_held_face, 3),
    "rejected, age": (_rejected_age, 2),
    "rejected, same data": (_rejected_same_data, 3),
    "failed call": (_failed_call, 2),
    "approved after offline": (_approved_after_offline, 4),
    "rejected, knowledge base": (_rejected_knowledge_base, 1),
    "approved by face auth": (_approved_by_face_auth, 3),
    "held, score or policy": (_held_score, 3),
}
