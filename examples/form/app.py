"""A small KYC form, the server's side: it begins the session, does the checks and decides.

The page's side is ``form.ts``. Both record into one trace, and share nothing but the session: the
page gets a token for it from here. ``run.py`` starts this with a collector.
"""

from __future__ import annotations

import asyncio
import os
import secrets
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, Literal, TypeAlias
from urllib.parse import urlsplit

import providers
from fastapi import Depends, FastAPI, HTTPException, Request, Response
from fastapi.responses import HTMLResponse, PlainTextResponse, RedirectResponse
from fastapi.staticfiles import StaticFiles
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from pydantic import BaseModel, Field

from journeytrace import Event, Journey, Reason, links
from journeytrace.browser import MAX_TOKEN
from journeytrace.conventions import Impact

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

PROJECT: Final = "example-form"
COOKIE: Final = "applicant"
TRIES: Final = 2
"""Pictures of the ID document that one may take."""
ADULT: Final = 19
READABLE: Final = 0.8
"""The score from which on a document counts as read."""
ALIKE: Final = 0.9
"""The score from which on two faces count as one person's."""
LARGEST: Final = 4 * 1024 * 1024
"""Bytes of a picture."""
DOCUMENT: Final = {"journey.document": "ID document"}
SELFIE: Final = {"journey.document": "Selfie"}
"""What a check belongs to: a tab of its own at the desk."""

