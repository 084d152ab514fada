"""Every public call as a service would write it. Never run: mypy checks it with the tests."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, assert_type

import journeytrace
from journeytrace import (
    CatalogueError,
    Check,
    Event,
    Impact,
    Journey,
    Reason,
    Result,
    Source,
    asgi,
    configure,
    problems,
    wrap,
    wsgi,
)
from journeytrace.catalogue import builtin_catalogue

if TYPE_CHECKING:
    from collections.abc import Awaitable, Iterable, Mapping
    from wsgiref.types import StartResponse, WSGIEnvironment


def journeys() -> None:
    """Make journeys."""
    assert_type(Journey.start(), Journey)
    Journey.start(
        project="acme-kyc",
        user_id="u-42",
        email="u@example.org",
        flow_id="f-1",
        retention_days=90,
        session_id="s",
        clock=lambda: 1,
        attributes={"http.route": "/start"},
        channel="app",
    )
    Journey.start(retention_days="90")  # type: ignore[arg-type]
    journey = assert_type(Journey.resume("s", clock=None), Journey)
    Journey.resume(None)  # type: ignore[arg-type]
    assert_type(Journey.current(), Journey)
    assert_type(Journey.from_baggage(), Journey)
    assert_type(journey.session_id, str)
    assert_type(journey.browser_token(), str)
    assert_type(journey.browser_token(minutes=10, project="p", previous="t"), str)
    journey.browser_token(30)  # type: ignore[call-arg]
    assert_type(journey.trace_id, str)
    with journey.activate(baggage=True) as active:
        assert_type(active, Journey)


def events(journey: Journey) -> None:
    """Record events."""
    journey.record(Event.STEP_VIEW, path="/id-front", tries=[1, 2])
    journey.record("MY_EVENT", source=Source.FE, stage="STEP1", impact=Impact.RETAKE)
    journey.record(Event.ID_RECOGNITION, result=Result.FAIL, error_code="QS-10001")
    journey.record(Event.SUBMISSION_CREATED, submission_id="sub-1", attributes={"a.b": 1})
    journey.record(Event.FLOW_ID_ISSUED, flow_id="f-1")
    journey.record(Event.VERIFY_EMAIL, email="u@example.org", user_id="u-42", project="acme-kyc")
    journey.identify(user_id="u-42", email="u@example.org", submission_id="s-1", flow_id="f")
    journey.identify(email=3)  # type: ignore[arg-type]
    journey.identify(score=0.9)  # type: ignore[call-arg]
    journey.record(3)  # type: ignore[arg-type]
    journey.record()  # type: ignore[call-arg]
    journey.approve(by="auto", user_id="u-42")
    journey.reject(Reason.SELFIE_DUPLICATE, error_code="SE-10001", score=0.9)
    journey.hold("MY_REASON")
    journey.reject()  # type: ignore[call-arg]


async def checks(journey: Journey) -> None:
    """Run checks."""
    with journey.check(Event.ID_RECOGNITION, impact="BLOCKED", camera="rear") as check:
        assert_type(check, Check)
        check.fail(error_code="QS-10001", impact=Impact.RETAKE, score=0.5)
        check.observe(Event.ID_DOCUMENT_RETRY, attempt=2)
        check.set(frames=12, email="u@example.org")
        check.set(email=3)  # type: ignore[arg-type]
    async with journey.check(Event.FACE_COMPARE) as check:
        assert_type(check, Check)
    assert_type(decorated(1, b="x"), float)
    assert_type(await decorated_async(), str)
    assert_type(await decorated_awaitable(), str)
    assert_type(wrap(decorated)(1, b="x"), float)
    assert_type(await wrap(decorated_async)(), str)
    wrap(decorated)("x", b="x")  # type: ignore[arg-type]
    decorated("x", b="x")  # type: ignore[arg-type]


@journeytrace.check(Event.AGE_VERIFICATION, stage="STEP2")
def decorated(a: int, *, b: str) -> float:
    """Keep a decorated function's type."""
    return float(f"{a}{b}")


@journeytrace.check(Event.AML_CHECK)
async def decorated_async() -> str:
    """Keep a decorated coroutine's type."""
    return "clear"


@journeytrace.check(Event.AML_CHECK)
def decorated_awaitable() -> Awaitable[str]:
    """Keep the type of what comes back to be awaited."""
    return decorated_async()


def start_up() -> None:
    """Configure."""
    try:
        configure(catalogue=Path("own.toml"))
    except CatalogueError:
        configure(catalogue=builtin_catalogue(), tracer_provider=None, record_exceptions=True)
    configure(record_exceptions="yes")  # type: ignore[arg-type]
    counts: Mapping[str, int] = problems()
    del counts


def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Answer a WSGI request."""
    start_response(str(environ), [])
    return []


async def async_application(scope: object, receive: object, send: object) -> None:
    """Answer an ASGI request."""
    del scope, receive, send


wsgi.JourneyMiddleware(application, header="X-Journey")
asgi.JourneyMiddleware(async_application, cookie="journey")
