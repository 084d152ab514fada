"""How alike two people are: names aligned part by part, birth dates and countries beside them."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise, product
from typing import Final, NamedTuple

from rapidfuzz.distance import OSA

from journeytrace_collector.core.screening import Compared
from journeytrace_exporters.screening.local.names import Name, Token, name_of

__all__ = ["Likeness", "Person", "keys_of", "likeness", "names_alike"]

_GROUP: Final = 0.97
_SOUND: Final = 0.95
_ROUGH: Final = 0.85
_INITIAL: Final = 0.85
_TYPO: Final = 0.85
_DOUBTFUL: Final = 0.65
"""A letter is another in a short name: more are other names than are slips."""
_ONE_SIDED: Final = 0.03
"""What each part costs that one side alone has."""
_WEAK: Final = 0.5
"""The most that is made of too little: one part of several, or initials alone."""
_VOWELS: Final = frozenset("aeiou")


class Person(NamedTuple):
    """What is known of somebody."""

    names: tuple[str, ...]
    birth_dates: tuple[str, ...] = ()
    """ISO 8601, also years and months alone."""
    countries: tuple[str, ...] = ()


class Likeness(NamedTuple):
    """How alike two people are, and by what."""

    score: float
    """0 to 1"""
    evidence: tuple[Compared, ...]


def likeness(asked: Person, listed: Person) -> Likeness:
    """Compare two people."""
    score, mine, theirs = max(
        (names_alike(name_of(a), name_of(b)), a, b) for a, b in product(asked.names, listed.names)
    )
    evidence = [Compared("name", mine, theirs, True)]
    date, told = _dates(asked.birth_dates, listed.birth_dates)
    evidence.append(told)
    place = _countries(asked.countries, listed.countries)
    evidence.append(place)
    score -= date + (0.05 if place.agrees is False else 0.0)
    return Likeness(max(0.0, round(score, 3)), tuple(evidence))


def names_alike(a: Name, b: Name) -> float:
    """Compare two names, 0 to 1; which is which makes no difference."""
    if _texts(a) == _texts(b) != []:
        # Of some names all parts are such as others leave out: Le Van Do.
        return 1.0
    score = _aligned(list(a.tokens), list(b.tokens))
    if a.korean & b.korean or a.chinese & b.chinese:
        score = max(score, _SOUND)
    return score


def _texts(name: Name) -> list[str]:
    return sorted(token.text for token in name.tokens)


class _Aligned(NamedTuple):
    """What became of the parts of two names."""

    pairs: list[float]
    """How alike the parts are that were paired."""
    whole: int
    """How many parts were paired that are more than initials."""
    left: tuple[int, int]
    """How many parts of each side stand alone, but for particles."""


def _aligned(a: list[Token], b: list[Token]) -> float:
    """Pair the parts of two names, those that are most alike first. Uses both lists up."""
    joined = _take_joined(a, b) + _take_joined(b, a)
    pairs, whole = [_GROUP] * joined, 2 * joined
    ranked = sorted(
        ((alike(x, y), i, j) for (i, x), (j, y) in product(enumerate(a), enumerate(b))),
        key=lambda one: (-one[0], one[1], one[2]),
    )
    taken: tuple[set[int], set[int]] = set(), set()
    for score, i, j in ranked:
        if score == 0 or i in taken[0] or j in taken[1]:
            continue
        taken[0].add(i)
        taken[1].add(j)
        if a[i].is_particle and b[j].is_particle:
            continue
        pairs.append(score)
        whole += not (a[i].is_initial or b[j].is_initial)
    return _judged(_Aligned(pairs, whole, (_left(a, taken[0]), _left(b, taken[1]))))


def _left(tokens: list[Token], taken: set[int]) -> int:
    return sum(i not in taken and not token.is_particle for i, token in enumerate(tokens))


def _judged(found: _Aligned) -> float:
    """Give what parts make of a name: as much the weakest of them as all together."""
    # Parts that stand against each other are two names; one that stands alone was left out.
    pairs = found.pairs + [0.0] * min(found.left)
    if not pairs:
        return 0.0
    one_sided = max(found.left) - min(found.left)
    score = (sum(pairs) / len(pairs) + min(pairs)) / 2 - _ONE_SIDED * one_sided
    initials = len(found.pairs) - found.whole
    alone = found.whole == 0 or (one_sided > 0 and found.whole + max(initials, 0) < 2)
    return max(0.0, min(score, _WEAK) if alone else score)


def _take_joined(a: list[Token], b: list[Token]) -> int:
    """Take out of both what is several parts in `a` and one in `b`; gives how often it was."""
    found = 0
    for long in [token for token in b if len(token.text) > 3]:
        if any(alike(token, long) >= _ROUGH for token in a):
            continue
        runs = ((start, size) for size in (2, 3) for start in range(len(a) - size + 1))
        for start, size in runs:
            if _same(long, a[start : start + size]):
                del a[start : start + size]
                b.remove(long)
                found += 1
                break
    return found


def _same(long: Token, run: list[Token]) -> bool:
    return long.text == "".join(token.text for token in run) or long.folded == "".join(
        token.folded for token in run
    )


def alike(a: Token, b: Token) -> float:
    """Compare two parts, 0 to 1."""
    if a.text == b.text:
        return 1.0
    if a.groups & b.groups:
        return _GROUP
    if a.is_initial or b.is_initial:
        return _INITIAL if a.text[:1] == b.text[:1] and not (a.is_initial and b.is_initial) else 0.0
    if a.is_particle or b.is_particle:
        return 0.0
    if a.consonants_only or b.consonants_only:
        return _without_vowels(a, b)
    if _are_others(a, b):
        return 0.0
    if a.folded == b.folded:
        return _SOUND
    if len(a.rough) > 2 and a.rough == b.rough and _end_alike(a.folded, b.folded):
        return _ROUGH
    return _misspelt(a.folded, b.folded)


def _are_others(a: Token, b: Token) -> bool:
    """Whether they are known to be two names, however alike they look."""
    return any(
        {group for group in a.groups if kind in group}
        and {group for group in b.groups if kind in group}
        for kind in ("a", "g")
    )


def _without_vowels(a: Token, b: Token) -> float:
    if a.groups and b.groups:
        return 0.0
    if a.rough != b.rough or not a.rough:
        return 0.0
    return _ROUGH if len(a.rough) > 2 else 0.75


def _end_alike(a: str, b: str) -> bool:
    """Whether both end in the same vowel or both in none: Mario is not Maria."""
    ends = [text[-1:] if text[-1:] in _VOWELS else "" for text in (a, b)]
    return ends[0] == ends[1]


def _misspelt(a: str, b: str) -> float:
    longest = max(len(a), len(b))
    if longest < 5 or min(len(a), len(b)) < 4:
        return 0.0
    distance = OSA.distance(a, b, score_cutoff=2)
    if distance > 2 or (distance == 2 and longest < 10):
        return 0.0
    if longest < 8 or not _end_alike(a, b):
        return _DOUBTFUL
    return _TYPO if distance == 1 else 0.75


def _dates(asked: tuple[str, ...], listed: tuple[str, ...]) -> tuple[float, Compared]:
    """Give what birth dates take off the score, and the evidence."""
    mine, theirs = ", ".join(asked), ", ".join(listed)
    if not asked or not listed:
        return 0.0, Compared("birth date", mine, theirs)
    cost, a, b = min((_date_cost(a, b), a, b) for a, b in product(asked, listed))
    return cost, Compared("birth date", a, b, cost == 0)


def _date_cost(a: str, b: str) -> float:
    one, two = a.split("-"), b.split("-")
    if all(x == y for x, y in zip(one, two, strict=False)):
        return 0.0
    if one[0] != two[0]:
        near = one[0].isdigit() and two[0].isdigit() and abs(int(one[0]) - int(two[0])) == 1
        slip = one[1:] == two[1:] and len(one) == 3 and OSA.distance(one[0], two[0]) == 1
        return 0.1 if near or slip else 0.4
    if ["01", "01"] in (one[1:], two[1:]):
        return 0.02
    if one[1:] == two[:0:-1] or OSA.distance(a, b) == 1:
        return 0.05
    return 0.15


def _countries(asked: tuple[str, ...], listed: tuple[str, ...]) -> Compared:
    mine, theirs = ", ".join(asked), ", ".join(listed)
    if not asked or not listed:
        return Compared("country", mine, theirs)
    return Compared("country", mine, theirs, not set(asked).isdisjoint(listed))


def keys_of(name: Name) -> Iterable[str]:
    """Give keys of which two names that are alike share one."""
    yield "w" + " ".join(_texts(name))
    for token in name.tokens:
        if token.is_initial or token.is_particle:
            continue
        yield from token.groups
        yield "r" + token.rough if len(token.rough) > 1 else "t" + token.folded
    for a, b in pairwise(name.tokens):
        yield "r" + (a.rough + b.rough)
    yield from ("k" + key for key in name.korean)
    yield from ("c" + key for key in name.chinese)
