"""What a receiver can rely on."""

from __future__ import annotations

import hmac
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from journeytrace_exporters.webhook_signature import (
    SIGNATURE,
    TIMESTAMP,
    BadSignatureError,
    signed_headers,
    verify,
)

SECRET = "sixteen or more characters"
NOW = 1_780_315_200.75


def test_the_signature_is_this_one() -> None:
    """Receivers in other languages compute the same."""
    digest = hmac.new(SECRET.encode(), b"1780315200.{}", sha256).hexdigest()
    assert signed_headers(SECRET, b"{}", NOW) == {
        "Journeytrace-Timestamp": "1780315200",
        "Journeytrace-Signature": f"v1={digest}",
    }


@given(secret=st.text(st.characters(codec="utf-8")), body=st.binary(), drift=st.integers(-299, 299))
def test_what_was_signed_is_genuine(secret: str, body: bytes, drift: int) -> None:
    """Any body under any secret passes, within the tolerance and whatever the headers' case."""
    headers = {name.upper(): value for name, value in signed_headers(secret, body, NOW).items()}
    verify(secret, headers, body, NOW + drift)


@given(body=st.binary(), other=st.binary())
def test_another_body_is_not_genuine(body: bytes, other: bytes) -> None:
    """A body that was not signed does not pass."""
    if body != other:
        with pytest.raises(BadSignatureError, match="does not fit"):
            verify(SECRET, signed_headers(SECRET, body, NOW), other, NOW)


@pytest.mark.parametrize("drift", [301, -302])
def test_an_old_request_is_not_taken(drift: float) -> None:
    """Who recorded a request cannot send it again later, nor one from the future."""
    with pytest.raises(BadSignatureError, match="300 s"):
        verify(SECRET, signed_headers(SECRET, b"", NOW), b"", NOW + drift)


@pytest.mark.parametrize(
    "change",
    [
        {TIMESTAMP: "1780315201"},
        {TIMESTAMP: "soon"},
        {TIMESTAMP: "१७८"},
        {TIMESTAMP: ""},
        {TIMESTAMP: "9" * 5000},
        {SIGNATURE: ""},
        {SIGNATURE: "v1="},
        {SIGNATURE: "v1=ü"},
        {SIGNATURE: "v0=" + "0" * 64},
    ],
)
def test_changed_headers_are_not_genuine(change: dict[str, str]) -> None:
    """Nothing but the headers that were sent passes, and nothing else is raised."""
    headers = signed_headers(SECRET, b"{}", NOW) | change
    with pytest.raises(BadSignatureError):
        verify(SECRET, headers, b"{}", NOW)


def test_another_secret_is_not_genuine() -> None:
    """The secret makes the difference."""
    with pytest.raises(BadSignatureError):
        verify("another secret altogether", signed_headers(SECRET, b"{}", NOW), b"{}", NOW)


def test_missing_headers_are_not_genuine() -> None:
    """A request without a signature does not pass."""
    with pytest.raises(BadSignatureError):
        verify(SECRET, {}, b"{}", NOW)
