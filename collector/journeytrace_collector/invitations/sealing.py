"""The token of a link while it waits to be sent: sealed, so that no store or backup tells it.

The seal is a pad of its own for each message, made with a secret of the configuration: HMAC-SHA256
of what is being sent, as long as a token. Whether it was opened rightly is told by the digest, by
which the link is known anyway.
"""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable
from hashlib import sha256
from typing import Final

from journeytrace.browser import Key
from journeytrace_collector.core.invitations import digest_of

__all__ = ["opened", "sealed"]

_PURPOSE: Final = b"journeytrace.link:"


def sealed(token: str, message: str, key: Key) -> str:
    """Seal a token for one message, which nothing else may have been sealed for."""
    return _crossed(urlsafe_b64decode(f"{token}="), _pad(digest_of(token), message, key)).hex()


def opened(seal: str, invitation: str, message: str, keys: Iterable[Key]) -> str | None:
    """Give the token; None: it was sealed with a key that is not known any more."""
    digest, raw = bytes.fromhex(invitation), bytes.fromhex(seal)
    for key in keys:
        token = urlsafe_b64encode(_crossed(raw, _pad(digest, message, key))).rstrip(b"=").decode()
        if digest_of(token) == digest:
            return token
    return None


def _pad(digest: bytes, message: str, key: Key) -> bytes:
    return hmac.digest(key.secret.encode(), _PURPOSE + digest + message.encode(), sha256)


def _crossed(one: bytes, other: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(one, other, strict=True))
