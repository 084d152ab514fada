"""The loss-corrected funnel: lost beacons told apart from lost users (DESIGN section 15).

What a user does at a step is seen twice, by the screen and by the server. A session that came
further is known to have been here, whatever got lost. Of those that ended here each side has missed
some; how many both have missed follows from how many each has missed of what the other saw
(`recapture`). Only sessions that have come to rest are counted.

Whether the two sides miss sessions independently can be seen where nothing is hidden: among the
sessions that went further. Where it is not so, or too few are seen by both, there is no answer but
the reason.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from math import exp, log, sqrt
from types import MappingProxyType
from typing import Final, NamedTuple

import msgspec

from journeytrace.catalogue import Pair
from journeytrace_collector.core.sighting import Numbers, Sighted, of_stage
from journeytrace_collector.insight.recapture import Cells, Size, chapman, odds, share

__all__ = [
    "BY",
    "FEWEST",
    "LossGroup",
    "LossStep",
    "Share",
    "Sightings",
    "beacon_loss",
    "choose",
    "loss_groups",
    "loss_steps",
    "mask",
]

_NOTHING: Final[Mapping[str, str]] = MappingProxyType({})

BY: Final = ("project", "browser", "release", "country")
"""What sessions can be told apart by."""

FEWEST: Final = 10
"""Sessions that both sides have to see."""
_CHANCE: Final = 0.001
"""What is less likely is no chance."""
_MATTERS: Final = 0.005
"""A share of a step's sessions: a dependence that moves the estimate by less is passed over."""
_WIDEST: Final = 0.5
"""An interval that is wider, as a share of the estimate, is no answer."""


class Share(msgspec.Struct, frozen=True):
    """A share, 0 to 1."""

    estimate: float
    """As near as can be told."""
    low: float
    """Where its 95 % interval begins."""
    high: float
    """Where its 95 % interval ends."""


class LossStep(msgspec.Struct, frozen=True):
    """What screen and server together say of one stage."""

    stage: str
    """Its name."""
    screen: str | None = None
    """The event by which the screen tells what is done here; None: there is none."""
    server: str | None = None
    """The event by which the server tells the same."""
    known: int = 0
    """Sessions that one of them was seen of, or that came further."""
    seen_by_screen: int = 0
    """Those of which the screen's event came."""
    seen_by_server: int = 0
    """Those of which the server's event came."""
    seen_by_both: int = 0
    """Those of which both came."""
    screen_loss: Share | None = None
    """Of what the server saw: how much the screen's beacons are lost. None: the server saw none."""
    screen_loss_leaving: Share | None = None
    """The same of sessions that ended here: beacons of those who leave can be lost more often."""
    neither: int = 0
    """Those that ended here and were seen in the stage, but of which neither came: they left before
    doing it, or both were lost."""
    server_loss: Share | None = None
    """Of what the screen saw: how much the server's events are lost. None: the screen saw none."""
    estimate: int | None = None
    """How many sessions did it or came further, with those that nobody saw. None: see `refusal`."""
    low: int | None = None
    """Where its 95 % interval begins."""
    high: int | None = None
    """Where its 95 % interval ends."""
    since: str | None = None
    """The stage before this one that has an estimate; None: there is none."""
    left: Share | None = None
    """Of those who came to `since`: how many really did not come here."""
    left_by_screen: float | None = None
    """What the screen alone would say of that, which takes lost beacons for lost users."""
    independent: bool | None = None
    """Whether the two sides miss sessions independently, as far as it matters here, by those that
    went further; None: too few did."""
    refusal: str | None = None
    """Why there is no estimate, in plain words; None: there is one."""


class LossGroup(msgspec.Struct, frozen=True):
    """What screen and server together say of some sessions."""

    name: str | None
    """What they have in common; None: nothing was told of it, or they are all sessions."""
    sessions: int
    """Those that have come to rest."""
    steps: list[LossStep]
    """Every ordered stage, in the order of the journey."""
    others: bool = False
    """Whether these are all the groups that are too small to be told one by one."""


