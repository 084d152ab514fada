from __future__ import annotations

import asyncio
from io import BytesIO
from typing import TYPE_CHECKING, Any
from wsgiref.util import FileWrapper, setup_testing_defaults
from wsgiref.validate import validator

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.trace import NoOpTracerProvider

from journeytrace import Event, Journey, asgi, configure, wsgi

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from wsgiref.types import StartResponse, WSGIEnvironment

    from journeytrace.testing import RecordedJourneys


async def application(scope: Any, receive: Any, send: Any) -> None:
    """Record which journey is current, then answer."""
    del receive
    await asyncio.sleep(0)
    Journey.current().record(Event.STEP_VIEW)
    await send({"type": "seen", "session": Journey.current().session_id, "scope": scope["type"]})


def ask(headers: list[tuple[bytes, bytes]], kind: str = "http", **names: str | None) -> str:
    """Send one request through the ASGI middleware and give the session seen inside."""
    answers: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request"}

    async def send(message: Any) -> None:
        answers.append(message)

    app = asgi.JourneyMiddleware(application, **names)
    asyncio.run(app({"type": kind, "headers": headers}, receive, send))
    [answer] = answers
    assert answer["scope"] == kind
    return str(answer["session"])


@pytest.mark.parametrize("kind", ["http", "websocket"])
def test_asgi_finds_the_header(journeys: RecordedJourneys, kind: str) -> None:
    """Requests and websockets run within the journey; the case of the name does not matter."""
    assert ask([(b"X-Journey", b"s")], kind, header="x-jOURNEY") == "s"
    assert journeys.names("s") == ["STEP_VIEW"]
    assert not Journey.current()


def test_asgi_finds_the_cookie() -> None:
    """Odd cookies of others, split headers and quotes do no harm."""
    headers = [(b"cookie", b'a[b]=1; =; "x'), (b"cookie", b'z=;sid="s" ')]
    assert ask(headers, cookie="sid") == "s"
    assert ask(headers, cookie="SID") == ""


def test_the_header_comes_before_the_cookie() -> None:
    """The cookie counts where the header is not sent."""
    cookie = (b"cookie", b"sid=c")
    assert ask([cookie, (b"x-journey", b"h")], header="X-Journey", cookie="sid") == "h"
    assert ask([cookie], header="X-Journey", cookie="sid") == "c"


@pytest.mark.parametrize("value", [b"", b"a\x01", b"x" * 200, b"\xff\x00"])
def test_a_bad_id_costs_the_journey_not_the_request(
    journeys: RecordedJourneys, value: bytes
) -> None:
    """The request goes on; nothing is recorded."""
    assert ask([(b"x-journey", value)], header="X-Journey") == ""
    assert ask([], header="X-Journey") == ""
    assert not journeys.spans


def serve_asgi(value: str) -> None:
    """Answer a request that records nothing."""

    async def silent(scope: Any, receive: Any, send: Any) -> None:
        del scope, receive, send

    async def unused(*_: Any) -> Any: ...

    app = asgi.JourneyMiddleware(silent, header="x-journey")
    scope = {"type": "http", "headers": [(b"x-journey", value.encode())]}
    asyncio.run(app(scope, unused, unused))


def serve_wsgi(value: str) -> None:
    """Answer a request that records nothing."""
    app = wsgi.JourneyMiddleware(lambda *_: [], header="x-journey")
    list(app({"HTTP_X_JOURNEY": value}, lambda *_: None))  # type: ignore[arg-type]


@pytest.mark.parametrize("serve", [serve_asgi, serve_wsgi])
@pytest.mark.parametrize(("value", "marks"), [("s", {"session.id": "s"}), ("", {}), ("\x7f", {})])
def test_the_servers_span_gets_the_session(
    journeys: RecordedJourneys,
    serve: Callable[[str], None],
    value: str,
    marks: Mapping[str, str],
) -> None:
    """A server's span that began before the middleware has the session's id without an event."""
    with (
        TracerProvider(shutdown_on_exit=False)
        .get_tracer("host")
        .start_as_current_span("GET /") as span
    ):
        serve(value)
    assert isinstance(span, ReadableSpan)
    assert span.attributes == marks
    assert not journeys.spans


