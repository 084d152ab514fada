"""A service goes on with a session that began with a link."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from tests.instrumentation.test_never_raises import garbage

from journeytrace import Journey, configure, conventions, links
from journeytrace.browser import AUDIENCE, Key, mint, read

if TYPE_CHECKING:
    from journeytrace.testing import RecordedJourneys

pytestmark = pytest.mark.usefixtures("unconfigured")

SESSION = "6f1c1f0e-8a54-4c0e-9d53-0d5d8a3a0c11"
KEY = Key("2026a", "0123456789abcdef0123456789abcdef")
OTHER = Key("2026a", "fedcba9876543210fedcba9876543210")
NOW = 1_780_000_000
CLAIMS = {"sub": SESSION, "aud": AUDIENCE, "project": "acme", "exp": NOW + 3600, "start": NOW - 5}


def token(key: Key = KEY, **claims: Any) -> str:
    """Mint what the collector would; None: without that claim."""
    return mint(
        key, {name: value for name, value in (CLAIMS | claims).items() if value is not None}
    )


def take_over(given: Any) -> Journey:
    """Take over with the collector's key, at noon."""
    configure(browser_key=f"{KEY.id}:{KEY.secret}")
    return links.take_over(given, user_id="u-1", clock=lambda: NOW * 10**9)


def test_the_journey_goes_on_with_the_invited_session(journeys: RecordedJourneys) -> None:
    """It is created for its project and user, and is the same event however often they come."""
    configure(browser_key=f"{KEY.id}:{KEY.secret}")
    for one in (token(), token().encode()):
        journey = links.take_over(one, user_id="u-1", clock=lambda: NOW * 10**9)
        assert journey.session_id == SESSION
    said = [dict(span.attributes or {}) for span in journeys.spans]
    assert journeys.names(SESSION) == ["SESSION_CREATED"] * 2
    assert said[0] == said[1]
    assert len(str(said[0][conventions.EVENT_ID])) == 16
    assert (said[0][conventions.PROJECT_ID], said[0][conventions.USER_ID]) == ("acme", "u-1")
    renewed = read(journey.browser_token(), [KEY])
    assert (renewed["sub"], renewed["project"], renewed["start"]) == (SESSION, "acme", NOW - 5)


@pytest.mark.parametrize(
    "given",
    [
        token(OTHER),
        token(exp=NOW - 61),
        token(exp=None),
        token(exp="never"),
        token(aud="something else"),
        token(sub=None),
        token(sub=7),
        token(sub=" "),
        token()[:-1],
        "A" * 43,
        "",
        "é" * 5_000,
        SESSION,
    ],
)
def test_what_is_no_invitation(journeys: RecordedJourneys, given: str) -> None:
    """Forged, stale or for something else: nobody was invited, and nothing is recorded."""
    journey = take_over(given)
    assert not journey
    assert journey.session_id == ""
    assert journeys.events() == []


def test_without_a_key_nobody_was_invited(journeys: RecordedJourneys) -> None:
    """A service that cannot tell believes no token."""
    assert not links.take_over(token(), clock=lambda: NOW * 10**9)
    assert journeys.events() == []


@settings(max_examples=30)
@given(one=garbage)
def test_whatever_comes_from_outside(one: Any) -> None:
    """Nothing that a page sends raises into the service."""
    assert not take_over(one)
