"""The journeys of the demo, drawn from a seed and mixed the way a busy project sees them."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Final

from journeytrace_collector.demo.people import Person, make_person
from journeytrace_collector.demo.scenarios import KINDS
from journeytrace_collector.demo.walk import Step, Walk

__all__ = ["Journey", "make_journeys"]

_MINUTE: Final = 60.0
_LONGEST_AGO: Final = 170 * _MINUTE
# Past the idle timeout of 20 minutes, so that who left has left.
_GONE: Final = 22 * _MINUTE


@dataclass(frozen=True, slots=True)
class Journey:
    """One run through the form, ready to be played."""

    kind: str
    person: Person
    steps: tuple[Step, ...]
    """In the order of their time."""
    ended_ago: float
    """Seconds between its last step and now."""

    @property
    def length(self) -> float:
        """Seconds from the first step to the end of the last."""
        return max(step.at + step.took for step in self.steps)


def make_journeys(count: int, seed: int) -> list[Journey]:
    """Give `count` journeys; the same seed gives the same ones, ids included."""
    rng = Random(seed)  # noqa: S311 - made-up people need no secrets
    shares = [share for _, share in KINDS.values()]
    kinds = list(KINDS)[:count]
    kinds += rng.choices(list(KINDS), shares, k=count - len(kinds))
    rng.shuffle(kinds)
    return [_make_journey(kind, rng) for kind in kinds]


def _make_journey(kind: str, rng: Random) -> Journey:
    walk = Walk(rng, make_person(rng))
    tell, _ = KINDS[kind]
    tell(walk)
    steps = tuple(sorted(walk.steps, key=lambda step: step.at))
    return Journey(kind, walk.person, steps, _ended_ago(kind, rng))


def _ended_ago(kind: str, rng: Random) -> float:
    if kind == "under way":
        return rng.uniform(5, 4 * _MINUTE)
    if kind.startswith("dropped"):
        return rng.uniform(_GONE, _LONGEST_AGO)
    return rng.uniform(_MINUTE, _LONGEST_AGO)
