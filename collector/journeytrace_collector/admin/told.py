"""What is told of a stored session, to programs and to people alike."""

from __future__ import annotations

from journeytrace.catalogue import Catalogue
from journeytrace_collector.core.derive import Summary, status, summary
from journeytrace_collector.insight.why import why
from journeytrace_collector.store.base import Known

__all__ = ["told"]


def told(known: Known, now: int, idle_timeout: int, catalogue: Catalogue) -> Summary:
    """Describe a session as it is at `now`, with its cause; both times in ns."""
    return summary(
        known.state,
        now,
        idle_timeout,
        known.settled_at,
        known.revision,
        retention=known.retention,
        why=why(known.state, status(known.state, now, idle_timeout), catalogue),
        error_codes=catalogue.error_codes,
    )
