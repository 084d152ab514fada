"""Signing webhooks, and checking them on the receiving side. The standard library is all it needs.

A receiver keeps the body as the bytes that came, and does::

    from journeytrace_exporters.webhook_signature import BadSignatureError, verify

    try:
        key = verify(secret, request.headers, body, now=time.time())
    except BadSignatureError:
        return 401

It then remembers the `key` of what it has dealt with: delivery is at least once, and the key is
the same each time.
"""

from __future__ import annotations

import hmac
import math
import re
from collections.abc import Mapping
from typing import Final

__all__ = [
    "IDEMPOTENCY_KEY",
    "MAX_TOLERANCE",
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
"""Header: ``v2=`` and the HMAC-SHA-256, in hex, of timestamp, a dot, idempotency key, a dot and the
body. (``v1`` left the key out, so that somebody in between could change it: it is not taken.)"""

MAX_TOLERANCE: Final = 3_600
"""Seconds. With more, what somebody recorded could be sent again for too long."""

_VERSION: Final = "v2="
_KEY: Final = re.compile(r"[A-Za-z0-9_-]{1,128}", re.ASCII)
"""No dot: where the key ends and the body begins must be plain."""


class BadSignatureError(Exception):
    """A request does not come from who knows the secret, or is an old one sent again."""


def signed_headers(secret: str, key: str, body: bytes, now: float) -> dict[str, str]:
    """Give the headers that prove at `now` (seconds since 1970) who sent `body` under this `key`.

    Raises:
        ValueError: the key has other characters than ASCII letters, digits, ``_`` and ``-``, or
            more than 128.
    """
    if not _KEY.fullmatch(key):
        raise ValueError(f"{key!r} cannot be an idempotency key")
    timestamp = str(int(now))
    return {
        IDEMPOTENCY_KEY: key,
        TIMESTAMP: timestamp,
        SIGNATURE: _VERSION + _digest(secret, timestamp, key, body),
    }


def verify(
    secret: str, headers: Mapping[str, str], body: bytes, now: float, tolerance: float = 300
) -> str:
    """Give the idempotency key of the request, if that is genuine and fresh.

    Args:
        secret: as configured for the endpoint.
        headers: of the request; the case of their names does not matter.
        body: the bytes that came, before anybody parsed them.
        now: seconds since 1970.
        tolerance: by how many seconds the two clocks, and sending, may differ, from 0 to
            `MAX_TOLERANCE`.

    Raises:
        BadSignatureError: it is not, or `now` is no time; the message says why.
        ValueError: the tolerance is out of range, or no number.
    """
    # Written so that what is no number is refused: any comparison with it is false.
    if not 0 <= tolerance <= MAX_TOLERANCE:
        raise ValueError(f"tolerance is {tolerance}, allowed are 0 to {MAX_TOLERANCE} seconds")
    if not math.isfinite(now):
        raise BadSignatureError(f"now is {now}, which is no time")
    found = {name.lower(): value for name, value in headers.items()}
    timestamp = found.get(TIMESTAMP.lower(), "")
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 12):
        raise BadSignatureError(f"{TIMESTAMP} is missing or no number")
    if abs(now - int(timestamp)) > tolerance:
        raise BadSignatureError(f"{TIMESTAMP} is more than {tolerance:g} s from now")
    key = found.get(IDEMPOTENCY_KEY.lower(), "")
    if not _KEY.fullmatch(key):
        raise BadSignatureError(f"{IDEMPOTENCY_KEY} is missing or malformed")
    expected = (_VERSION + _digest(secret, timestamp, key, body)).encode()
    # In constant time; and as bytes, for with text it refuses anything but ASCII.
    if not hmac.compare_digest(found.get(SIGNATURE.lower(), "").encode(), expected):
        raise BadSignatureError(f"{SIGNATURE} is missing or does not fit key and body")
    return key


def _digest(secret: str, timestamp: str, key: str, body: bytes) -> str:
    signed = b".".join((timestamp.encode(), key.encode(), body))
    return hmac.digest(secret.encode(), signed, "sha256").hex()
