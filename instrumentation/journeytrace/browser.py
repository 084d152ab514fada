"""Tokens by which one browser tells events of one session (docs/browser-server.md).

They are JWTs of one algorithm, HS256, so that any backend mints them with its usual library. Made
and read here alone, by the library and the collector alike. Nothing of a token is parsed before its
signature is found to be right.
"""

from __future__ import annotations

import binascii
import hmac
import json
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = [
    "AUDIENCE",
    "KEY_RULE",
    "KEY_VARIABLE",
    "MAX_MINUTES",
    "MAX_TOKEN",
    "BadTokenError",
    "Key",
    "is_key_id",
    "is_secret",
    "mint",
    "read",
    "read_keys",
]

AUDIENCE: Final = "journeytrace.browser"
"""The claim ``aud``: such a token opens nothing else."""

KEY_VARIABLE: Final = "JOURNEYTRACE_BROWSER_KEY"
"""Holds keys as `read_keys` reads them, for services. Absent or empty: no tokens are made."""

MAX_MINUTES: Final = 60
"""The longest that a token may live."""

MAX_TOKEN: Final = 2048
"""Characters of a token that is looked at."""

KEY_RULE: Final = "must be 32 or more ASCII characters without spaces: `openssl rand -hex 32`"

_KEY_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")
_SECRET: Final = re.compile(r"[!-~]{32,}")
_PARTS: Final = re.compile(rb"([\w-]+)\.([\w-]+)\.([\w-]+)", re.ASCII)


class BadTokenError(Exception):
    """A text is no token of a key that is known here. The message says why, without the text."""


class Key(NamedTuple):
    """What tokens are signed with."""

    id: str
    """The header ``kid`` of its tokens."""
    secret: str

    def __repr__(self) -> str:
        return f"<Key {self.id}>"


def is_key_id(text: str) -> bool:
    """Tell whether `text` can be the id of a key: 1 to 64 of A-Z, a-z, 0-9 and ``. _ -``."""
    return _KEY_ID.fullmatch(text) is not None


def is_secret(text: str) -> bool:
    """Tell whether `text` keeps to `KEY_RULE`; HS256 asks for 256 bits."""
    return _SECRET.fullmatch(text) is not None


def read_keys(text: str) -> tuple[Key, ...]:
    """Read ``ID:SECRET``, of several with space between them; the first signs, all are believed.

    Raises:
        ValueError: it is something else; the message does not quote it.
    """
    found = tuple(Key(*part.partition(":")[::2]) for part in text.split())
    if not found or not all(is_key_id(key.id) for key in found):
        raise ValueError("must be ID:SECRET, the id of letters, digits, '.', '_' and '-'")
    if not all(is_secret(key.secret) for key in found):
        raise ValueError(f"the secret behind the colon {KEY_RULE}")
    return found


def mint(key: Key, claims: Mapping[str, object]) -> str:
    """Sign `claims`, as they are."""
    header = {"alg": "HS256", "kid": key.id, "typ": "JWT"}
    signed = b".".join(_encoded(_json(part)) for part in (header, claims))
    return (signed + b"." + _encoded(_signature(key, signed))).decode()


def read(token: str | bytes, keys: Iterable[Key]) -> dict[str, Any]:
    """Give the claims of a token that one of `keys` has signed. What they say is not looked at.

    Raises:
        BadTokenError: it is none.
    """
    raw = token.encode("utf-8", "replace") if isinstance(token, str) else token
    if len(raw) > MAX_TOKEN:
        raise BadTokenError(f"is longer than {MAX_TOKEN} characters")
    parts = _PARTS.fullmatch(raw)
    if parts is None:
        raise BadTokenError("is no JWT that is signed")
    header, payload, signature = parts.groups()
    signed = header + b"." + payload
    given = _decoded(signature)
    # All of them are tried, in constant time each: what took long tells nothing.
    right = [key.id for key in keys if hmac.compare_digest(_signature(key, signed), given)]
    if not right:
        raise BadTokenError("is not signed with a key that is known here")
    said = _object(header)
    if said.get("alg") != "HS256" or "crit" in said:
        raise BadTokenError("must be signed by HS256, and say so")
    if said.get("kid") not in right:
        raise BadTokenError("names another key as `kid` than the one it is signed with")
    return _object(payload)


def _signature(key: Key, signed: bytes) -> bytes:
    return hmac.digest(key.secret.encode(), signed, sha256)


def _json(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _encoded(raw: bytes) -> bytes:
    return urlsafe_b64encode(raw).rstrip(b"=")


def _decoded(text: bytes) -> bytes:
    try:
        return urlsafe_b64decode(text + b"=" * (-len(text) % 4))
    except binascii.Error:
        raise BadTokenError("is no JWT: a part of it is no base64url") from None


def _object(part: bytes) -> dict[str, Any]:
    try:
        found = json.loads(_decoded(part))
    except (ValueError, RecursionError):
        raise BadTokenError("holds no JSON") from None
    if not isinstance(found, dict):
        raise BadTokenError("holds no JSON object")
    return found