class Sightings(NamedTuple):
    """Sessions by what each side saw of them, and by which actions that is told."""

    found: list[Sighted]
    chosen: dict[str, Pair]
    """By stage."""
    numbers: Numbers


def choose(found: Iterable[Sighted], numbers: Numbers) -> dict[str, Pair]:
    """Give for each stage the action that most sessions have; a stage of which none has is left
    out.

    It should be the one that everybody does there: others say less of how many came.
    """
    sessions: Counter[int] = Counter()
    for one in found:
        sessions[one.seen] += one.sessions
    chosen: dict[str, Pair] = {}
    for stage, pairs in numbers.pairs.items():
        counts = {pair: _count(sessions, _bits(pair, numbers)) for pair in pairs}
        best = max(pairs, key=counts.__getitem__)
        if counts[best]:
            chosen[stage] = best
    return chosen


def _bits(pair: Pair, numbers: Numbers) -> int:
    return numbers.bits[pair.screen] | numbers.bits[pair.server]


def _count(sessions: Mapping[int, int], bits: int) -> int:
    return sum(count for seen, count in sessions.items() if seen & bits)


def mask(chosen: Mapping[str, Pair], numbers: Numbers) -> int:
    """Give the bits by which sessions have to be told apart for these actions."""
    bits = 0
    for stage, pair in chosen.items():
        bits |= _bits(pair, numbers) | numbers.bits[of_stage(stage)]
    return bits


class _Counts:
    """Sessions of one stage."""

    def __init__(self) -> None:
        self.here = Cells()
        """Those that ended here."""
        self.further = Cells()
        """Those that went further; `neither` of those that were in the stage at all."""
        self.passed = 0
        """All that went further."""


def loss_steps(
    sightings: Sightings, stages: Sequence[str], unfit: Mapping[str, str] = _NOTHING
) -> list[LossStep]:
    """Make the funnel of some sessions.

    `stages` are the ordered ones, first to last; `unfit` those of which these sessions cannot
    speak, with the reason.
    """
    found, chosen, numbers = sightings
    steps: list[LossStep] = []
    before: tuple[str, Size, int] | None = None
    for stage in stages:
        pair = chosen.get(stage)
        if pair is None:
            possible = stage in numbers.pairs
            steps.append(LossStep(stage, refusal=_NEVER_SEEN if possible else _NO_PAIR))
            continue
        counts = _counted(found, pair, numbers, stages)
        size = chapman(counts.here)
        whole = Size(*(None if part is None else part + counts.passed for part in size))  # type: ignore[arg-type]
        told, refusal = _independence(counts, whole.estimate)
        refusal = unfit.get(stage) or _too_few(counts, whole) or refusal
        screen = _by_screen(found, chosen, numbers, stages, stage)
        step = _seen(stage, pair, counts)
        if refusal is None:
            assert whole.high is not None  # noqa: S101 - `_too_few` has looked
            step = msgspec.structs.replace(
                step,
                estimate=round(whole.estimate),
                low=round(whole.low),
                high=round(whole.high),
                independent=told,
            )
            if before is not None:
                since, size_before, screen_before = before
                step = msgspec.structs.replace(
                    step,
                    since=since,
                    left=_left(size_before, whole),
                    left_by_screen=1 - screen / screen_before if screen_before else None,
                )
            before = stage, whole, screen
        else:
            step = msgspec.structs.replace(step, refusal=refusal, independent=told)
        if stage in unfit:
            step = msgspec.structs.replace(
                step, screen_loss=None, screen_loss_leaving=None, server_loss=None
            )
        steps.append(step)
    return steps


