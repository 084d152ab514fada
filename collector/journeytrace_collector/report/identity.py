"""What a user entered, beside what was read from documents, and what the checks of each said."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from journeytrace.catalogue import Catalogue
from journeytrace.conventions import DOCUMENT, EXTRACTED, FORM
from journeytrace_collector.insight.same import same
from journeytrace_collector.report.told import Told, text, utc

__all__ = ["Check", "Field", "checks", "fields"]


@dataclass(frozen=True, slots=True)
class Field:
    """One thing that is known of a person; None: not entered, or not extracted."""

    name: str
    entered: str | None
    extracted: str | None
    document: str | None
    """What it was extracted from; None: nothing says so."""

    @property
    def differs(self) -> bool:
        """Whether both are known, and are not the same."""
        if self.entered is None or self.extracted is None:
            return False
        return not same(self.entered, self.extracted)


def fields(events: Sequence[Told]) -> list[Field]:
    """Give what was entered and what a server extracted, the newest of each, by name.

    `events` are in their order. What several documents say of a field stands below each other.
    """
    entered: dict[str, str] = {}
    extracted: dict[str, dict[str | None, str]] = {}
    for one in events:
        for key, value in one.attributes.items():
            if key.startswith(FORM):
                entered[key.removeprefix(FORM)] = text(value)
            elif key.startswith(EXTRACTED) and one.source == "BE":
                name = key.removeprefix(EXTRACTED)
                extracted.setdefault(name, {})[one.said(DOCUMENT)] = text(value)
    found = []
    for name in dict.fromkeys((*entered, *extracted)):
        read: Mapping[str | None, str | None] = extracted.get(name) or {None: None}
        found += [Field(name, entered.get(name), value, of) for of, value in read.items()]
    return found


@dataclass(frozen=True, slots=True)
class Check:
    """A check, as it ended last."""

    name: str
    meaning: str
    failed: bool
    impact: str
    error_code: str | None
    error_meaning: str | None
    at: str
    times: int
    """How often it ran."""
    failures: int


def checks(events: Iterable[Told], catalogue: Catalogue) -> dict[str | None, list[Check]]:
    """Give the checks of each document, in the order of their first run; None: of no document."""
    found: dict[str | None, dict[str, list[Told]]] = {}
    for one in events:
        if one.result is not None:
            of = found.setdefault(one.said(DOCUMENT), {})
            of.setdefault(one.name, []).append(one)
    return {
        document: [_check(name, runs, catalogue) for name, runs in by_name.items()]
        for document, by_name in found.items()
    }


def _check(name: str, runs: Sequence[Told], catalogue: Catalogue) -> Check:
    last: Any = runs[-1]
    spec = catalogue.events.get(name)
    return Check(
        name=name,
        meaning=spec.meaning if spec else "",
        failed=last.failed,
        impact=last.impact,
        error_code=last.error_code,
        error_meaning=last.error_meaning,
        at=utc(last.at),
        times=len(runs),
        failures=sum(one.failed for one in runs),
    )
