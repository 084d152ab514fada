"""Templates, and the pages they make."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from aiohttp import web
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from journeytrace_collector.store.base import SEARCH_FIELDS
from journeytrace_desk.assets import Assets
from journeytrace_desk.views import times, words

__all__ = ["Pages"]

_FOLDER: Final = Path(__file__).with_name("templates")


class Pages:
    """Makes answers of templates. Everything that is put into one is escaped."""

    def __init__(self, assets: Assets) -> None:
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
            "status_word": words.STATUS.__getitem__,
            "decision_word": words.DECISION.__getitem__,
            "search_fields": {name: words.FIELD[name] for name in SEARCH_FIELDS},
        }

    def answer(self, name: str, *, status: int = 200, **values: Any) -> web.Response:
        """Give the page that a template makes of these values."""
        text = self._environment.get_template(name).render(values)
        return web.Response(text=text, content_type="text/html", charset="utf-8", status=status)

    async def help(self, _: web.Request) -> web.Response:
        """Answer with what the keys do and what the words mean."""
        return self.answer("help.html")
