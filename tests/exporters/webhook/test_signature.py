"""What a receiver can rely on."""

from __future__ import annotations

import hmac
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from journeytrace_exporters.webhook_signature import (
    IDEMPOTENCY_KEY,
    MAX_TOLERANCE,
    SIGNATURE,
    TIMESTAMP,
    BadSignatureError,
    signed_headers,
    verify,
)

SECRET = "sixteen or more characters"
NOW = 1_780_315_200.75
NEWS = "a1-b2_c3"


def test_the_signature_is_this_one() -> None:
    """Receivers in other languages compute the same."""
    digest = hmac.new(SECRET.encode(), b"1780315200.a1-b2_c3.{}", sha256).hexdigest()
    assert signed_headers(SECRET, NEWS, b"{}", NOW) == {
        "Idempotency-Key": NEWS,
        "Journeytrace-Timestamp": "1780315200",
        "Journeytrace-Signature": f"v2={digest}",
    }


@given(secret=st.text(st.characters(codec="utf-8")), body=st.binary(), drift=st.integers(-299, 299))
def test_what_was_signed_is_genuine(secret: str, body: bytes, drift: int) -> None:
    """Any body under any secret passes, within the tolerance and whatever the headers' case."""
    headers = {
        name.upper(): value for name, value in signed_headers(secret, NEWS, body, NOW).items()
    }
    assert verify(secret, headers, body, NOW + drift) == NEWS


@given(body=st.binary(), other=st.binary())
def test_another_body_is_not_genuine(body: bytes, other: bytes) -> None:
    """A body that was not signed does not pass."""
    if body != other:
        with pytest.raises(BadSignatureError, match="does not fit"):
            verify(SECRET, signed_headers(SECRET, NEWS, body, NOW), other, NOW)


@pytest.mark.parametrize("drift", [301, -302])
def test_an_old_request_is_not_taken(drift: float) -> None:
    """Who recorded a request cannot send it again later, nor one from the future."""
    with pytest.raises(BadSignatureError, match="300 s"):
        verify(SECRET, signed_headers(SECRET, NEWS, b"", NOW), b"", NOW + drift)


@pytest.mark.parametrize(
    "change",
    [
        {TIMESTAMP: "1780315201"},
        {TIMESTAMP: "soon"},
        {TIMESTAMP: "१७८"},
        {TIMESTAMP: ""},
        {TIMESTAMP: "9" * 5000},
        {SIGNATURE: ""},
        {SIGNATURE: "v2="},
        {SIGNATURE: "v2=ü"},
        {SIGNATURE: "v0=" + "0" * 64},
        {SIGNATURE: "v1=" + hmac.new(SECRET.encode(), b"1780315200.{}", sha256).hexdigest()},
        {IDEMPOTENCY_KEY: "another"},
        {IDEMPOTENCY_KEY: ""},
        {IDEMPOTENCY_KEY: "a1-b2_c3."},
    ],
)
def test_changed_headers_are_not_genuine(change: dict[str, str]) -> None:
    """Nothing but the headers that were sent passes, and nothing else is raised."""
    headers = signed_headers(SECRET, NEWS, b"{}", NOW) | change
    with pytest.raises(BadSignatureError):
        verify(SECRET, headers, b"{}", NOW)


def test_another_secret_is_not_genuine() -> None:
    """The secret makes the difference."""
    with pytest.raises(BadSignatureError):
        verify("another secret altogether", signed_headers(SECRET, NEWS, b"{}", NOW), b"{}", NOW)


def test_missing_headers_are_not_genuine() -> None:
    """A request without a signature does not pass."""
    with pytest.raises(BadSignatureError):
        verify(SECRET, {}, b"{}", NOW)


def test_the_end_of_the_key_is_plain() -> None:
    """No part of the body can be taken for a part of the key: a key with a dot is never signed."""
    with pytest.raises(ValueError, match="cannot be an idempotency key"):
        signed_headers(SECRET, "a.b", b"c", NOW)


@pytest.mark.parametrize("now", [float("nan"), float("inf"), float("-inf")])
def test_what_is_no_time_proves_nothing(now: float) -> None:
    """A clock that gives no number makes no request fresh."""
    with pytest.raises(BadSignatureError, match="no time"):
        verify(SECRET, signed_headers(SECRET, NEWS, b"", NOW), b"", now)


@pytest.mark.parametrize("tolerance", [float("nan"), float("inf"), -1, MAX_TOLERANCE + 1])
def test_the_tolerance_is_bounded(tolerance: float) -> None:
    """A tolerance that would let anything pass is a mistake of the receiver, and told as one."""
    with pytest.raises(ValueError, match="tolerance"):
        verify(SECRET, signed_headers(SECRET, NEWS, b"", NOW), b"", NOW, tolerance)
