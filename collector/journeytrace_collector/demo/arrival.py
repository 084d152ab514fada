"""The way into the form: opening it, coming back to it, and the guards at the door."""

from __future__ import annotations

from journeytrace import Event
from journeytrace_collector.demo.checks import SOUND, Faults, planned
from journeytrace_collector.demo.walk import Walk

__all__ = ["enter", "error_page", "pre_checks", "resume"]


def enter(walk: Walk) -> None:
    """Open the form: the session, its options, its flow."""
    person = walk.person
    walk.do(Event.SESSION_CREATED, channel="liveform", ip=person.ip)
    walk.wait(0.1, 0.6)
    walk.do(
        Event.FRONT_SESSION_START,
        device=person.device,
        os=person.system,
        browser=person.browser,
    )
    walk.do(Event.GET_PROJECT, http_status=200)
    walk.pair(Event.QUERY_PROJECT_OPTIONS, Event.PROJECT_OPTIONS_FETCHED, options=14)
    walk.pair(
        Event.GET_NATIONALITY_LIST,
        Event.NATIONALITY_INFO_LOOKUP,
        country=person.country,
        ip=person.ip,
    )
    walk.pair(Event.CREATE_FLOW, Event.FLOW_ID_ISSUED)
    walk.do(Event.LIVEFORM_HASH_CREATED)
    walk.wait(0.3, 1.2)
    walk.do(Event.STEP_VIEW, path="/start")


def resume(walk: Walk) -> None:
    """Come back to a session that is still open."""
    walk.do(Event.SESSION_REUSED, channel="liveform")
    walk.wait(0.1, 0.4)
    walk.do(Event.FRONT_SESSION_RESUMED, browser=walk.person.browser)
    walk.do(Event.CHECKPOINT_HASH, http_status=200)
    walk.check(planned(Event.CHECKPOINT_HASH_CHECK, SOUND))


def pre_checks(walk: Walk, faults: Faults = SOUND) -> bool:
    """Let guards and policies look at link, device and network, several at once."""
    walk.wait(3, 15)
    if Event.TOKEN_VALIDATION_CHECK in faults or walk.rng.random() < 0.25:
        walk.do(Event.HANDLE_LINK_TOKEN, http_status=200)
        if not walk.check(planned(Event.TOKEN_VALIDATION_CHECK, faults, mode="private")):
            return False
        walk.do(Event.PRIVATE_TOKEN_USAGE_RECORDED)
    walk.do(Event.CHECK_TURNSTILE, http_status=200)
    walk.do(Event.CHECK_IP_RISK, http_status=200)
    walk.do(Event.CHECK_RATE_LIMIT, http_status=200)
    walk.do(Event.CHECK_FINGERPRINT_DUPLICATION, http_status=200)
    risk = 92 if Event.IP_RISK_CHECK in faults else walk.rng.randrange(2, 35)
    if not walk.together(
        planned(Event.TURNSTILE_TOKEN_CHECK, faults, provider="turnstile"),
        planned(Event.IP_RISK_CHECK, faults, ip=walk.person.ip, risk_score=risk),
        planned(Event.RATE_LIMIT_CHECK, faults, window="1h"),
        planned(Event.FINGERPRINT_CHECK, faults),
    ):
        return False
    walk.do(Event.DEVICE_VERIFICATION, spoofed=False)
    walk.do(Event.POST_DEVICE_VALIDATION, http_status=200)
    walk.do(Event.CHECK_APPROVED, http_status=200)
    return walk.together(
        planned(Event.DEVICE_VALIDATION_RECORDED, faults, device=walk.person.device),
        planned(Event.PERIOD_CHECK, faults, policy_days=30),
        planned(Event.PACKET_ABUSE_CHECK, faults),
    )


def error_page(walk: Walk, code: str) -> None:
    """Leave the normal flow."""
    walk.wait(0.2, 0.8)
    walk.do(Event.ERROR_PAGE_VIEWED, error_code=code, path="/error")
