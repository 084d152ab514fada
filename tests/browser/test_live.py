"""The page's script, as the collector serves it, in Debian's Chromium with a real collector."""

from __future__ import annotations

import json
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from typing import Any
from uuid import uuid4

import pytest
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from playwright.sync_api import Browser, CDPSession, Error, Page, sync_playwright
from tests.browser.form import KEY, Form, Site
from tests.support.receivers import HttpReceiver
from tests.support.running import Enter, enter_in_background
from tests.support.waiting import PATIENCE, wait_until

import journeytrace
from journeytrace import Event, Journey, _settings
from journeytrace.browser import AUDIENCE, mint
from journeytrace.catalogue import builtin_catalogue
from journeytrace.identity import trace_id

pytestmark = pytest.mark.proof

DAY = 24 * 60 * 60 * 1000
"""In ms, as pages count."""
HAND = (
    "DEVICE_VERIFICATION",
    "ALERT_SHOWN",
    "TIP_DIALOG_SHOWN",
    "ID_DOCUMENT_RETRY",
    "STEP1_RESULT",
    "STEP2_RESULT",
)
NOT_CALLS = {
    "FRONT_SESSION_START": "environment",
    "FRONT_SESSION_RESUMED": "environment",
    "PAGE_HIDDEN": "environment",
    "PAGE_VISIBLE": "environment",
    "NETWORK_ONLINE": "environment",
    "NETWORK_OFFLINE": "environment",
    "JS_ERROR": "errors",
    "STEP_VIEW": "routes",
    "ERROR_PAGE_VIEWED": "routes",
    "FINAL_PAGE_VIEW": "routes",
    "CAMERA_REQUESTED": "camera",
    "CAMERA_ACTIVATED": "camera",
    "CAMERA_PERMISSION_DENIED": "camera",
    "CAMERA_ERROR": "camera",
    "WEBSOCKET_CONNECTED": "sockets",
    "WEBSOCKET_DISCONNECTED": "sockets",
    "WEBSOCKET_ERROR": "sockets",
    **dict.fromkeys(HAND, "hand"),
}
SEEN = [spec.name for spec in builtin_catalogue().events.values() if spec.source == "FE"]
OWN_CALLS = [name for name in SEEN if name not in NOT_CALLS and not name.startswith("API_")]

Open = Callable[..., Page]


@pytest.fixture(scope="module")
def entering() -> Iterator[Enter]:
    """Give a loop for the servers that run all the time."""
    with enter_in_background() as enter:
        yield enter


@pytest.fixture(scope="module")
def form(entering: Enter) -> Form:
    """Give the form, which all tests share, each with a session of its own."""
    return Form(entering)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, entering: Enter, form: Form) -> Iterator[Site]:
    """Give the collector, and let the form's server record to it."""
    site = Site(tmp_path_factory.mktemp("live"), form, entering(HttpReceiver()))
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter(endpoint=site.traces)))
    former = _settings.install(None)
    journeytrace.configure(tracer_provider=provider, browser_key=f"{KEY.id}:{KEY.secret}")
    yield site
    _settings.install(former)
    provider.shutdown()
    site.stop()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Give Debian's Chromium, with its back/forward cache and a camera that is none."""
    program = shutil.which("chromium")
    if program is None:
        pytest.fail("Chromium is missing: apt-get install chromium", pytrace=False)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=program,
            # Tests of a root have no sandbox; nothing but our own pages is opened.
            args=["--no-sandbox", "--use-fake-device-for-media-stream"],
            ignore_default_args=["--disable-back-forward-cache"],
        )
        yield browser
        browser.close()


@pytest.fixture
def session() -> str:
    """Give the id of a new session."""
    return str(uuid4())


