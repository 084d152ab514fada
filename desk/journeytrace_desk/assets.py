"""Style, scripts and pictures. Each has its hash in its address, so a browser keeps it for good."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from typing import Final

from aiohttp import web

__all__ = ["Assets"]

_FOLDER: Final = Path(__file__).with_name("static")
_TYPES: Final = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
_FOR_GOOD: Final = "public, max-age=31536000, immutable"


class Assets:
    """The files, read once."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[bytes, str]] = {}
        self._addresses: dict[str, str] = {}
        for path in sorted(_FOLDER.iterdir()):
            if path.suffix in _TYPES:
                body = path.read_bytes()
                name = f"{sha256(body).hexdigest()[:16]}-{path.name}"
                self._known[name] = (body, _TYPES[path.suffix])
                self._addresses[path.name] = f"/static/{name}"

    def address(self, name: str) -> str:
        """Give where a file is found. Raises `KeyError` for one that is not there."""
        return self._addresses[name]

    async def serve(self, request: web.Request) -> web.Response:
        """Answer with a file."""
        found = self._known.get(request.match_info["name"])
        if found is None:
            raise web.HTTPNotFound
        body, kind = found
        headers = {"Cache-Control": _FOR_GOOD}
        return web.Response(body=body, content_type=kind, charset="utf-8", headers=headers)
