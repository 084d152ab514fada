"""A comparison of two cohorts in a sentence that can be read out loud. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Final

from journeytrace.conventions import Decision, Status

__all__ = ["Kind", "changed", "in_words", "interval", "valued"]


class Kind(StrEnum):
    """What is compared."""

    STEP = "step"
    """Of those who came to a stage, the share that came to the next one or further."""
    OUTCOME = "outcome"
    """How the sessions ended."""
    REASON = "reason"
    """Of the sessions with a decision, the share that was decided so for this reason."""
    CHECK = "check"
    """Of the sessions that ran a check, the share in which it failed at least once."""
    DURATION = "duration"
    """How long something typically took."""


_OUTCOMES: Final = {
    Status.COMPLETED.value: "of the sessions reached the last page",
    Status.ERROR.value: "of the sessions ended on an error page",
    Decision.APPROVED.value: "of those with a decision were approved",
}

_MANY: Final = 5
"""From so many times on a ratio is told as one."""


def in_words(
    kind: Kind,
    name: str,
    of: str | None,
    values: Sequence[float | None],
    change: tuple[float, float, float] | None,
) -> str:
    """Say what a comparison gives; see `Comparison` for the arguments."""
    a, b = (valued(kind, one) for one in values)
    if kind is Kind.DURATION:
        what = "a session" if name == "session" else name
        said = f"{what[0].upper()}{what[1:]} typically took {a} in A and {b} in B"
    elif kind is Kind.STEP and of is not None:
        said = f"Of those who came to {of}, {a} went on to {name} in A and {b} in B"
    else:
        said = f"{a} in A and {b} in B {_what(kind, name)}"
    if change is None:
        return f"{said}; that is too few to compare."
    value, low, high = change
    return f"{said}: {changed(kind, value)} (95 % interval {interval(kind, low, high)})."


def _what(kind: Kind, name: str) -> str:
    if kind is Kind.STEP:
        return f"of all came to {name}"
    if kind is Kind.OUTCOME:
        return _OUTCOMES.get(name, name)
    if kind is Kind.REASON:
        return f"of those with a decision were {name}"
    return f"of the sessions that ran {name} failed it"


def valued(kind: Kind, value: float | None) -> str:
    """Write a share or a duration."""
    if value is None:
        return "none"
    if kind is not Kind.DURATION:
        return f"{100 * value:.1f} %"
    if value < 1:
        return f"{1000 * value:.3g} ms"
    if value < 120:
        return f"{value:.3g} s"
    return f"{value / 60:.3g} min" if value < 7200 else f"{value / 3600:.3g} h"


def changed(kind: Kind, change: float) -> str:
    """Write a change: in points of a share, in per cent of a duration or times as long."""
    if kind is not Kind.DURATION:
        return f"{_signed(100 * change, 1)} points"
    if change >= _MANY:
        return f"{change:.0f} times as long"
    if 0 < change <= 1 / _MANY:
        return f"1/{1 / change:.0f} as long"
    return f"{_signed(100 * (change - 1), 0)} %"


def _signed(value: float, digits: int) -> str:
    text = f"{value:+.{digits}f}"
    return text.replace("-", "\u2212") if float(text) else text[1:]


def interval(kind: Kind, low: float, high: float) -> str:
    """Write the interval of a change, with its unit once where it is the same."""
    begins, ends = changed(kind, low), changed(kind, high)
    value, _, unit = begins.partition(" ")
    return f"{value if ends.endswith(f' {unit}') else begins} to {ends}"
