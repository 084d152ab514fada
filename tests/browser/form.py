"""A form at an origin of its own, and the collector that its page sends to: real sockets both."""

from __future__ import annotations

import asyncio
import http.client
import json
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack, asynccontextmanager, closing
from pathlib import Path
from typing import Any

from aiohttp import WSMsgType, web
from tests.support.receivers import HttpReceiver, spans_of
from tests.support.running import Enter, enter_in_background, free_settings
from tests.support.waiting import PATIENCE, wait_until

from journeytrace import Journey
from journeytrace.browser import Key
from journeytrace_collector.process import Collector

__all__ = ["KEY", "Form", "Site"]

KEY = Key("2026a", "0123456789abcdef0123456789abcdef")
_PAGE = Path(__file__).with_name("form.html")


class Form:
    """The server of a form: page, token and calls. `url` is its origin."""

    def __init__(self, enter: Enter) -> None:
        self.collector = ""
        """Where the page sends to; to be set before the first page is opened."""
        self.tokens: dict[str, str] = {}
        """By session what is given out first, instead of a token that is good."""
        self.asked: Counter[str] = Counter()
        """How often each session's token was."""
        self.does: dict[str, Callable[[], object]] = {}
        """By path what a call has the server do before it answers."""
        app = web.Application()
        app.router.add_get("/token/{session}", self._token)
        app.router.add_get("/results/{how}", self._results)
        app.router.add_post("/{path:api/.*}", self._call)
        app.router.add_get("/{path:api/.*}", self._call)
        app.router.add_get("/{screen:.*}", self._page)
        self.url = f"http://127.0.0.1:{enter(_served(app))}"

    async def _page(self, _: web.Request) -> web.Response:
        text = _PAGE.read_text("utf-8").replace("COLLECTOR", self.collector)
        return web.Response(text=text, content_type="text/html")

    async def _token(self, request: web.Request) -> web.Response:
        session = request.match_info["session"]
        self.asked[session] += 1
        token = self.tokens.pop(session, None) or Journey.resume(session).browser_token()
        return web.Response(text=token)

    async def _call(self, request: web.Request) -> web.Response:
        if work := self.does.get(request.path):
            await asyncio.to_thread(work)
        return web.json_response({}, status=int(request.query.get("status", "200")))

    async def _results(self, request: web.Request) -> web.StreamResponse:
        """Take a WebSocket, and break off once the page has said something; or refuse it."""
        if request.match_info["how"] != "broken":
            raise web.HTTPNotFound
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        said = await socket.receive(timeout=PATIENCE)
        assert said.type is WSMsgType.TEXT
        if request.transport is not None:
            request.transport.abort()
        return socket


@asynccontextmanager
async def _served(app: web.Application) -> AsyncIterator[int]:
    """Serve on a free port, and give it."""
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield runner.addresses[0][1]
    await runner.cleanup()


class Site:
    """A collector that can go away and come back, at the same ports and with the same data."""

    def __init__(self, folder: Path, form: Form, receiver: HttpReceiver) -> None:
        self.folder = folder
        self._receiver = receiver
        endpoint = f"http://127.0.0.1:{receiver.port}"
        otlp = {"endpoint": endpoint, "protocol": "http/protobuf", "passthrough": True}
        self._settings: dict[str, Any] = {"exporters": {"otlp": otlp}}
        self._public: dict[str, Any] = {
            "keys": {KEY.id: {"key": KEY.secret}},
            "origins": [form.url],
            "limits": {"session_rate": 20, "session_burst": 64},
        }
        self._stack = ExitStack()
        self.start()
        self._public["listen"] = str(self._collector.public)
        self._settings["otlp_http"] = self._collector.otlp_http
        form.collector = f"http://{self._collector.public}"

    def start(self) -> None:
        """Listen."""
        enter = self._stack.enter_context(enter_in_background())
        public = {"listen": "127.0.0.1:0"} | self._public
        settings = free_settings(self.folder, public=public, **self._settings)
        self._collector: Collector = enter(Collector(settings))

    def stop(self) -> None:
        """Be away."""
        self._stack.close()

    @property
    def traces(self) -> str:
        """Where services send spans to."""
        return f"http://{self._collector.otlp_http}/v1/traces"

    @property
    def pages(self) -> str:
        """Where pages send events to."""
        return f"http://{self._collector.public}/journey"

    def exported(self, trace: bytes) -> set[str]:
        """Give the names of the spans that it has sent on, of one trace."""
        spans = spans_of(*[received.request for received in list(self._receiver.received)])
        return {span.name for span in spans if span.trace_id == trace}

    def events(self, session: str) -> list[Any]:
        """Give what is stored of a session, as it happened."""
        path = f"/api/v1/sessions/{session}/events"
        address = str(self._collector.admin)
        with closing(http.client.HTTPConnection(address, timeout=PATIENCE)) as connection:
            connection.request("GET", path)
            answer = connection.getresponse()
            found = json.loads(answer.read())
        events: list[Any] = found["events"] if answer.status == 200 else []
        return events

    def names(self, session: str) -> list[str]:
        """Give the names of those events."""
        return [event["name"] for event in self.events(session)]

    def arrives(self, session: str, name: str, times: int = 1) -> None:
        """Wait until an event is there, so many times."""
        wait_until(f"{times} {name}", lambda: self.names(session).count(name) >= times)

    def numbers(self, session: str) -> list[int]:
        """Give the numbers that the page said, in their order."""
        events = self.events(session)
        return sorted(e["attributes"]["number"] for e in events if "number" in e["attributes"])

    def hears(self, session: str, count: int) -> None:
        """Wait until as many numbers are there, and see that they are the first, each once."""
        what = f"{count} numbers of {session}"
        heard = wait_until(what, lambda: (n := self.numbers(session))[count - 1 :] and n)
        assert heard == list(range(count))