@pytest.fixture
def open_page(browser: Browser, site: Site, form: Form, session: str) -> Iterator[Open]:
    """Give a function that opens the form in the session, and waits until the collector knows."""
    context = browser.new_context(base_url=form.url)
    context.set_default_timeout(PATIENCE / 2 * 1000)

    def opening(clock: int = 0, **given: Any) -> Page:
        said = json.dumps({"session": session} | given)
        context.add_init_script(f"window.given = {said}")
        context.add_init_script(f"{{ const now = Date.now; Date.now = () => now() + {clock}; }}")
        page = context.new_page()
        page.goto("/start")
        if given.get("enabled", True):
            # Not only after a second.
            page.evaluate("journey.supportCode.then(journey.flush)")
            site.arrives(session, "STEP_VIEW")
        return page

    yield opening
    context.close()


def step(control: CDPSession, by: int) -> None:
    """Go back or forward, as its button does: a page from the cache has no load to wait for."""
    history = control.send("Page.getNavigationHistory")
    entry = history["entries"][history["currentIndex"] + by]
    control.send("Page.navigateToHistoryEntry", {"entryId": entry["id"]})


@pytest.mark.parametrize("clock", [-DAY, DAY], ids=["behind", "ahead"])
def test_both_sides_are_one_journey(
    open_page: Open, site: Site, form: Form, session: str, clock: int
) -> None:
    """What page and server did stands in one trace, in the order in which it was done, though the
    page's clock is a day off."""
    server = Journey.start(session_id=session, project="acme")

    def during(call: str, event: Event) -> Callable[[], None]:
        def marks() -> list[Any]:
            tips = [e for e in site.events(session) if e["name"] == "TIP_DIALOG_SHOWN"]
            return [e for e in tips if e["attributes"]["call"] == call]

        def work() -> None:
            # The page began the call before it said this, and did not wait for an answer.
            wait_until(f"what the page said during {call}", marks)
            server.record(event)

        return work

    form.does["/api/flows"] = during("/api/flows", Event.FLOW_ID_ISSUED)
    form.does["/api/selfie"] = during("/api/selfie", Event.APPROVED)
    given = {"POST /api/flows": "CREATE_FLOW", "POST /api/selfie": "SUBMIT_STEP2"}
    page = open_page(clock, map=given)
    assert abs(page.evaluate("Date.now()") - time.time() * 1000 - clock) < DAY / 2
    page.evaluate("void act('/api/flows', '/selfie')")
    site.arrives(session, "STEP_VIEW", 2)
    page.evaluate("void act('/api/selfie', '/done')")
    site.arrives(session, "FINAL_PAGE_VIEW")
    events = site.events(session)
    done = [(e["source"], e["name"]) for e in events if e["name"] != "TIP_DIALOG_SHOWN"]
    assert done == [
        ("BE", "SESSION_CREATED"),
        ("FE", "FRONT_SESSION_START"),
        ("FE", "STEP_VIEW"),
        ("FE", "CREATE_FLOW"),
        ("BE", "FLOW_ID_ISSUED"),
        ("FE", "STEP_VIEW"),
        ("FE", "SUBMIT_STEP2"),
        ("BE", "APPROVED"),
        ("FE", "FINAL_PAGE_VIEW"),
    ]

    named, trace = {name for _, name in done}, trace_id(session)
    wait_until("all of it in one trace", lambda: named <= site.exported(trace))


