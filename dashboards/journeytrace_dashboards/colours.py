"""One colour a meaning, on every dashboard.

A status and a decision never share a chip: how far somebody got says nothing of what was decided.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from grafana_foundation_sdk.models.dashboard import (
    DynamicConfigValue,
    ValueMap,
    ValueMappingResult,
)

from journeytrace.catalogue import Catalogue
from journeytrace.conventions import Decision, Impact, Result, Status

__all__ = [
    "DECISION",
    "IMPACT",
    "RESULT",
    "STATUS",
    "chip",
    "fixed",
    "ordered",
    "stages",
    "value_map",
]

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