@pytest.mark.usefixtures("unconfigured")
def test_without_a_tracer_the_servers_span_stays_as_it_is() -> None:
    """Where journeys go to a tracer that does nothing, the host's span bears no mark of them."""
    configure(tracer_provider=NoOpTracerProvider())
    with (
        TracerProvider(shutdown_on_exit=False)
        .get_tracer("host")
        .start_as_current_span("GET /") as span
    ):
        serve_asgi("s")
    assert isinstance(span, ReadableSpan)
    assert span.attributes == {}


def test_asgi_leaves_the_lifespan_alone() -> None:
    """A lifespan has no headers and no journey."""
    seen = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        del receive, send
        seen.append(scope)

    scope = {"type": "lifespan"}
    asyncio.run(asgi.JourneyMiddleware(app, header="x")(scope, None, None))  # type: ignore[arg-type]
    assert seen[0] is scope


@pytest.mark.parametrize("middleware", [asgi.JourneyMiddleware, wsgi.JourneyMiddleware])
def test_a_name_is_needed_at_start_up(middleware: Callable[[object], object]) -> None:
    """Without header and cookie there is nothing to look for."""
    with pytest.raises(TypeError, match="name the header or the cookie"):
        middleware(application)


class Body:
    """A streamed body whose every part runs code of the application."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        self.turns = iter(range(2))

    def __iter__(self) -> Iterator[bytes]:
        self.seen.append(Journey.current().session_id)
        return self

    def __next__(self) -> bytes:
        next(self.turns)
        self.seen.append(Journey.current().session_id)
        return b"x"

    def close(self) -> None:
        self.seen.append("closed in " + Journey.current().session_id)


def serve(
    body: Callable[[], Iterable[bytes]], environ: Mapping[str, str], **names: str | None
) -> Iterable[bytes]:
    """Send one request through the WSGI middleware and give its body."""

    def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        del environ
        Journey.current().record(Event.STEP_VIEW)
        start_response("200 OK", [("Content-Type", "text/plain")])
        return body()

    request: dict[str, Any] = {**environ}
    setup_testing_defaults(request)
    request["wsgi.file_wrapper"] = FileWrapper
    middleware = wsgi.JourneyMiddleware(app, **names)
    return middleware(request, lambda *_args: bytes.join)  # type: ignore[arg-type]


def test_wsgi_is_active_while_the_body_runs(journeys: RecordedJourneys) -> None:
    """Iterating and closing happen within the journey, and nothing of it stays behind."""
    inner = Body()
    body = serve(lambda: inner, {"HTTP_X_JOURNEY": "s"}, header="x-journey")
    assert b"".join(body) == b"xx"
    assert not Journey.current()
    body.close()  # type: ignore[attr-defined]
    assert inner.seen == ["s", "s", "s", "closed in s"]
    assert journeys.names("s") == ["STEP_VIEW"]


def test_wsgi_passes_on_what_needs_no_journey() -> None:
    """A finished list, a file for the server, and any body without a journey come out as given."""
    finished, file = [b"x"], FileWrapper(BytesIO(b"x"))
    session = {"HTTP_COOKIE": "a=1; sid=s"}
    assert serve(lambda: finished, session, cookie="sid") is finished
    assert serve(lambda: file, session, cookie="sid") is file
    inner = Body()
    assert serve(lambda: inner, {}, cookie="sid") is inner


def test_wsgi_keeps_to_the_protocol() -> None:
    """The standard library's validator has nothing to complain about, inside or outside."""

    def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterator[bytes]:
        del environ
        start_response("200 OK", [("Content-Type", "text/plain")])
        return iter([Journey.current().session_id.encode()])

    checked = validator(wsgi.JourneyMiddleware(validator(app), header="X-Journey"))
    environ: dict[str, Any] = {"HTTP_X_JOURNEY": "s", "QUERY_STRING": ""}
    setup_testing_defaults(environ)

    def start_response(status: str, headers: object, exc_info: object = None) -> Any:
        del status, headers, exc_info
        return lambda _data: None

    body = checked(environ, start_response)
    assert b"".join(body) == b"s"
    body.close()  # type: ignore[attr-defined]