def test_each_event_has_its_instrument(open_page: Open, site: Site, session: str) -> None:
    """All 56 names of the screen come from the instrument that is there for them, but for the six
    that are recorded by hand."""
    known = {f"POST /api/{name}": name for name in OWN_CALLS if name != "SUBMIT_STEP1"}
    page = open_page(map=known | {"graphql SubmitStep1": "SUBMIT_STEP1"}, others=True)
    context = page.context
    control = context.new_cdp_session(page)
    page.click("#next")
    page.wait_for_url("**/next")
    page.evaluate("journey.supportCode")
    step(control, -1)
    site.arrives(session, "PAGE_VISIBLE")
    page.close()

    page = context.new_page()
    page.goto("/again")
    context.set_offline(True)
    context.set_offline(False)
    page.evaluate("setTimeout(() => { throw new TypeError('secret') })")
    page.evaluate(
        """async ([names, hand]) => {
          for (const name of names) await fetch('/api/' + name, { method: 'POST' });
          await fetch('/api/VERIFY_EMAIL?status=500', { method: 'POST' });
          await fetch('/api/else');
          const operation = JSON.stringify({ operationName: 'SubmitStep1', query: 'mutation' });
          await fetch('/api/graphql', { method: 'POST', body: operation });
          for (const name of hand) journey.record(name, { by: 'hand' });
        }""",
        [OWN_CALLS, HAND],
    )
    page.evaluate(
        """async () => {
          const ended = (socket) => new Promise((resolve) => (socket.onclose = resolve));
          const broken = new WebSocket('/results/broken');
          broken.onopen = () => broken.send('here');
          await ended(broken);
          await ended(new WebSocket('/results/refused'));
        }"""
    )
    ask = """(video) => navigator.mediaDevices.getUserMedia({ video })
      .then((stream) => stream.getTracks().forEach((track) => track.stop()), () => {})"""
    context.grant_permissions(["camera"])
    page.evaluate(ask, True)
    page.evaluate(ask, {"width": {"exact": 100_000}})
    context.clear_permissions()
    # Whatever is not granted is refused then.
    context.grant_permissions(["geolocation"])
    page.evaluate(ask, True)
    page.evaluate("history.pushState(null, '', '/error/QS-10001')")
    page.evaluate("history.pushState(null, '', '/done')")
    site.arrives(session, "FINAL_PAGE_VIEW")
    wanted = {(name, NOT_CALLS.get(name, "calls")) for name in SEEN}

    def found() -> set[tuple[str, str]]:
        return {(e["name"], e["attributes"]["by"]) for e in site.events(session)}

    with suppress(AssertionError):
        wait_until("all names", lambda: wanted <= found(), seconds=10)
    assert found() == wanted


def follow_a_link(page: Page) -> None:
    """Say something, and go to another page at once."""
    page.evaluate("say(20); setTimeout(() => document.querySelector('#next').click())")
    page.wait_for_url("**/next")


def load_again(page: Page) -> None:
    """Say something, and load the page anew at once."""
    with page.expect_navigation():
        page.evaluate("say(20); setTimeout(() => location.reload())")


@pytest.mark.parametrize("leave", [follow_a_link, load_again])
def test_leaving_loses_nothing(
    open_page: Open, site: Site, session: str, leave: Callable[[Page], None]
) -> None:
    """What was recorded in the last moment before a page gives way to another comes, once."""
    leave(open_page())
    site.arrives(session, "FRONT_SESSION_RESUMED")
    site.hears(session, 20)
    assert site.names(session).count("PAGE_HIDDEN") == 1


def test_closing_loses_nothing(open_page: Open, site: Site, session: str) -> None:
    """What was recorded in the last moment before the tab was closed comes, once."""
    page = open_page()
    page.evaluate("say(20)")
    page.close(run_before_unload=True)
    site.arrives(session, "PAGE_HIDDEN")
    site.hears(session, 20)


def test_going_back_and_forward_loses_nothing(open_page: Open, site: Site, session: str) -> None:
    """Pages that come back from the cache go on recording; each event of theirs comes once."""
    page = open_page()
    control = page.context.new_cdp_session(page)
    page.evaluate("say(5)")
    page.click("#next")
    page.wait_for_url("**/next")
    page.evaluate("journey.supportCode.then(() => say(5))")
    # Each page says one more when it is back.
    step(control, -1)
    site.hears(session, 11)
    step(control, 1)
    site.hears(session, 12)
    site.arrives(session, "PAGE_HIDDEN", 3)
    names = site.names(session)
    assert [names.count(f"PAGE_{what}") for what in ("HIDDEN", "VISIBLE")] == [3, 2]


def test_going_back_takes_along_what_a_page_between_left(
    open_page: Open, site: Site, session: str
) -> None:
    """A page that comes back from the cache sends what another could not while nobody listened."""
    page = open_page()
    control = page.context.new_cdp_session(page)
    page.click("#next")
    page.wait_for_url("**/next")
    # With a token in hand, or what it says next would wait in memory alone.
    page.evaluate("journey.supportCode")
    site.stop()
    with page.expect_event("requestfailed", lambda request: request.url == site.pages):
        page.evaluate("say(5)")
    step(control, -1)
    site.start()
    # The sixth is what the first page says as soon as it is back.
    site.hears(session, 6)