def _counted(
    found: Sequence[Sighted], pair: Pair, numbers: Numbers, stages: Sequence[str]
) -> _Counts:
    stage = pair.stage or ""
    ranks = {name: rank for rank, name in enumerate(stages)}
    own = ranks[stage]
    screen, server = numbers.bits[pair.screen], numbers.bits[pair.server]
    been = numbers.bits[of_stage(stage)]
    counts = _Counts()
    for one in found:
        highest = ranks.get(one.stage or "", -1)
        by_screen, by_server = bool(one.seen & screen), bool(one.seen & server)
        cell = Cells(
            both=one.sessions * (by_screen and by_server),
            screen=one.sessions * (by_screen and not by_server),
            server=one.sessions * (by_server and not by_screen),
            neither=one.sessions * (not by_screen and not by_server and bool(one.seen & been)),
        )
        if highest > own:
            counts.passed += one.sessions
            counts.further += cell
        else:
            counts.here += cell
    return counts


def _by_screen(
    found: Sequence[Sighted],
    chosen: Mapping[str, Pair],
    numbers: Numbers,
    stages: Sequence[str],
    stage: str,
) -> int:
    """Count the sessions of which the screen tells this step or a later one."""
    later = [chosen[one] for one in stages[stages.index(stage) :] if one in chosen]
    bits = 0
    for pair in later:
        bits |= numbers.bits[pair.screen]
    return sum(one.sessions for one in found if one.seen & bits)


def _seen(stage: str, pair: Pair, counts: _Counts) -> LossStep:
    both, screen, server, _ = counts.here + counts.further
    here = counts.here
    return LossStep(
        stage,
        pair.screen,
        pair.server,
        known=counts.passed + here.seen,
        seen_by_screen=both + screen,
        seen_by_server=both + server,
        seen_by_both=both,
        screen_loss=_share(server, both + server),
        screen_loss_leaving=_share(here.server, here.both + here.server),
        server_loss=_share(screen, both + screen),
        neither=here.neither,
    )


def _share(part: int, whole: int) -> Share | None:
    found = share(part, whole)
    return None if found is None else Share(*found)


_NO_PAIR: Final = (
    "No action of this stage is seen by both sides, as far as the catalogue knows: it can name one."
)
_NEVER_SEEN: Final = "No session here shows an action of this stage that both sides see."


def _too_few(counts: _Counts, whole: Size) -> str | None:
    both = counts.here.both + counts.further.both
    if both < FEWEST:
        some = f"Only {both} session{'' if both == 1 else 's'}" if both else "No session"
        verb = "were" if both > 1 else "was"
        return f"{some} {verb} seen by both sides, and {FEWEST} are needed."
    if whole.high is None or whole.high - whole.low > _WIDEST * whole.estimate:
        most = "any number" if whole.high is None else f"{whole.high:.0f}"
        return (
            f"Too few of the sessions that ended here were seen by both sides ({counts.here.both}):"
            f" there could be {whole.low:.0f} to {most}."
        )
    return None


def _independence(counts: _Counts, estimate: float) -> tuple[bool | None, str | None]:
    """Tell whether the sides miss sessions independently, and else what is seen instead.

    Of those that went further nothing is hidden. Those whom neither saw are at least those that
    were in the stage, by whatever else, and at most all: not everybody has to do this here. Only
    what holds of the whole range is taken for a dependence.
    """
    further, here = counts.further, counts.here
    by_chance = further.screen * further.server / further.both if further.both else 0.0
    if further.both < FEWEST or max(by_chance, further.neither) < 1:
        return None, None
    hidden = here.screen * here.server / (here.both + 1)
    most = further._replace(neither=counts.passed - further.seen)
    for cells, sign in ((further, 1), (most, -1)):
        ratio, below = odds(cells)
        surprise = 1 - below if sign > 0 else below
        # If it is here as it is further on, so many are hidden more, or fewer.
        if surprise < _CHANCE and abs(ratio - 1) * hidden > _MATTERS * estimate:
            why = _TOGETHER if sign > 0 else _APART
            return False, (
                "The two sides do not miss sessions independently: of"
                f" {cells.seen + cells.neither} that went further {cells.neither} were seen by"
                f" neither, and {by_chance:.0f} would be by chance. {why}"
            )
    return True, None


