"""What erasing does to sessions: the rules that every store shares.

A session goes at once, with all that belongs to it but its events, of which there can be many: they
follow in small steps. Nobody sees them meanwhile, and nothing joins them, for the digest that the
session leaves turns late events away.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from journeytrace.identity import trace_id
from journeytrace_collector.core.acts import ERASE
from journeytrace_collector.core.change import Change
from journeytrace_collector.core.forgetting import DIGESTS_KEPT, digest
from journeytrace_collector.store.base import Act

__all__ = ["Erasing", "Found", "Gone", "erase", "forget"]


class Found(NamedTuple):
    """A session that is to be erased, held by the open transaction."""

    no: int
    session_id: str
    events: int
    project_id: str | None


class Gone(NamedTuple):
    """What is needed to erase a session."""

    no: int
    session_id: str
    trace_id: str
    digest: bytes
    kept_until: int
    """How long its digest is kept, in ns."""


class Erasing(Protocol):
    """What a store's open transaction can do to erase."""

    def erase_sessions(self, sessions: Sequence[Gone]) -> None:
        """Erase sessions with all that belongs to them but their events; keep their digests."""

    def erase_events(self, limit: int) -> int:
        """Erase at most `limit` events that sessions have left behind; gives how many."""

    def drop_digests(self, now: int, limit: int) -> int:
        """Drop at most `limit` digests whose time has come; gives how many."""

    def note_acts(self, acts: Sequence[Act]) -> None:
        """Add what somebody did."""


def erase(
    tables: Erasing, salt: bytes, expired: Sequence[Found], now: int, limit: int
) -> tuple[Change, int]:
    """Erase sessions that have expired, then what is left to erase, up to `limit` rows."""
    _erase_sessions(tables, salt, expired, now)
    rows = len(expired)
    rows += tables.erase_events(limit - rows)
    rows += tables.drop_digests(now, limit - rows)
    return Change(now, records={"erased": len(expired)}), rows


def forget(tables: Erasing, salt: bytes, found: Sequence[Found], actor: str, now: int) -> Change:
    """Erase sessions because `actor` has asked for it."""
    _erase_sessions(tables, salt, found, now)
    tables.note_acts(
        [
            Act(now, actor, ERASE, r.project_id, digest(salt, r.session_id), {"events": r.events})
            for r in found
        ]
    )
    return Change(now, records={"erased": len(found)})


def _erase_sessions(tables: Erasing, salt: bytes, found: Sequence[Found], now: int) -> None:
    until = now + DIGESTS_KEPT
    gone = [
        Gone(row.no, s := row.session_id, trace_id(s).hex(), digest(salt, s), until)
        for row in found
    ]
    tables.erase_sessions(gone)
