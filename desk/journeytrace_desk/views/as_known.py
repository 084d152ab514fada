"""A session as it was known at a moment: the moments to choose from, and what the page says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from journeytrace.catalogue import Catalogue
from journeytrace_collector.core.derive import Summary, rfc3339
from journeytrace_collector.core.model import Event
from journeytrace_collector.insight.as_known import Arrival, arrivals
from journeytrace_desk.access.looks import LOOKS
from journeytrace_desk.views.times import briefly, moment

__all__ = ["Moments", "Step", "before", "moments", "since_then"]

_MICROSECOND: Final = 1_000


@dataclass(frozen=True, slots=True)
class Step:
    """A moment to choose."""

    value: str
    """Of the parameter ``as_of``."""
    word: str
    tone: str
    """``late``, ``bad``: late, and it failed; ``person``: a verdict; empty: nothing of that."""
    place: str
    """Where its mark stands, in per cent."""


@dataclass(frozen=True, slots=True)
class Moments:
    """All that can be chosen."""

    steps: list[Step]
    """The last one is now."""
    chosen: int
    """The number of the one that is shown."""
    late: str
    """What came late, in words; empty: nothing did."""


def before(event: Event) -> str:
    """Give the last moment at which an event was not known yet, as ``as_of`` takes it."""
    return rfc3339((event.received // _MICROSECOND - 1) * _MICROSECOND)


def moments(events: Sequence[Event], at: int | None, catalogue: Catalogue) -> Moments:
    """Give the moments to choose from; `events` are all, `at` (ns) what is shown; None: now.

    That somebody looked is no news of the session.
    """
    found = arrivals([one for one in events if one.name not in LOOKS] or events, catalogue)
    # All that arrived last is known now, too.
    shown = len(found) - 1 if at is None else sum(one.at <= at for one in found) - 1
    last = len(found) - 1
    steps = [
        Step(
            "" if number == last else rfc3339(one.at),
            _word(one, is_now=number == last),
            _tone(one),
            f"{100 * number / last:.2f}%" if last else "0%",
        )
        for number, one in enumerate(found)
    ]
    return Moments(steps, max(shown, 0), _late(found))


def _word(arrival: Arrival, *, is_now: bool) -> str:
    known = f"{arrival.known:,} event{'' if arrival.known == 1 else 's'}"
    said = ["now" if is_now else f"{moment(rfc3339(arrival.at))} UTC", known]
    if arrival.verdict:
        said.append("a verdict")
    if arrival.late:
        failed = f", {arrival.bad:,} failed or stood in the way" if arrival.bad else ""
        said.append(f"{arrival.late:,} came {briefly(arrival.delay)} late{failed}")
    return " · ".join(said)


def _tone(arrival: Arrival) -> str:
    if arrival.late:
        return "bad" if arrival.bad else "late"
    return "person" if arrival.verdict else ""


def _late(found: Sequence[Arrival]) -> str:
    late = sum(one.late for one in found)
    if not late:
        return ""
    by = briefly(max(one.delay for one in found))
    after = ", some after a person had decided" if any(one.after_verdict for one in found) else ""
    return f"{late:,} event{'' if late == 1 else 's'} came late, by up to {by}{after}"


def since_then(then: Summary, now: Summary) -> list[str]:
    """Say what is otherwise now."""
    pairs = (
        ("status", then.status, now.status),
        ("decision", then.decision, now.decision),
        ("reason", then.reason, now.reason),
        ("stage", then.stage, now.stage),
        ("error code", then.last_error_code, now.last_error_code),
    )
    # That there is no reason any more, the decision tells.
    return [
        f"{word} {new or 'none'}"
        for word, old, new in pairs
        if old != new and (new or word == "decision")
    ]
