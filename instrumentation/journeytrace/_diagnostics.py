"""What went wrong, logged once and counted, since the library never raises into its host.

There is no lock here, nor anywhere in the library: a signal handler or a finalizer may report while
the thread that it interrupts does, and a forked child would find a lock taken for ever that another
thread of its parent held. Shared state is replaced as a whole, or changed by one call into C.
"""

from __future__ import annotations

import logging
import reprlib
from collections import Counter, defaultdict
from enum import StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Problem", "problems", "report", "report_fault", "report_lost"]

MAX_WARNINGS: Final = 100
"""Subjects warned of per kind. Past it only the counts go on, so that memory stays bounded."""

_logger = logging.getLogger("journeytrace")
_counts: Counter[str] = Counter()
_warned: defaultdict[str, dict[str, object]] = defaultdict(dict)


class Problem(StrEnum):
    """The kinds of trouble that are counted."""

    BAD_ARGUMENT = "bad_argument"
    """An argument had a wrong type or value; the event went out without it."""
    BAD_CATALOGUE = "bad_catalogue"
    """The environment names a catalogue that cannot be used; the built-in one was taken."""
    BAD_CLOCK = "bad_clock"
    """The journey's clock raised or gave no nanoseconds; the SDK took the time instead."""
    BAD_EVENT_NAME = "bad_event_name"
    """Something that cannot name an event; the event is lost."""
    BAD_METADATA = "bad_metadata"
    """A key or value that OpenTelemetry cannot carry; the event went out without it."""
    BAD_SESSION_ID = "bad_session_id"
    """Something that cannot identify a session; all events of that journey are lost."""
    CHECK_MISUSED = "check_misused"
    """A check was told something before or after its body, or entered twice at once."""
    INTERNAL = "internal"
    """A fault of this library, or of the tracer behind it; the event may be lost."""
    NO_BROWSER_KEY = "no_browser_key"
    """There is no usable key for the tokens of pages; the token is empty."""
    NO_JOURNEY = "no_journey"
    """An event where no journey was active; the event is lost."""
    RESERVED_METADATA = "reserved_metadata"
    """Metadata under a name of the journey's own; the event went out without it."""
    TOO_MUCH_METADATA = "too_much_metadata"
    """More metadata than a span can hold; the event went out with the first of it."""
    UNKNOWN_EVENT = "unknown_event"
    """An event outside the catalogue, perhaps a typing error; it went out as sent."""
    UNKNOWN_REASON = "unknown_reason"
    """A reason outside the catalogue, perhaps a typing error; it went out as sent."""
    UNKNOWN_STAGE = "unknown_stage"
    """A stage outside the catalogue, perhaps a typing error; it went out as sent."""


def report(
    problem: Problem, subject: object, message: str, error: BaseException | None = None
) -> None:
    """Count a problem, and log `message` the first time that this subject has it."""
    try:
        # Unlike `+= 1`, `update` neither lets another thread nor a signal handler in between.
        _counts.update((problem.value,))
        name = reprlib.repr(subject)
        warned = _warned[problem.value]
        mine = object()
        if len(warned) < MAX_WARNINGS and warned.setdefault(name, mine) is mine:
            if error is not None:
                # Else the log shows what the host was handling, and its text is not ours to tell.
                error.__cause__ = None
            _logger.warning("%s: %s", name, message, exc_info=error)
    except Exception:  # noqa: S110 - even a faulty log handler must not reach the host
        pass


def report_lost(event: object) -> None:
    """Count an event that no journey takes; the first one in the process is logged."""
    message = f"{reprlib.repr(event)}, and perhaps more, came while none was active"
    report(Problem.NO_JOURNEY, "no journey", message)


def report_fault(error: Exception) -> None:
    """Count what nobody foresaw: the safety net under every public method."""
    message = "was raised inside journeytrace and went no further; an event may be lost"
    report(Problem.INTERNAL, type(error).__name__, message, error)


def problems() -> Mapping[str, int]:
    """Give how often each kind of problem occurred in this process; absent: never.

    The kinds are: bad_argument, bad_catalogue, bad_clock, bad_event_name, bad_metadata,
    bad_session_id, check_misused, internal, no_browser_key, no_journey, reserved_metadata,
    too_much_metadata, unknown_event, unknown_reason, unknown_stage. The log has one warning for
    each kind and subject, under the logger "journeytrace". A forked child goes on from what its
    parent had counted.
    """
    return dict(_counts)
