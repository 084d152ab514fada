"""A server that answers as yente does.

The shapes are those of its response models (opensanctions/yente, `yente/data/common.py`,
`yente/routers/match.py` and `yente/routers/admin.py`) and of the explanations that nomenklatura
gives (`nomenklatura/matching/types.py`): every key that yente sends is sent, those that are ours to
ignore among them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from tests.support.listening import Listening

__all__ = ["Yente", "entity"]

_AT = "2026-01-01T12:00:00"


def entity(name: str = "NK-1", *, score: float = 0.91, **given: Any) -> dict[str, Any]:
    """Make an entity as `ScoredEntityResponse` has it; `given`: properties of it."""
    referents = given.pop("referents", [])
    datasets = given.pop("datasets", ["us_ofac_sdn"])
    properties = {
        "name": ["Ivan Sokolow"],
        "birthDate": ["1971-05-09"],
        "nationality": ["ru"],
        "topics": ["sanction"],
        "addressEntity": [_address()],
        **given,
    }
    return {
        "id": name,
        "caption": properties["name"][0],
        "schema": "Person",
        "properties": properties,
        "datasets": datasets,
        "referents": referents,
        "target": True,
        "first_seen": _AT,
        "last_seen": _AT,
        "last_change": None,
        "score": score,
        "explanations": {
            "name_match": {
                "detail": None,
                "score": score,
                "query": "Ivan Sokolov",
                "candidate": "Ivan Sokolow",
            },
            "dob_day_disjoint": {"detail": "days differ", "score": -0.1, "query": None}
            | {"candidate": None},
        },
        "match": score >= 0.7,
    }


def _address() -> dict[str, Any]:
    """Make what stands in the place of a value where entities are nested."""
    return {
        "id": "addr-1",
        "caption": "1 Main Street",
        "schema": "Address",
        "properties": {"full": ["1 Main Street"]},
        "datasets": [],
        "referents": [],
        "target": False,
        "first_seen": None,
        "last_seen": None,
        "last_change": None,
    }


@dataclass
class Yente(Listening):
    """yente with some entities, whatever is looked for."""

    entities: Sequence[dict[str, Any]] = ()
    version: str = "20260101120000-abc"
    status: int = 200
    """With which it answers; not 200: as its `ErrorResponse`."""
    limit: int = 500
    """Results that it gives at most."""
    asked: list[tuple[web.Request, Any]] = field(default_factory=list)

    def app(self) -> web.Application:
        """Give what it serves."""
        app = web.Application()
        app.router.add_post("/match/{dataset}", self._match)
        app.router.add_get("/catalog", self._catalog)
        return app

    async def _match(self, request: web.Request) -> web.Response:
        body = await request.json()
        self.asked.append((request, body))
        if self.status in {301, 302, 307, 308}:
            return web.Response(status=self.status, headers={"Location": "/elsewhere"})
        if self.status != 200:
            return web.json_response({"detail": "told to fail: Ivan Sokolov"}, status=self.status)
        excluded = set(request.query.getall("exclude_entity_ids", []))
        if len(excluded) > 50:
            return web.json_response({"detail": "too many"}, status=422)
        threshold = float(request.query.get("threshold", "0.7"))
        found = [
            one
            for one in self.entities
            if not excluded & {one["id"], *one["referents"]} and one["score"] > min(threshold, 0.7)
        ]
        found.sort(key=lambda one: -float(one["score"]))
        limit = min(self.limit, int(request.query.get("limit", "5")))
        responses = {
            name: {
                "status": 200,
                "results": found[:limit],
                "total": {"value": sum(one["match"] is True for one in found), "relation": "eq"},
                "query": {"id": None, **query},
            }
            for name, query in body["queries"].items()
        }
        return web.json_response({"responses": responses, "limit": limit})

    async def _catalog(self, _: web.Request) -> web.Response:
        if self.status != 200:
            return web.json_response({"detail": "told to fail"}, status=self.status)
        dataset = {
            "name": "default",
            "title": "OpenSanctions Default",
            "version": self.version,
            "children": ["us_ofac_sdn"],
            "resources": [],
            "load": True,
            "entities_url": "https://data.example.com/entities.ftm.json",
            "delta_url": None,
            "namespace": False,
            "index_version": self.version,
            "index_current": True,
        }
        catalog = {"datasets": [dataset], "current": ["default"], "outdated": []}
        return web.json_response({**catalog, "index_stale": False})
