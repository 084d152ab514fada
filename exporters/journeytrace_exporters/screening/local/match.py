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
    score = _aligned(list(a.tokens), list(b.tokens))
    if a.korean & b.korean or a.chinese & b.chinese:
        score = max(score, _SOUND)
    return score


def _aligned(a: list[Token], b: list[Token]) -> float:
    pairs: list[float] = []
    full = 0
    _take_joined(a, b, pairs)
    _take_joined(b, a, pairs)
    full += len(pairs) * 2
    ranked = sorted(
        ((alike(x, y), i, j) for (i, x), (j, y) in product(enumerate(a), enumerate(b))),
        key=lambda one: (-one[0], one[1], one[2]),
    )
    taken_a: set[int] = set()
    taken_b: set[int] = set()
    for score, i, j in ranked:
        if score > 0 and i not in taken_a and j not in taken_b:
            taken_a.add(i)
            taken_b.add(j)
            if a[i].is_particle and b[j].is_particle:
                continue
            pairs.append(score)
            full += not (a[i].is_initial or b[j].is_initial)
    left_a = [token for i, token in enumerate(a) if i not in taken_a]
    left_b = [token for j, token in enumerate(b) if j not in taken_b]
    return _judged(pairs, full, left_a, left_b)


def _judged(pairs: list[float], full: int, left_a: list[Token], left_b: list[Token]) -> float:
    if not pairs:
        return 0.0
    own_a = [token for token in left_a if not token.is_particle]
    own_b = [token for token in left_b if not token.is_particle]
    # Parts that stand against each other are two names; one that stands alone was left out.
    pairs += [0.0] * min(len(own_a), len(own_b))
    weakest = min(pairs)
    score = (sum(pairs) / len(pairs) + weakest) / 2
    extra = abs(len(own_a) - len(own_b))
    score -= _ONE_SIDED * extra
    alone = full < 1 or (full + len(pairs) < 3 and extra > 0)
    return max(0.0, min(score, _WEAK) if alone or not full else score)


def _take_joined(a: list[Token], b: list[Token], pairs: list[float]) -> None:
    """Pair parts that one side writes as one, and take them out of both."""
    for long in [token for token in b if len(token.text) > 3]:
        if any(alike(token, long) >= _ROUGH for token in a):
            continue
        for size in (2, 3):
            for start in range(len(a) - size + 1):
                run = a[start : start + size]
                if _same("".join(token.text for token in run), long, run):
                    del a[start : start + size]
                    b.remove(long)
                    pairs.append(_GROUP)
                    break
            else:
                continue
            break


def _same(joined: str, long: Token, run: list[Token]) -> bool:
    if joined == long.text or "".join(token.folded for token in run) == long.folded:
        return True
    last = run[-1]
    article = all(token.is_particle for token in run[:-1])
    begins = "".join(token.text for token in run[:-1])
    return article and long.text.startswith(begins) and long.text[len(begins) :] == last.text


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
    for token in name.tokens:
        if token.is_initial or token.is_particle:
            continue
        yield from token.groups
        yield "r" + token.rough if len(token.rough) > 1 else "t" + token.folded
    for a, b in pairwise(name.tokens):
        yield "r" + (a.rough + b.rough)
    yield from ("k" + key for key in name.korean)
    yield from ("c" + key for key in name.chinese)
