"""What each side saw of a session, in one number: so millions of sessions can be counted by it.

A bit stands for an event of a pair, or for an ordered stage in which a pair is. Which one stands
for which is the store's to say (`Numbers`), for the catalogue may change and what is stored stays.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from journeytrace.catalogue import Catalogue, Pair

__all__ = ["MOST_BITS", "Numbers", "Sighted", "of_stage", "wanted"]

MOST_BITS: Final = 62
"""What comes beyond has none, and its pair is not counted. The built-in catalogue needs 32."""


class Sighted(NamedTuple):
    """Sessions of which the same is true."""

    group: str | None
    """What they were asked to be told apart by; None: nothing, or none of them told it."""
    stage: str | None
    """The highest ordered one; None: none."""
    seen: int
    """Their bits."""
    sessions: int
    """How many there are."""


def of_stage(stage: str) -> str:
    """Name what says that a session was in a stage: no event is called so, for the space."""
    return f"{stage} "


def wanted(catalogue: Catalogue) -> Sequence[str]:
    """Name what has to have a bit."""
    found: list[str] = []
    for pair in catalogue.pairs:
        if pair.stage is not None:
            found += (pair.screen, pair.server, of_stage(pair.stage))
    return list(dict.fromkeys(found))


class Numbers:
    """Which bit stands for what."""

    def __init__(self, catalogue: Catalogue, known: Iterable[str] = ()) -> None:
        """Number what `catalogue` wants; what is `known` keeps the place that it has there."""
        self.names: Sequence[str] = list(dict.fromkeys((*known, *wanted(catalogue))))[:MOST_BITS]
        """By their place."""
        self.bits: Mapping[str, int] = {name: 1 << no for no, name in enumerate(self.names)}
        self.pairs: Mapping[str, Sequence[Pair]] = self._by_stage(catalogue)
        """Those that are counted, by their ordered stage."""
        self._events = {
            name: bit
            for name, bit in self.bits.items()
            if name in catalogue.events and catalogue.events[name].pair
        }
        self._sources = {name: catalogue.events[name].source.value for name in self._events}
        self._stages = {
            stage: self.bits.get(of_stage(stage), 0) for stage in catalogue.ordered_stages
        }

    def _by_stage(self, catalogue: Catalogue) -> Mapping[str, Sequence[Pair]]:
        found: dict[str, list[Pair]] = {}
        for pair in catalogue.pairs:
            if pair.stage and {pair.screen, pair.server, of_stage(pair.stage)} <= set(self.names):
                found.setdefault(pair.stage, []).append(pair)
        return found

    def of(self, events: Iterable[tuple[str, str, str | None]]) -> int:
        """Give the bits of a session; `events`: name, source and stage of those not passive."""
        seen = 0
        for name, source, stage in events:
            if stage is not None:
                seen |= self._stages.get(stage, 0)
            # A side that speaks in the other's name tells nothing of what the other saw.
            if self._sources.get(name) == source:
                seen |= self._events[name]
        return seen
