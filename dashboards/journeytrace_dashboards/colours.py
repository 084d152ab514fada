"""One colour a meaning, on every dashboard.

A status and a decision never share a chip: how far somebody got says nothing of what was decided.
Red is for what an operator has to act on, and never for a figure that merely is large.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeAlias

from grafana_foundation_sdk.builders.dashboard import FieldColor
from grafana_foundation_sdk.builders.dashboard import ThresholdsConfig as Thresholds
from grafana_foundation_sdk.models.dashboard import (
    DynamicConfigValue,
    FieldColorModeId,
    Threshold,
    ThresholdsMode,
    ValueMap,
    ValueMappingResult,
)

from journeytrace.catalogue import Catalogue
from journeytrace.conventions import Decision, Impact, Result, Source, Status

__all__ = [
    "BAD",
    "DECISION",
    "DEPLOYMENT",
    "GOOD",
    "IMPACT",
    "NEUTRAL",
    "OUTCOME",
    "RESULT",
    "SOURCE",
    "STATUS",
    "WATCH",
    "Scale",
    "bad_from",
    "bad_until",
    "bad_when_far",
    "by_name",
    "chip",
    "fixed",
    "judged",
    "ordered",
    "paint",
    "painted_by",
    "stages",
    "value_map",
]

GOOD: Final = "green"
"""As it should be."""
WATCH: Final = "yellow"
"""Worth a look."""
BAD: Final = "red"
"""Somebody has to do something."""
NEUTRAL: Final = "text"
"""A figure that is neither good nor bad by itself; Grafana's name for the colour of its text."""
DEPLOYMENT: Final = "purple"
"""A version of a service that was not there before."""

STATUS: Final[dict[str, str]] = {
    Status.COMPLETED: "green",
    Status.IN_PROGRESS: "blue",
    Status.DROPPED: "orange",
    Status.ERROR: "red",
}
DECISION: Final[dict[str, str]] = {
    Decision.APPROVED: "dark-green",
    Decision.REJECTED: "dark-red",
    Decision.PENDING: "dark-purple",
}
IMPACT: Final[dict[str, str]] = {
    Impact.BLOCKED: "red",
    Impact.RETAKE: "yellow",
    Impact.PENDING: "dark-purple",
    Impact.REJECTED: "dark-red",
    Impact.APPROVED: "dark-green",
    Impact.COMPLETED: "green",
}
OUTCOME: Final[dict[str, str]] = {
    "accepted": GOOD,
    "duplicate": "super-light-green",
    "ignored": NEUTRAL,
    "forgotten": "super-light-yellow",
    "refused": BAD,
    "rejected": BAD,
    "stored": GOOD,
    "acknowledged": "super-light-green",
    "parked": "super-light-yellow",
    "dropped": BAD,
    "failed": BAD,
    "lost": BAD,
}
"""What became of what was sent to a collector."""
SOURCE: Final[dict[str, str]] = {
    Source.FE: "light-blue",
    Source.BE: "semi-dark-blue",
    Source.OP: "purple",
}
RESULT: Final[dict[str, str]] = {Result.PASS: "green", Result.FAIL: "red"}

_STAGES: Final = (
    "super-light-blue",
    "light-blue",
    "blue",
    "semi-dark-blue",
    "dark-blue",
    "semi-dark-purple",
    "green",
)
_OUT_OF_ORDER: Final = (
    "yellow",
    "light-orange",
    "orange",
    "light-green",
    "super-light-purple",
    "light-red",
)


def ordered(stages: Sequence[str]) -> dict[str, str]:
    """Colour the ordered stages, first to last: from light to dark."""
    return {stage: _STAGES[i % len(_STAGES)] for i, stage in enumerate(stages)}


def stages(catalogue: Catalogue) -> dict[str, str]:
    """Colour all stages; those without an order stand out from the others."""
    first = catalogue.ordered_stages
    others = [stage for stage in catalogue.stages if stage not in first]
    colours = {s: _OUT_OF_ORDER[i % len(_OUT_OF_ORDER)] for i, s in enumerate(others)}
    return ordered(first) | colours


Scale: TypeAlias = tuple[tuple[float | None, str], ...]
"""From which value on a figure has which colour; the first has no value: from anywhere."""


def bad_from(bad: float, watch: float | None = None, otherwise: str = NEUTRAL) -> Scale:
    """Judge a figure that should be low."""
    warned = ((watch, WATCH),) if watch is not None else ()
    return ((None, otherwise), *warned, (bad, BAD))


def bad_until(bad: float, watch: float) -> Scale:
    """Judge a figure that should not fall below `watch`, and by no means below `bad`."""
    return ((None, BAD), (bad, WATCH), (watch, NEUTRAL))


def bad_when_far(bad: float, watch: float) -> Scale:
    """Judge a difference that should be near 0, on either side."""
    return ((None, BAD), (-bad, WATCH), (-watch, NEUTRAL), (watch, WATCH), (bad, BAD))


def paint(colour: str) -> FieldColor:
    """Give what paints a whole panel in one colour."""
    return FieldColor().mode(FieldColorModeId.FIXED).fixed_color(colour)


def by_name() -> FieldColor:
    """Give what paints series that nobody knows beforehand: each name has its colour everywhere."""
    return FieldColor().mode(FieldColorModeId.PALETTE_CLASSIC_BY_NAME)


def painted_by(scale: Scale) -> tuple[FieldColor, Thresholds]:
    """Give what paints a whole panel by its values."""
    steps = [Threshold(value=value, color=colour) for value, colour in scale]
    thresholds = Thresholds().mode(ThresholdsMode.ABSOLUTE).steps(steps)
    return FieldColor().mode(FieldColorModeId.THRESHOLDS), thresholds


def judged(scale: Scale) -> list[DynamicConfigValue]:
    """Give what paints one field by its values."""
    steps: list[dict[str, Any]] = [{"value": value, "color": colour} for value, colour in scale]
    return [
        DynamicConfigValue("color", {"mode": "thresholds"}),
        DynamicConfigValue("thresholds", {"mode": "absolute", "steps": steps}),
    ]


def value_map(colours: Mapping[str, str]) -> ValueMap:
    """Map each word to its colour."""
    return ValueMap(
        options={
            str(word): ValueMappingResult(color=colour, index=index)
            for index, (word, colour) in enumerate(colours.items())
        },
    )


def chip(colours: Mapping[str, str]) -> list[DynamicConfigValue]:
    """Give what makes a column's cells chips."""
    return [
        DynamicConfigValue("mappings", [value_map(colours)]),
        DynamicConfigValue("custom.cellOptions", {"type": "color-background", "mode": "basic"}),
    ]


def fixed(colour: str) -> list[DynamicConfigValue]:
    """Give what paints one series."""
    return [DynamicConfigValue("color", {"mode": "fixed", "fixedColor": colour})]
