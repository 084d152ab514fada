"""What the collector's own numbers were at this hour of last week."""

from __future__ import annotations

from typing import Final

from journeytrace_dashboards.alerts.model import Recording

__all__ = [
    "LAST_WEEK_BYTES",
    "LAST_WEEK_COUNT",
    "LAST_WEEK_DURATION",
    "LAST_WEEK_PERCENT",
    "with_last_week",
]

_SAID: Final = (
    "{{ if ge $last 0.0 }}at this hour of last week %s"
    "{{ else }}with no last week to compare{{ end }}"
)

LAST_WEEK_BYTES: Final = _SAID % "{{ $last | humanize1024 }}B"
LAST_WEEK_COUNT: Final = _SAID % '{{ printf "%.0f" $last }}'
LAST_WEEK_DURATION: Final = _SAID % "{{ $last | humanizeDuration }}"
LAST_WEEK_PERCENT: Final = _SAID % "{{ $last | humanizePercentage }}"


def with_last_week(series: str, expr: str) -> tuple[Recording, Recording]:
    """Record `expr`, and what it was a week ago: below 0 where nobody knows."""
    return (
        Recording(series, expr),
        Recording(f"{series}:last_week", f"{series} offset 7d\n  or\n{series} * 0 - 1"),
    )