_TOGETHER: Final = "What one side misses the other misses, too."
_APART: Final = "What one side misses the other sees the more."


def _left(before: Size, now: Size) -> Share:
    """Give how many left between two steps, both with an interval that ends."""
    # Half a session to each side, for there are no halves of them.
    before, now = _wider(before), _wider(now)
    found = now.estimate / before.estimate

    def reach(a: float, b: float) -> float:
        return exp(sqrt(a * a + b * b))

    # The two are estimated apart, so their errors add up as squares (Zou and Donner, 2008).
    fall = reach(_distance(now.estimate, now.low), _distance(before.high, before.estimate))
    rise = reach(_distance(now.high, now.estimate), _distance(before.estimate, before.low))
    return Share(_within(1 - found), _within(1 - found * rise), _within(1 - found / fall))


def _wider(size: Size) -> Size:
    high = None if size.high is None else size.high + 0.5
    return Size(size.estimate, max(size.low - 0.5, 0.5), high)


def _distance(a: float | None, b: float | None) -> float:
    return abs(log(a / b)) if a and b else 0.0


def _within(part: float) -> float:
    return min(1.0, max(0.0, part))


def loss_groups(
    sightings: Sightings, stages: Sequence[str], by: str | None = None, most: int = 10
) -> list[LossGroup]:
    """Make the funnel of each group, the largest first: `most` of them, and one of all others.

    `by`: what they are told apart by; None: nothing, so that all are one.
    """
    by_group: dict[str | None, list[Sighted]] = {}
    for one in sightings.found:
        by_group.setdefault(one.group if by else None, []).append(one)
    if by is None:
        by_group.setdefault(None, [])
    sizes = {name: sum(one.sessions for one in mine) for name, mine in by_group.items()}
    order = sorted(by_group, key=lambda name: (-sizes[name], name or ""))
    shown, rest = order[:most], order[most:]
    unfit = _told_by_itself(sightings, stages, by) if by else {}

    def group(names: Sequence[str | None], *, others: bool = False) -> LossGroup:
        found = [one for name in names for one in by_group[name]]
        steps = loss_steps(sightings._replace(found=found), stages, unfit)
        size = sum(sizes[name] for name in names)
        return LossGroup(None if others else names[0], size, steps, others)

    groups = [group([name]) for name in shown]
    return [*groups, group(rest, others=True)] if rest else groups


def _told_by_itself(sightings: Sightings, stages: Sequence[str], by: str) -> Mapping[str, str]:
    """Give the stages of which a group cannot speak, with the reason.

    Where a session's browser is told by the very beacon that is missed, no browser loses any.
    """
    found: dict[str, str] = {}
    told = [one for one in sightings.found if one.group is not None]
    untold = [one for one in sightings.found if one.group is None]
    for stage, pair in sightings.chosen.items():
        (told_by, untold_by) = (
            _counted(some, pair, sightings.numbers, stages) for some in (told, untold)
        )
        a, b = (counts.here + counts.further for counts in (told_by, untold_by))
        for side, cells in (
            ("screen", Cells(a.both, b.both, a.server, b.server)),
            ("server", Cells(a.both, b.both, a.screen, b.screen)),
        ):
            ratio, below = odds(cells)
            if 1 - below < _CHANCE and ratio > _TELLING:
                found[stage] = (
                    f"Not by {by}: that is told by what the {side} sends here, so it is known of"
                    " hardly any session of which this was lost."
                )
    return found


_TELLING: Final = 8.0
"""How much likelier a group is known where an event came."""


def beacon_loss(steps: Iterable[LossStep]) -> float | None:
    """Give the share of the screen's beacons that are lost, over all steps; None: too few known."""
    steps = list(steps)
    server = sum(step.seen_by_server for step in steps)
    both = sum(step.seen_by_both for step in steps)
    return 1 - both / server if server >= FEWEST else None