HERE: Final = Path(__file__).parent
JOURNEY_URL: Final = os.environ.get("JOURNEY_URL", "http://127.0.0.1:4319/journey")
"""The collector's public listener, as the user's browser reaches it."""
PAGE: Final = (
    (HERE / "static" / "form.html").read_text("utf-8").replace("{{url}}", escape(JOURNEY_URL))
)
COLLECTOR: Final = "{0.scheme}://{0.netloc}".format(urlsplit(JOURNEY_URL))
HEADERS: Final = {
    "Cache-Control": "no-store",
    # Nothing inline, nothing from elsewhere; events alone leave for the collector.
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        f"connect-src 'self' {COLLECTOR}; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    # A form in a frame needs allow="camera" on the frame, too.
    "Permissions-Policy": "camera=(self)",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


@asynccontextmanager
async def telemetry(_: FastAPI) -> AsyncIterator[None]:
    """Set OpenTelemetry up with the service, and send what is left when it ends."""
    provider = TracerProvider(resource=Resource.create({"service.name": "form-api"}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
    yield
    await asyncio.to_thread(provider.shutdown)


app = FastAPI(lifespan=telemetry, openapi_url=None)
app.mount("/static", StaticFiles(directory=HERE / "static"))


@app.middleware("http")
async def guard(request: Request, go_on: Callable[[Request], Awaitable[Response]]) -> Response:
    """Let every answer say what its page may do."""
    answer = await go_on(request)
    answer.headers.update(HEADERS)
    return answer


@dataclass
class Applicant:
    """One user's run through the form."""

    session_id: str
    token: str
    """The newest that the page was given."""
    step: str = "/"
    """The path of the screen where the user is."""
    name: str = ""
    born: int = 0
    scenario: providers.Scenario = "good"
    pictures: int = 0

    @property
    def journey(self) -> Journey:
        """The session's journey; any process that knows the id can go on with it."""
        return Journey.resume(self.session_id)


applicants: dict[str, Applicant] = {}
"""By the value of their cookie; a real form keeps them in its database, and not for ever.

The cookie is not the session's id: support sees that one, and it must open nothing.
"""


def known(request: Request) -> Applicant:
    """Find whose request it is."""
    if found := applicants.get(request.cookies.get(COOKIE, "")):
        return found
    raise HTTPException(401, "begin at /")


async def uploaded(request: Request) -> bytes:
    """Read a picture, but no more than one may be."""
    picture = bytearray()
    async for chunk in request.stream():
        picture += chunk
        if len(picture) > LARGEST:
            raise HTTPException(413, f"a picture may have {LARGEST} bytes")
    return bytes(picture)


Known: TypeAlias = Annotated[Applicant, Depends(known)]
Picture: TypeAlias = Annotated[bytes, Depends(uploaded)]


class Details(BaseModel):
    """What the first screen asks for."""

    name: str = Field(min_length=1, max_length=100)
    email: str = Field(pattern=r"^[^@\s]+@[^@\s]+$", max_length=254)
    born: int = Field(ge=1900, le=2100)
    scenario: providers.Scenario = "good"


class Answer(BaseModel):
    """What came of a step, and the path of the screen that is next."""

    result: Literal["pass", "retake", "fail"]
    next: str


@app.get("/")
@app.get("/id-document")
@app.get("/selfie")
@app.get("/done/{outcome}")
@app.get("/error/{code}")
async def page(request: Request) -> Response:
    """Show the form, where its user is; who is new, or done and back at the beginning, begins."""
    path = request.url.path
    who = applicants.get(request.cookies.get(COOKIE, ""))
    if who is None or (is_over(who) and path == "/"):
        # One session a run. What the page records before it has a token waits in the page.
        journey = Journey.start(project=PROJECT)
        who = Applicant(journey.session_id, journey.browser_token())
        cookie = secrets.token_urlsafe()
        applicants[cookie] = who
        answer = shown(path, who)
        # With HTTPS also secure=True.
        answer.set_cookie(COOKIE, cookie, httponly=True, samesite="strict")
        return answer
    answer = shown(path, who)
    if answer.status_code == 200 and not is_over(who):
        who.journey.record(Event.SESSION_REUSED)
    return answer


def shown(path: str, who: Applicant) -> Response:
    """Give the page, or lead to where its user is."""
    return HTMLResponse(PAGE) if path == who.step else RedirectResponse(who.step, 303)


def is_over(who: Applicant) -> bool:
    """Tell whether it was decided."""
    return who.step.startswith(("/done/", "/error/"))


@app.get("/invited")
async def invited() -> Response:
    """Show the form to whoever comes by a link: who that is, its page alone has been told."""
    return HTMLResponse(PAGE)


@app.post("/api/invited")
async def take_over(request: Request) -> Response:
    """Go on with the session that a link has led to."""
    journey = links.take_over((await uploaded(request))[:MAX_TOKEN])
    if not journey:
        raise HTTPException(401, "ask for a new link")
    mine = [key for key, who in applicants.items() if who.session_id == journey.session_id]
    cookie = mine[0] if mine else secrets.token_urlsafe()
    if not mine:
        applicants[cookie] = Applicant(journey.session_id, journey.browser_token())
    answer = Response(status_code=204)
    answer.set_cookie(COOKIE, cookie, httponly=True, samesite="strict")
    return answer


@app.post("/api/token")
async def token(who: Known) -> PlainTextResponse:
    """Give the page of this session, and no other, the token that it sends its events with."""
    # With `previous`, what waits in the page since before keeps its times.
    again = who.journey.browser_token(project=PROJECT, previous=who.token)
    who.token = again
    return PlainTextResponse(again)


@app.post("/api/flows")
async def begin(who: Known, details: Details, request: Request) -> Answer:
    """Take what the first screen asks for, and look who is at the door."""
    at(who, "/")
    journey = who.journey
    who.name, who.born, who.scenario = details.name, details.born, details.scenario
    with journey.check(Event.IP_RISK_CHECK, email=details.email) as check:
        check.set(risk=await providers.ip_risk(request.client.host if request.client else ""))
    journey.record(Event.FLOW_ID_ISSUED, flow_id=f"flow-{secrets.token_hex(4)}")
    # What is typed and what is read off is for the desk: it never leaves the collector.
    typed = {"form.full_name": details.name, "form.birth_year": details.born}
    journey.record(Event.STEP1_ENTERED, attributes=typed)
    return lead(who, "/id-document")


@app.post("/api/id-document")
async def id_document(who: Known, picture: Picture) -> Answer:
    """Read the document: pass, another try, or the end."""
    at(who, "/id-document")
    journey = who.journey
    who.pictures += 1
    with journey.check(Event.ID_RECOGNITION, attributes=DOCUMENT, attempt=who.pictures) as check:
        score = await providers.read_document(picture, who.scenario, who.pictures)
        check.set(score=score)
        if score < READABLE:
            check.fail(error_code="QS-10001")
        else:
            check.set(attributes={"extracted.full_name": who.name.upper()})
    if score < READABLE and who.pictures < TRIES:
        return Answer(result="retake", next=who.step)
    if score < READABLE:
        return refuse(who, Reason.RETRY_EXHAUSTED, "QS-10001")

    with journey.check(Event.AGE_VERIFICATION, minimum=ADULT) as age:
        adult = datetime.now(UTC).year - who.born >= ADULT
        if not adult:
            age.fail(error_code="QS-10002", impact=Impact.BLOCKED)
    if not adult:
        return refuse(who, Reason.AGE_VERIFICATION, "QS-10002")

    journey.record(Event.SUBMISSION_CREATED, submission_id=f"sub-{secrets.token_hex(4)}")
    journey.record(Event.STEP1_COMPLETED)
    journey.record(Event.STEP2_ENTERED)
    return lead(who, "/selfie")


@app.post("/api/selfie")
async def selfie(who: Known, picture: Picture) -> Answer:
    """Compare the faces and decide."""
    at(who, "/selfie")
    journey = who.journey
    with journey.check(Event.FACE_COMPARE, attributes=SELFIE) as comparison:
        score = await providers.compare_faces(picture, who.scenario)
        comparison.set(score=score)
        if score < ALIKE:
            # The user feels nothing of it: somebody will look.
            comparison.fail(impact=Impact.NONE)
    if score < ALIKE:
        journey.hold(Reason.FACE_AGENT_REVIEW)
        return lead(who, "/done/review")
    journey.approve()
    journey.record(Event.STEP2_COMPLETED)
    return lead(who, "/done/approved")


def at(who: Applicant, step: str) -> None:
    """Refuse what is not this user's turn."""
    if who.step != step:
        raise HTTPException(409, f"go on at {who.step}")


def lead(who: Applicant, step: str) -> Answer:
    """Let the user go on."""
    who.step = step
    return Answer(result="pass", next=step)


def refuse(who: Applicant, reason: Reason, code: str) -> Answer:
    """Decide against it, and show the error page with a code."""
    who.journey.reject(reason, error_code=code)
    who.step = f"/error/{code}"
    return Answer(result="fail", next=who.step)
