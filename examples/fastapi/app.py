"""A service with FastAPI: every request knows its journey, and each kind of endpoint records in it.

::

    pip install 'journeytrace[instrumentor]' fastapi uvicorn opentelemetry-exporter-otlp-proto-http
    uvicorn app:app        # spans go to OTEL_EXPORTER_OTLP_ENDPOINT, by default port 4318 here

"""

from __future__ import annotations

from asyncio import get_running_loop
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Annotated

from fastapi import Body, FastAPI, HTTPException, Response
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from journeytrace import Event, Journey, Reason, check, wrap
from journeytrace.asgi import JourneyMiddleware
from journeytrace.processors import SessionSpanProcessor

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

pool = ThreadPoolExecutor(2)
tracer = trace.get_tracer("shop")


@asynccontextmanager
async def telemetry(_: FastAPI) -> AsyncIterator[None]:
    """Set OpenTelemetry up with the service, and send what is left when it ends."""
    provider = TracerProvider()
    provider.add_span_processor(SessionSpanProcessor())
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
    yield
    pool.shutdown()
    provider.shutdown()


app = FastAPI(lifespan=telemetry)
app.add_middleware(JourneyMiddleware, header="x-journey", cookie="journey")


@app.post("/sessions")
async def begin(response: Response, project: str) -> dict[str, str]:
    """Begin a journey; the browser brings its id back with every request."""
    journey = Journey.start(project=project)
    response.set_cookie("journey", journey.session_id, httponly=True, samesite="strict")
    return {"session_id": journey.session_id}


@app.post("/email")
async def verify_email(email: Annotated[str, Body(embed=True)]) -> None:
    """Tell the session whose it is, once that is known; URLs, which end up in spans, do not."""
    Journey.current().record(Event.VERIFY_EMAIL, email=email)


@app.post("/id-document")
def recognise(score: float) -> None:
    """Check a document; FastAPI runs this in a thread of its own, which knows the journey too."""
    with Journey.current().check(Event.ID_RECOGNITION, score=score) as recognition:
        if score < 0.8:
            recognition.fail(error_code="QS-10001")
            raise HTTPException(422, "QS-10001")


def compare(score: float) -> bool:
    """Compare two faces, with a span of the service's own for the model."""
    with check(Event.FACE_COMPARE, score=score) as comparison:
        with tracer.start_as_current_span("model"):
            same = score >= 0.9
        if not same:
            comparison.fail()
    return same


@app.post("/selfie")
async def decide(score: float) -> str:
    """Decide by what runs in a pool of threads, which would not know the journey by itself."""
    same = await get_running_loop().run_in_executor(pool, wrap(compare), score)
    journey = Journey.current()
    if same:
        journey.approve()
        return "APPROVED"
    journey.hold(Reason.FACE_AGENT_REVIEW)
    return "PENDING"
