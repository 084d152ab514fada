"""The token of a link while it waits."""

from __future__ import annotations

import secrets

from journeytrace.browser import Key
from journeytrace_collector.core.invitations import digest_of
from journeytrace_collector.invitations.sealing import opened, sealed

KEY = Key("a", "0123456789abcdef0123456789abcdef")
NEXT = Key("b", "fedcba9876543210fedcba9876543210")


def test_only_who_has_the_key_opens_it() -> None:
    """Under each message it looks otherwise, and after a change of keys the former one opens it."""
    token = secrets.token_urlsafe(32)
    digest = digest_of(token).hex()
    seals = [sealed(token, message, KEY) for message in ("m-1", "m-2")]
    assert seals[0] != seals[1]
    assert token not in seals[0]
    assert opened(seals[0], digest, "m-1", [NEXT, KEY]) == token
    assert opened(seals[0], digest, "m-1", [NEXT]) is None
    assert opened(seals[0], digest, "m-2", [KEY]) is None
    assert opened(seals[0], digest_of("another").hex(), "m-1", [KEY]) is None
    changed = f"{int(seals[0][:2], 16) ^ 1:02x}{seals[0][2:]}"
    assert opened(changed, digest, "m-1", [KEY]) is None
