"""What yente answers, and what we make of it: pure.

The format is that of its OpenAPI models: opensanctions/yente, `yente/data/common.py`, and for the
explanations nomenklatura, `nomenklatura/matching/types.py`. Read is what is needed.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Final

import msgspec

from journeytrace_collector.core.screening import Category, Compared, Hit
from journeytrace_exporters.screening.screener import Query, categories_of

__all__ = [
    "TOLD",
    "Catalog",
    "Dataset",
    "Entity",
    "Feature",
    "Matches",
    "Response",
    "Total",
    "hit_of",
    "ids_of",
]

TOLD: Final = 200
"""Characters that are told of a value."""
_EVIDENCE: Final = (
    ("name", ("name", "alias", "weakAlias", "previousName")),
    ("birth date", ("birthDate",)),
    ("country", ("nationality", "citizenship", "country", "birthCountry")),
)
_FEATURES: Final = 8
"""Explanations that are told beside what was compared."""


class Feature(msgspec.Struct):
    """How one thing compared."""

    score: float
    detail: str | None = None
    query: str | None = None
    candidate: str | None = None


class Entity(msgspec.Struct):
    """An entry that is scored."""

    id: str
    caption: str
    score: float
    match: bool
    properties: dict[str, list[Any]] = {}
    datasets: list[str] = []
    referents: list[str] = []
    explanations: dict[str, Feature] = {}


class Total(msgspec.Struct):
    """How many there are."""

    value: int


class Matches(msgspec.Struct):
    """The answer to one query."""

    results: list[Entity]
    total: Total
    status: int = 200


class Response(msgspec.Struct):
    """The answer to a request."""

    responses: dict[str, Matches]


class Dataset(msgspec.Struct):
    """A part of the catalogue."""

    name: str
    version: str | None = None
    index_version: str | None = None


class Catalog(msgspec.Struct):
    """What is in the index."""

    datasets: list[Dataset]


def ids_of(entity: Entity) -> frozenset[str]:
    """Give all ids by which somebody may have spoken of an entry."""
    return frozenset((entity.id, *entity.referents))


def hit_of(entity: Entity, query: Query, covers: Collection[Category]) -> Hit:
    """Tell of an entry what we tell of a hit."""
    return Hit(
        id=entity.id,
        name=entity.caption[:TOLD],
        score=round(entity.score, 3),
        categories=categories_of(_values(entity, ("topics",)), covers),
        lists=tuple(entity.datasets),
        birth_date=_told(_values(entity, ("birthDate",))) or None,
        country=_told(_values(entity, ("nationality", "citizenship", "country"))) or None,
        evidence=tuple(_evidence(entity, query)),
        referents=tuple(entity.referents),
    )


def _evidence(entity: Entity, query: Query) -> list[Compared]:
    """Tell what was compared, then what yente made of it."""
    asked = {
        "name": query.names,
        "birth date": (query.birth_date,) if query.birth_date else (),
        "country": (query.country,) if query.country else (),
    }
    found = []
    for what, properties in _EVIDENCE:
        given, theirs = asked[what], _values(entity, properties)
        if what == "name":
            theirs = theirs or [entity.caption]
        agrees = _agree(what, given, theirs) if given and theirs else None
        found.append(Compared(what, _told(given), _told(theirs), agrees))
    features = sorted(entity.explanations.items(), key=lambda one: (-abs(one[1].score), one[0]))
    for name, feature in features[:_FEATURES]:
        mine = feature.query or feature.detail or ""
        what = f"{name} {feature.score:.2f}"
        found.append(Compared(what[:TOLD], mine[:TOLD], (feature.candidate or "")[:TOLD]))
    return found


def _agree(what: str, asked: Collection[str], listed: Collection[str]) -> bool | None:
    if what == "birth date":
        return any(a.startswith(b) or b.startswith(a) for a in asked for b in listed)
    if what == "country":
        return not {one.lower() for one in asked}.isdisjoint(one.lower() for one in listed)
    return None  # that is what the score is about


def _values(entity: Entity, names: Collection[str]) -> list[str]:
    """Give the values of some properties, each once. Nested entities are none."""
    found = [
        value for name in names for value in entity.properties.get(name, ()) if type(value) is str
    ]
    return list(dict.fromkeys(found))


def _told(values: Collection[str]) -> str:
    return ", ".join(values)[:TOLD]
