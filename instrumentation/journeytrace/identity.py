"""Ids that every process computes alone, so that nobody has to pass them on (docs/wire.md)."""

from __future__ import annotations

import re
from functools import lru_cache
from hashlib import sha256
from typing import Final

from journeytrace.errors import InvalidSessionIdError

__all__ = [
    "SUPPORT_CODE_LENGTH",
    "normalise_session_id",
    "read_support_code",
    "revision_span_id",
    "root_span_id",
    "stage_span_id",
    "support_code",
    "trace_id",
]

MAX_LENGTH: Final = 128
SUPPORT_CODE_LENGTH: Final = 8

# Only the two spellings that every language's UUID type prints. Python's own parser would also
# take braces, "urn:uuid:" and misplaced hyphens, which a sender elsewhere could not reproduce.
_UUID = re.compile(
    r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}|[0-9a-fA-F]{32}"
)
_NIL: Final = "0" * 32
_CROCKFORD: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_MISREAD: Final = str.maketrans("OIL", "011", "- ")


@lru_cache(maxsize=16_384)
def normalise_session_id(text: str) -> str:
    """Give the one spelling of a session id.

    A UUID, hyphenated or as 32 hex digits, becomes its lower-case hyphenated form; any other id
    stays as it is.

    Raises:
        InvalidSessionIdError: `text` is empty, longer than 128 characters, has surrounding space or
            unprintable characters, or is the nil UUID (OpenTelemetry forbids the trace id zero).
    """
    if _UUID.fullmatch(text):
        digits = text.replace("-", "").lower()
        if digits == _NIL:
            raise InvalidSessionIdError("is the nil UUID, which is no valid trace id")
        return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))
    if not text:
        raise InvalidSessionIdError("is empty")
    if len(text) > MAX_LENGTH:
        raise InvalidSessionIdError(f"has {len(text)} characters, at most {MAX_LENGTH} are allowed")
    if not text.isprintable():
        raise InvalidSessionIdError("has unprintable characters")
    if text != text.strip():
        raise InvalidSessionIdError("has space at its start or end")
    return text


@lru_cache(maxsize=16_384)
def trace_id(session_id: str) -> bytes:
    """Give the 16 bytes of a session's trace id: a UUID's own bytes, else a hash of the id.

    Raises:
        InvalidSessionIdError: see `normalise_session_id`.
    """
    session_id = normalise_session_id(session_id)
    if _UUID.fullmatch(session_id):
        return bytes.fromhex(session_id.replace("-", ""))
    return sha256(b"journey.trace:" + session_id.encode()).digest()[:16]


def root_span_id(trace: bytes) -> bytes:
    """Give the 8 bytes of the span id of a session's root span, from its trace id."""
    return sha256(b"journey.session:" + trace).digest()[:8]


def stage_span_id(trace: bytes, stage: str) -> bytes:
    """Give the 8 bytes of the span id of one stage of a session, from its trace id."""
    return sha256(b"journey.stage:" + trace + stage.encode()).digest()[:8]


def revision_span_id(trace: bytes, revision: int) -> bytes:
    """Give the 8 bytes of the span id of a session's nth revision, from its trace id; n from 1."""
    return sha256(b"journey.session:" + trace + str(revision).encode()).digest()[:8]


def support_code(trace: bytes) -> str:
    """Give the 8 characters that a user reads to support, from the session's trace id.

    They are Crockford's base 32: no I, L, O and U. `read_support_code` reads what was heard.
    """
    bits = int.from_bytes(sha256(b"journey.support:" + trace).digest()[:5], "big")
    return "".join(_CROCKFORD[bits >> shift & 31] for shift in range(35, -5, -5))


def read_support_code(text: str) -> str | None:
    """Read a support code, or the beginning of one, as people write it down; None: it is none.

    Either case will do, hyphens and spaces are left out, I and L mean 1, O means 0.
    """
    code = text.upper().translate(_MISREAD)
    # Some letters of other scripts have capitals among ours.
    if not text.isascii() or set(code).difference(_CROCKFORD):
        return None
    return code if 1 <= len(code) <= SUPPORT_CODE_LENGTH else None
