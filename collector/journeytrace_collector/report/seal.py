"""What makes one changed byte of a report known: its seal (decision record 0023).

A seal stands where PDF keeps keywords: once in the document's information, once in its XMP
metadata, both uncompressed and after everything that somebody else wrote. It is typeset with zeros
in its fields, which have a fixed length; then the signature is put in, which covers all bytes of
the file, then the hash, which covers all bytes and the signature. So an unsigned report is checked
by its hash, and a signed one by both.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

__all__ = ["EMPTY", "KEY_ID", "MESSAGE", "NotSealedError", "Seal", "read", "seal"]

_NAME: Final = "journeytrace-seal-1"
_HASH, KEY_ID, _SIGNATURE = 64, 16, 128
"""Hexadecimal digits of each field."""
_NONE: Final = "0" * KEY_ID
EMPTY: Final = ":".join((_NAME, "0" * _HASH, _NONE, "0" * _SIGNATURE))
"""What is typeset."""
MESSAGE: Final = b"journeytrace report 1\n"
"""What is signed begins with this, so that a signature over anything else is none of a report."""

_SEAL: Final = re.compile(
    rb"%b:([0-9a-f]{%d}):([0-9a-f]{%d}):([0-9a-f]{%d})"
    % (_NAME.encode(), _HASH, KEY_ID, _SIGNATURE)
)
_PLACES: Final = 2

Sign = Callable[[bytes], bytes]


class NotSealedError(ValueError):
    """There is no seal, or not the one seal in its two places."""


@dataclass(frozen=True, slots=True)
class Seal:
    """What the seal of a file says, and what is true of the file."""

    is_whole: bool
    """Whether every byte is as it was sealed."""
    key_id: str | None
    """Of the key that signed it; None: it is not signed."""
    signature: bytes
    signed: bytes
    """What the signature is of."""


def seal(pdf: bytes, key_id: str | None = None, sign: Sign | None = None) -> bytes:
    """Seal what was typeset with `EMPTY`; `sign` with the key of this id, None: nobody signs.

    Raises:
        NotSealedError: it was not.
    """
    if _read(pdf)[0].decode() != EMPTY:
        raise NotSealedError("what is to be sealed is sealed already")
    signature = "0" * _SIGNATURE
    if key_id is not None and sign is not None:
        pdf = _put(pdf, "0" * _HASH, key_id, signature)
        signature = sign(_signed(pdf)).hex()
    pdf = _put(pdf, "0" * _HASH, key_id or _NONE, signature)
    return _put(pdf, sha256(pdf).hexdigest(), key_id or _NONE, signature)


def read(pdf: bytes) -> Seal:
    """Read the seal of a file and compare its hash with the file.

    Raises:
        NotSealedError: see there.
    """
    _, digest, key_id, signature = _read(pdf)
    unhashed = _put(pdf, "0" * _HASH, key_id, signature)
    is_signed = key_id != _NONE or signature.strip("0") != ""
    return Seal(
        is_whole=hmac.compare_digest(sha256(unhashed).hexdigest(), digest),
        key_id=key_id if is_signed else None,
        signature=bytes.fromhex(signature),
        signed=_signed(_put(pdf, "0" * _HASH, key_id, "0" * _SIGNATURE)),
    )


def _signed(pdf: bytes) -> bytes:
    return MESSAGE + sha256(pdf).digest()


def _read(pdf: bytes) -> tuple[bytes, str, str, str]:
    found = _last(pdf)
    first, second = found
    if first[0] != second[0]:
        raise NotSealedError("its two seals are not the same")
    digest, key_id, signature = (part.decode() for part in first.groups())
    return first[0], digest, key_id, signature


def _last(pdf: bytes) -> list[re.Match[bytes]]:
    # The last ones: whatever a sender wrote stands before them, and is covered like all else.
    found = list(_SEAL.finditer(pdf))[-_PLACES:]
    if len(found) < _PLACES:
        raise NotSealedError("it has no seal")
    return found


def _put(pdf: bytes, digest: str, key_id: str, signature: str) -> bytes:
    said = f"{_NAME}:{digest}:{key_id}:{signature}".encode()
    first, second = (match.start() for match in _last(pdf))
    ends = first + len(said), second + len(said)
    return pdf[:first] + said + pdf[ends[0] : second] + said + pdf[ends[1] :]