@pytest.mark.parametrize("away", [False, True], ids=["taken", "kept"])
def test_a_crash_loses_the_last_second(
    open_page: Open, site: Site, session: str, away: bool
) -> None:
    """What was recorded a second before its tab crashed comes, once: if nobody took it then, from
    the next page of the tab."""
    page = open_page()
    address = page.url
    control = page.context.new_cdp_session(page)
    if away:
        site.stop()
    page.evaluate("say(10); pause(1001).then(() => say(1))")
    with page.expect_event("crash"), suppress(Error):
        page.goto("chrome://crash")
    if away:
        site.start()
    control.send("Page.navigate", {"url": address})
    site.arrives(session, "FRONT_SESSION_RESUMED")
    heard = site.numbers(session)
    assert heard in (list(range(10)), list(range(11)))


def test_a_collector_that_comes_back_gets_everything(
    open_page: Open, site: Site, session: str
) -> None:
    """What was recorded while nobody listened comes once, without a word from the page's user."""
    page = open_page()
    site.stop()
    with page.expect_event("requestfailed", lambda request: request.url == site.pages):
        page.evaluate("say(40)")
    page.evaluate("say(5)")
    site.start()
    site.hears(session, 45)


@contextmanager
def locked(site: Site) -> Iterator[None]:
    """Let nobody write to the store."""
    file = site.folder / "journeys.sqlite"
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


def test_a_store_that_is_down_gets_everything(open_page: Open, site: Site, session: str) -> None:
    """What was answered with 503 comes once when the store takes it again."""
    page = open_page()
    with locked(site), page.expect_response(lambda answer: answer.status == 503):
        page.evaluate("say(40)")
    page.evaluate("say(5)")
    site.hears(session, 45)


def test_a_session_at_its_limit_gets_everything(open_page: Open, site: Site, session: str) -> None:
    """What was answered with 429 comes once, after the time that was asked for."""
    page = open_page()
    with page.expect_response(lambda answer: answer.status == 429) as refused:
        page.evaluate("say(96)")
    assert refused.value.headers["retry-after"]
    site.hears(session, 96)


def test_a_token_that_expired_is_renewed(
    open_page: Open, site: Site, form: Form, session: str
) -> None:
    """What was answered with 401 comes once, with the token that the page asks for then."""
    end = int(time.time()) + 3
    # The page takes it for good for half an hour, as if its device had slept.
    claims = {"sub": session, "aud": AUDIENCE, "iat": end - 1800, "exp": end}
    form.tokens[session] = mint(KEY, claims)
    page = open_page()
    wait_until("the token's end", lambda: time.time() >= end)
    page.evaluate("say(40)")
    site.hears(session, 40)
    assert form.asked[session] == 2
    names = site.names(session)
    assert names.count("FRONT_SESSION_START") == names.count("STEP_VIEW") == 1


def test_without_consent_nothing_leaves(
    open_page: Open, site: Site, form: Form, session: str
) -> None:
    """A journey that is not enabled sends nothing, asks for nothing and keeps nothing, until it is;
    nor does it send what was before then."""
    page = open_page(enabled=False, map={"GET /api/flows": "CREATE_FLOW"})
    sent: list[str] = []
    page.context.on("request", lambda request: sent.append(request.url))
    page.evaluate("say(40); fetch('/api/flows').then(() => history.pushState(null, '', '/b'))")
    page.click("#next")
    page.wait_for_url("**/next")
    with page.expect_navigation():
        page.evaluate("say(40); setTimeout(() => location.reload())")
    page.evaluate("say(3); journey.flush(); pause(1001)")
    assert [url for url in sent if url == site.pages] == []
    assert form.asked[session] == 0
    assert page.evaluate("sessionStorage.journeytrace") is None
    page.evaluate("journey.enable(); say(2)")
    site.arrives(session, "ALERT_SHOWN", 2)
    assert site.numbers(session) == [83, 84]
    assert set(site.names(session)) == {"FRONT_SESSION_START", "STEP_VIEW", "ALERT_SHOWN"}
