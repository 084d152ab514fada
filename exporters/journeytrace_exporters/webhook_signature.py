"""Signing webhooks, and checking them on the receiving side. The standard library is all it needs.

A receiver keeps the body as the bytes that came, and does::

    from journeytrace_exporters.webhook_signature import BadSignatureError, verify

    try:
        verify(secret, request.headers, body, now=time.time())
    except BadSignatureError:
        return 401

It then remembers the ``Idempotency-Key`` of what it has dealt with: delivery is at least once.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from typing import Final

__all__ = [
    "IDEMPOTENCY_KEY",
    "SIGNATURE",
    "TIMESTAMP",
    "BadSignatureError",
    "signed_headers",
    "verify",
]

IDEMPOTENCY_KEY: Final = "Idempotency-Key"
"""Header: the same for every delivery of the same news, and also ``id`` in the body."""

TIMESTAMP: Final = "Journeytrace-Timestamp"
"""Header: when this attempt was sent, in whole seconds since 1970."""

SIGNATURE: Final = "Journeytrace-Signature"
"""Header: ``v1=`` and the HMAC-SHA-256, in hex, of timestamp, a dot and the body."""

_VERSION: Final = "v1="


class BadSignatureError(Exception):
    """A request does not come from who knows the secret, or is an old one sent again."""


def signed_headers(secret: str, body: bytes, now: float) -> dict[str, str]:
    """Give the headers that prove at `now` (seconds since 1970) who sent `body`."""
    timestamp = str(int(now))
    return {TIMESTAMP: timestamp, SIGNATURE: _VERSION + _digest(secret, timestamp, body)}


def verify(
    secret: str, headers: Mapping[str, str], body: bytes, now: float, tolerance: float = 300
) -> None:
    """Return if the request is genuine and fresh.

    Args:
        secret: as configured for the endpoint.
        headers: of the request; the case of their names does not matter.
        body: the bytes that came, before anybody parsed them.
        now: seconds since 1970.
        tolerance: by how many seconds the two clocks, and sending, may differ.

    Raises:
        BadSignatureError: in any other case; the message says why.
    """
    found = {name.lower(): value for name, value in headers.items()}
    timestamp = found.get(TIMESTAMP.lower(), "")
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 12):
        raise BadSignatureError(f"{TIMESTAMP} is missing or no number")
    if abs(now - int(timestamp)) > tolerance:
        raise BadSignatureError(f"{TIMESTAMP} is more than {tolerance:g} s from now")
    expected = (_VERSION + _digest(secret, timestamp, body)).encode()
    # In constant time; and as bytes, for with text it refuses anything but ASCII.
    if not hmac.compare_digest(found.get(SIGNATURE.lower(), "").encode(), expected):
        raise BadSignatureError(f"{SIGNATURE} is missing or does not fit the body")


def _digest(secret: str, timestamp: str, body: bytes) -> str:
    return hmac.digest(secret.encode(), timestamp.encode() + b"." + body, "sha256").hex()
