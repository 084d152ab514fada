"""What events say of an invitation."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.events import MINUTE, NOON, event

from journeytrace_collector.core.derive import rfc3339
from journeytrace_collector.core.invitations import (
    FAILED,
    INVITED,
    OPENED,
    REVOKED,
    SENT,
    Standing,
    act_id,
    browser_hash,
    digest_of,
    invitation_of,
    marks_of,
    standing,
)
from journeytrace_collector.core.model import Event

ID = digest_of("token").hex()
UNTIL = NOON + 60 * MINUTE


def said(name: str, at: int = NOON, **attributes: Any) -> Event:
    """Make an event about the invitation; `id=None`: about none."""
    known = {"id": ID, **attributes}
    metadata = {f"journey.invitation.{key}": value for key, value in known.items() if value}
    if recipient := metadata.pop("journey.invitation.recipient", None):
        metadata["journey.private.recipient"] = recipient
    return event(name, at, metadata=json.dumps(metadata), project_id="acme")


def invited(at: int = NOON, **attributes: Any) -> Event:
    """Make the event that invites."""
    return said(INVITED, at, journey="onboarding", expires_at=rfc3339(UNTIL), **attributes)


def test_all_of_it_is_told_by_its_events() -> None:
    """Who was invited to what, how it was sent, who opened it and whether it was taken back."""
    mail = invited(NOON + 1, channel="mail", recipient="ann@x.com")
    sms = invited(NOON + 2, channel="sms", recipient="+33600000000")
    events = [
        invited(channel="link"),
        mail,
        sms,
        said(SENT, NOON + 3, message=mail.event_id.hex()),
        said(FAILED, NOON + 4, message=sms.event_id.hex(), failure="unknown"),
        said(OPENED, NOON + 5, browser="b1"),
        said(OPENED, NOON + 6, browser="b2"),
        said(REVOKED, NOON + 7),
        said(OPENED, NOON + 8, id=digest_of("another").hex(), browser="b3"),
    ]
    found = invitation_of(events, ID)
    assert found is not None
    assert (found.journey, found.project, found.expires_at) == ("onboarding", "acme", UNTIL)
    assert (found.opened_at, found.browser, found.revoked_at) == (NOON + 5, "b1", NOON + 7)
    told = [(one.channel, one.recipient, one.outcome, one.failure) for one in found.messages]
    assert told == [
        ("mail", "ann@x.com", SENT, ""),
        ("sms", "+33600000000", FAILED, "unknown"),
    ]
    assert found.open_until == NOON + 5 + 60 * MINUTE
    assert invitation_of(events[3:], ID) is None


@pytest.mark.parametrize(
    ("opened_at", "revoked_at", "now", "stands"),
    [
        (None, None, UNTIL - 1, Standing.NOT_OPENED),
        (None, None, UNTIL, Standing.EXPIRED),
        (NOON, None, UNTIL, Standing.OPENED),
        (NOON, NOON, NOON, Standing.REVOKED),
        (None, NOON, UNTIL, Standing.REVOKED),
    ],
)
def test_how_it_stands(
    opened_at: int | None, revoked_at: int | None, now: int, stands: Standing
) -> None:
    """Taken back comes before opened, and opened before expired."""
    told = standing(now, expires_at=UNTIL, opened_at=opened_at, revoked_at=revoked_at)
    assert told is stands


@pytest.mark.parametrize("at", [0, NOON, NOON + 99])
def test_what_came_of_a_mail_is_told_by_its_kind(at: int) -> None:
    """That it was sent holds, whatever else was told of it, when and by whose clock."""
    mail = invited(channel="mail", recipient="ann@x.com")
    key = mail.event_id.hex()
    outcomes = [
        said(SENT, at, message=key),
        said(FAILED, NOON, message=key, failure="unknown"),
        said("INVITATION_ATTEMPTED", NOON + 1, message=key),
    ]
    for events in ([mail, *outcomes], [*reversed(outcomes), mail]):
        found = invitation_of(events, ID)
        assert found is not None
        assert [(one.outcome, one.failure) for one in found.messages] == [(SENT, "")]


@settings(max_examples=30)
@given(
    st.dictionaries(
        st.sampled_from(["id", "journey", "expires_at", "browser"]),
        st.none()
        | st.integers()
        | st.text()
        | st.just(ID)
        | st.just("0" * 64)
        | st.just("9999-99-99"),
    )
)
def test_whatever_a_sender_writes(attributes: dict[str, Any]) -> None:
    """An event that says something else than the desk would makes no invitation, and no error."""
    metadata = json.dumps({f"journey.invitation.{k}": v for k, v in attributes.items()})
    events = [event(name, metadata=metadata) for name in (INVITED, OPENED, REVOKED)]
    assert len(list(marks_of(events))) <= 2
    assert invitation_of(events, ID) is None


def test_a_service_cannot_speak_of_invitations() -> None:
    """What is not of source OP is about no invitation, whatever it is called."""
    forged = event(INVITED, source="BE", metadata=invited().metadata)
    assert invitation_of([forged], ID) is None
    assert list(marks_of([forged])) == []


def test_hashes_do_not_tell_that_two_are_one() -> None:
    """One browser has another hash for each invitation, one act one id."""
    assert browser_hash("secret", ID) != browser_hash("secret", "another")
    assert act_id("a", "bc") == act_id("a", "bc") != act_id("ab", "c")
