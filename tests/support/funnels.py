"""Funnels with known losses, to hold the loss-corrected one against what really happened."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random

from journeytrace.catalogue import Pair, builtin_catalogue
from journeytrace_collector.core.sighting import Numbers, Sighted, of_stage

__all__ = ["CHOSEN", "NUMBERS", "STAGES", "Funnel", "Losses", "draw"]

NUMBERS = Numbers(builtin_catalogue())
STAGES = ("ENTRY", "PRE_CHECKS", "STEP1", "STEP2")
CHOSEN: dict[str, Pair] = {
    pair.stage or "": pair
    for pair in builtin_catalogue().pairs
    if pair.screen in {"FRONT_SESSION_START", "CHECK_IP_RISK", "SUBMIT_STEP1", "SUBMIT_STEP2"}
}


@dataclass(frozen=True)
class Losses:
    """How likely a beacon or an event is lost at one step."""

    screen: float
    server: float
    screen_leaving: float | None = None
    """Of those who leave at this step; None: as of all others."""
    server_leaving: float | None = None
    both_leaving: float = 0.0
    """Of those who leave: that both are lost in one blow."""
    both: float = 0.0
    """Of those who go on: likewise."""
    other: float = 0.02
    """That whatever else the stage is known by is lost."""


@dataclass(frozen=True)
class Funnel:
    """What really happened, and what was seen of it."""

    truth: Sequence[int]
    """Who came to each step."""
    found: Sequence[Sighted]


def draw(rng: Random, sessions: int, leaving: Sequence[float], losses: Sequence[Losses]) -> Funnel:
    """Let so many sessions begin, and leave at each step with the given chance."""
    truth = [0] * len(STAGES)
    found: Counter[tuple[str | None, int]] = Counter()
    for _ in range(sessions):
        last = _last(rng, leaving)
        seen, highest = 0, None
        for step in range(last + 1):
            truth[step] += 1
            if bits := _bits(rng, step, losses[step], leaves=step == last):
                seen |= bits
                highest = STAGES[step]
        if highest is not None:
            # Nothing at all was seen of the others: they are in no store.
            found[highest, seen] += 1
    return Funnel(truth, [Sighted(None, *key, count) for key, count in found.items()])


def _last(rng: Random, leaving: Sequence[float]) -> int:
    for step, chance in enumerate(leaving[: len(STAGES) - 1]):
        if rng.random() < chance:
            return step
    return len(STAGES) - 1


def _bits(rng: Random, step: int, losses: Losses, *, leaves: bool) -> int:
    screen, server = losses.screen, losses.server
    if leaves and losses.screen_leaving is not None:
        screen = losses.screen_leaving
    if leaves and losses.server_leaving is not None:
        server = losses.server_leaving
    bits = 0
    if rng.random() >= (losses.both_leaving if leaves else losses.both):
        bits = sum(_sides(rng, CHOSEN[STAGES[step]], screen, server))
    if bits or rng.random() >= (losses.other if not leaves else 1):
        bits |= NUMBERS.bits[of_stage(STAGES[step])]
    return bits


def _sides(rng: Random, pair: Pair, screen: float, server: float) -> Iterator[int]:
    for name, lost in ((pair.screen, screen), (pair.server, server)):
        if rng.random() >= lost:
            yield NUMBERS.bits[name]
