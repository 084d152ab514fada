"""Templates, and the pages they make."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any, Final

from aiohttp import web
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from journeytrace_collector.insight.conformance import NO_RULES, Rules
from journeytrace_collector.store.base import SEARCH_FIELDS
from journeytrace_desk.access.actor import LOCAL, Role, actor_of
from journeytrace_desk.access.scope import scope_of
from journeytrace_desk.assets import Assets
from journeytrace_desk.views import decisions, times, words

__all__ = ["Pages"]

_NO_RULE: Final = "A rule that is not in force any more."
_FOLDER: Final = Path(__file__).with_name("templates")
_ASKED: ContextVar[web.Request | None] = ContextVar("asked", default=None)


class Pages:
    """Makes answers of templates. Everything that is put into one is escaped."""

    def __init__(
        self,
        assets: Assets,
        *,
        signs_out: bool = False,
        invites: bool = False,
        rules: Rules = NO_RULES,
    ) -> None:
        """Make pages; `signs_out`: whether each has a button to sign out; `invites`: whether there
        is anything that analysts can invite to; `rules`: what sessions are held against."""
        self.signs_out = signs_out
        meanings = {rule.name: rule.meaning for rule in rules}
        self._environment = Environment(
            loader=FileSystemLoader(_FOLDER),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        self._environment.filters |= {
            "number": "{:,}".format,
            "percent": words.percent,
            "utc": times.utc,
            "moment": times.moment,
            "day": times.day,
        }
        self._environment.globals |= {
            "asset": assets.address,
            "invites": invites,
            "rule_meaning": lambda name: meanings.get(name, _NO_RULE),
            "signs_out": signs_out,
            "status_word": words.STATUS.__getitem__,
            "decision_word": words.DECISION.__getitem__,
            "decision_shown": decisions.decision_shown,
            "automatic_word": decisions.AUTOMATICALLY.__getitem__,
            "by_person": decisions.BY_PERSON.__getitem__,
            "search_fields": {name: words.FIELD[name] for name in SEARCH_FIELDS},
        }

    @contextmanager
    def answering(self, request: web.Request) -> Iterator[None]:
        """Make pages for whoever asks: their head tells who that is."""
        token = _ASKED.set(request)
        try:
            yield
        finally:
            _ASKED.reset(token)

    def answer(self, name: str, *, status: int = 200, **values: Any) -> web.Response:
        """Give the page that a template makes of these values."""
        text = self._environment.get_template(name).render(_viewer() | values)
        # Half a character can hide in the metadata, as an escape.
        body = text.encode("utf-8", "replace")
        return web.Response(body=body, content_type="text/html", charset="utf-8", status=status)

    async def help(self, _: web.Request) -> web.Response:
        """Answer with what the keys do and what the words mean."""
        return self.answer("help.html")


def _viewer() -> dict[str, Any]:
    """Give what the head of a page says of whoever asks."""
    request = _ASKED.get()
    try:
        actor = actor_of(request) if request is not None else None
    except KeyError:
        actor = None
    return {
        "is_known": actor is not None,
        "is_analyst": actor is not None and scope_of(actor, Role.ANALYST) is not None,
        "is_admin": actor is not None and scope_of(actor, Role.ADMIN) is not None,
        "signed_in": actor.id if actor is not None and actor != LOCAL else None,
    }
