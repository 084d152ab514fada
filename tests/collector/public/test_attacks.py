"""Attacks on the port that everybody reaches: each is answered as it should be, nothing stored."""

from __future__ import annotations

import gzip
import json
import socket
from collections.abc import Iterator
from contextlib import ExitStack, closing
from typing import Any

import pytest
from tests.collector.public.conftest import (
    FORM,
    KEY,
    NOW,
    SECONDS,
    SESSION,
    Site,
    SiteMaker,
    envelope,
    page_span,
    token,
    traces,
)
from tests.collector.public.test_token import part
from tests.support.waiting import PATIENCE, wait_until

from journeytrace.browser import Key
from journeytrace.catalogue import builtin_catalogue
from journeytrace.identity import trace_id

GOOD = traces(page_span())
OTHERS = sorted(name for name, spec in builtin_catalogue().events.items() if spec.source != "FE")


@pytest.fixture(autouse=True)
def _nothing_new(site: Site) -> Iterator[None]:
    """Nothing of what is sent to the shared collector is stored: each test checks its own."""
    yield
    assert site.sessions() == 0


def connect(site: Site) -> socket.socket:
    """Open a connection to say what no client would."""
    address = site.collector.public
    assert address is not None
    return socket.create_connection((address.host, address.port), PATIENCE)


def refused(reply: Any, status: int, reason: str) -> None:
    """Check an answer."""
    assert (reply.status, reply.json["reason"]) == (status, reason), reply
    assert reply.json["message"]


def test_names_that_are_no_page_s(site: Site) -> None:
    """Whatever the server or a person alone can say is refused: checks, decisions, verdicts."""
    assert {"APPROVED", "REJECTED", "PENDING", "SESSION_CREATED", "VERDICT_APPROVED"} <= {*OTHERS}
    for first in range(0, len(OTHERS), 60):
        names = OTHERS[first : first + 60]
        spans = [page_span(name, n, journey__event__source="FE") for n, name in enumerate(names, 1)]
        reply = site.post(envelope(token(sub=f"names-{first}"), traces(*spans)))
        assert reply.status == 200
        assert reply.json["partialSuccess"]["rejectedSpans"] == str(len(names))
        assert "no event of a page" in reply.json["partialSuccess"]["errorMessage"]


def test_spans_that_are_no_events(site: Site) -> None:
    """The listener passes on nothing for anybody: no other spans, no events within a span."""
    plain = page_span()
    plain["attributes"] = [{"key": "http.route", "value": {"stringValue": "/"}}]
    holder = page_span("GET", 2)
    holder["attributes"] = []
    holder["events"] = [{"name": "STEP_VIEW", "attributes": page_span()["attributes"]}]
    for shown, body in (("relay", traces(plain, holder)),):
        reply = site.post(envelope(token(sub=shown), body))
        assert reply.json["partialSuccess"]["rejectedSpans"] == "2"
        assert "other spans are not taken" in reply.json["partialSuccess"]["errorMessage"]
    logs = json.dumps({"resourceLogs": [{"scopeLogs": [{"logRecords": [{}]}]}]}).encode()
    assert site.post(envelope(token(sub="relay"), logs)).json == {}


def test_what_only_a_server_may_say(make_site: SiteMaker) -> None:
    """Session, project, person, impact and the like are the token's and the catalogue's."""
    site = make_site()
    span = page_span(
        session__id="another",
        journey__event__id="00000000000000ff",
        journey__event__impact="APPROVED",
        journey__event__result="FAIL",
        journey__stage="DECISION",
        journey__reason="AML",
        journey__project__id="another",
        journey__submission__id="s",
        journey__flow__id="f",
        journey__retention__days="365",
        journey__actor__id="ann",
        journey__decision="APPROVED",
        journey__time__sent="x",
        journey__time__screen="x",
        user__id="u",
        user__email="a@example.com",
        user__hash="h",
        journey__private__note="kept",
    )
    span["parentSpanId"] = "ff" * 8
    assert site.post(envelope(token(), traces(span))).json == {}
    assert site.events("another") == []
    (event,) = site.events()
    # The collector's own.
    assert event["attributes"].pop("journey.time.screen") != "x"
    assert event["attributes"] == {"journey.private.note": "kept"}
    assert [event[key] for key in ("impact", "stage", "result", "reason")] == [
        "NONE", "ENTRY", None, None,
    ]  # fmt: skip
    summary = site.summary()
    assert summary["project_id"] == "acme"
    assert [summary[k] for k in ("user_id", "email", "submission_id", "decision")] == [None] * 4


def test_ids_of_a_server_cannot_be_taken(make_site: SiteMaker) -> None:
    """A page that knows the id of an event to come does not keep the server from recording it."""
    site = make_site()
    taken = page_span("STEP_VIEW", 7)
    assert site.post(envelope(token(), traces(taken))).json == {}
    decision = page_span("APPROVED", 7)
    decision["traceId"] = trace_id(SESSION).hex()
    decision["attributes"].append({"key": "session.id", "value": {"stringValue": SESSION}})
    site.from_a_server(traces(decision))
    assert sorted(event["name"] for event in site.events()) == ["APPROVED", "STEP_VIEW"]


def test_a_session_of_another_project(make_site: SiteMaker) -> None:
    """A token of one project adds nothing to a session that belongs to another."""
    site = make_site()
    assert site.post(envelope(token(project="theirs"), traces(page_span()))).json == {}
    reply = site.post(envelope(token(project="acme"), traces(page_span("STEP_VIEW", 2))))
    assert reply.json["partialSuccess"]["rejectedSpans"] == "1"
    assert len(site.events()) == 1


def test_a_token_in_another_place(site: Site) -> None:
    """Neither query, cookie nor another scheme of authorization is looked at."""
    body = f"\n{NOW // 10**6}\n".encode() + GOOD
    refused(site.post(body, Cookie=f"token={token()}"), 401, "token")
    refused(site.bearer("x", GOOD, Authorization=f"Basic {token()}"), 401, "token")
    refused(site.bearer("", GOOD), 401, "token")


@pytest.mark.parametrize(
    ("shown", "reason"),
    [
        (f"{part({'alg': 'none', 'kid': KEY.id})}.{token().split('.')[1]}.", "token"),
        (f"{part({'alg': 'none', 'kid': KEY.id})}.{token().split('.')[1]}.AAAA", "token"),
        (f"{part({'alg': 'RS256', 'kid': KEY.id})}." + token().split(".", 1)[1], "token"),
        (token(Key(KEY.id, "-----BEGIN-PUBLIC-KEY-----" + "A" * 32)), "token"),
        (token(Key("unknown", KEY.secret)), "token"),
        (token(iat=SECONDS - 1800, exp=SECONDS), "expired"),
        (token(iat=SECONDS + 120, exp=SECONDS + 1800), "token"),
        (token(exp=SECONDS + 10**6), "token"),
        (token(aud="journeytrace"), "token"),
        (token(sub=None), "token"),
        (token() + "x" * 2048, "token"),
        ("", "token"),
        ("\ud7ff", "token"),
    ],
    ids=[
        "unsigned", "none", "RS256", "public key", "kid", "expired", "future", "long life",
        "audience", "no session", "long", "nothing", "no ascii",
    ],
)  # fmt: skip
def test_tokens(site: Site, shown: str, reason: str) -> None:
    """None of them opens anything, in either place; an expired one is told so."""
    refused(site.post(envelope(shown, GOOD)), 401, reason)
    if shown.isascii():
        refused(site.bearer(shown, GOOD), 401, reason)


def test_the_token_comes_before_all_else(site: Site) -> None:
    """Who has none learns nothing of the rest, be it too large, no JSON, or of no known kind."""
    refused(site.post(envelope("none", b"x" * 100_000)), 401, "token")
    refused(site.post(b"x" * 100_000), 401, "token")
    refused(site.bearer("none", b"{", Content_Encoding="br"), 401, "token")
    # The token is refused though the rest of the body never comes.
    with closing(connect(site)) as held:
        head = f"POST /journey HTTP/1.1\r\nHost: x\r\nOrigin: {FORM}\r\nContent-Type: text/plain"
        held.sendall(f"{head}\r\nContent-Length: 60000\r\n\r\nnone\n".encode())
        assert held.recv(12) == b"HTTP/1.1 401"


def test_too_large(site: Site) -> None:
    """64 KiB is the end: as sent, once decompressed, and whatever the request says of its size."""
    shown = token(sub="large")
    refused(site.post(envelope(shown, GOOD + b" " * 65_536)), 413, "too_large")
    refused(site.bearer(shown, GOOD + b" " * 65_536), 413, "too_large")
    bomb = gzip.compress(b" " * 20_000_000)
    assert len(bomb) < 65_536
    refused(site.bearer(shown, bomb, Content_Encoding="gzip"), 413, "too_large")
    bombs = gzip.compress(b"") * 20
    refused(site.bearer(shown, bombs, Content_Encoding="gzip"), 413, "too_large")
    chunk = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
    chunked = chunk * 3 + b"0\r\n\r\n"
    refused(site.bearer(shown, chunked, Transfer_Encoding="chunked"), 413, "too_large")


def test_a_body_that_breaks_off(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    """Chunks that are none are refused, and who hangs up midway leaves nothing behind."""
    head = f"POST /journey HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token()}\r\n"
    kind = "Content-Type: application/json\r\n"
    caplog.set_level("INFO")
    with closing(connect(site)) as held:
        held.sendall(f"{head}{kind}Transfer-Encoding: chunked\r\n\r\nzz\r\n".encode())
        assert held.recv(12)[9:] == b"400"
    assert not caplog.records
    before = site.outcomes()
    with closing(connect(site)) as held:
        held.sendall(f"{head}{kind}Content-Length: 5000\r\n\r\n".encode() + GOOD)
    wait_until("its end", lambda: site.outcomes()["timeout"] > before["timeout"])
    assert site.outcomes()["failed"] == 0


def test_too_many_events(site: Site) -> None:
    """Sixty-five events, or ten thousand, in one request are refused as a whole."""
    shown = token(sub="many")
    refused(site.post(envelope(shown, traces(*([{"spanId": "1"}] * 65)))), 413, "too_large")
    tiny = b'{"resourceSpans":[{"scopeSpans":[{"spans":[' + b",".join([b"{}"] * 10_000) + b"]}]}]}"
    refused(site.post(envelope(shown, tiny)), 413, "too_large")
    within = page_span()
    within["events"] = [{}] * 64
    refused(site.post(envelope(shown, traces(within))), 413, "too_large")


def test_an_event_that_is_too_large(site: Site) -> None:
    """8 KiB of metadata, and 64 attributes, are the most that one event may have."""
    wide: dict[str, Any] = {f"a{n}": "x" for n in range(70)}
    body = traces(page_span("STEP_VIEW", 1, a="x" * 8192), page_span("STEP_VIEW", 2, **wide))
    reply = site.post(envelope(token(sub="heavy"), body))
    assert reply.json["partialSuccess"]["rejectedSpans"] == "2"


def test_ten_thousand_events(make_site: SiteMaker) -> None:
    """A session gets a hundred in, and then has to wait; others do not."""
    site = make_site()
    replies = []
    for first in range(0, 10_000, 50):
        spans = [page_span("STEP_VIEW", n) for n in range(first + 1, first + 51)]
        replies.append(site.post(envelope(token(), traces(*spans))))
    late = [reply for reply in replies if reply.status != 200]
    # The burst, and what a slow machine lets come meanwhile.
    assert len(late) > 150
    for reply in late:
        refused(reply, 429, "limited_session")
        assert 1 <= int(reply.headers["retry-after"]) <= 10
    assert site.post(envelope(token(sub="other"), GOOD)).status == 200


def test_all_sessions_together(make_site: SiteMaker) -> None:
    """However many sessions there are, all of them together have an end, too."""
    site = make_site(limits={"rate": 0.001, "burst": 64})
    spans = [page_span("STEP_VIEW", n) for n in range(1, 61)]
    assert site.post(envelope(token(sub="a"), traces(*spans))).status == 200
    reply = site.post(envelope(token(sub="b"), traces(*spans)))
    refused(reply, 429, "limited_all")
    assert int(reply.headers["retry-after"]) > 1000


def test_slow_requests_of_one_session(site: Site) -> None:
    """Eight are on their way at a time; who opens more is told to wait, and others are not."""
    shown = token(sub="slow")
    head = f"POST /journey HTTP/1.1\r\nHost: x\r\nOrigin: {FORM}\r\nContent-Type: text/plain"
    begun = f"{head}\r\nContent-Length: 9000\r\n\r\n{shown}\n".encode()
    with ExitStack() as stack:
        for _ in range(8):
            held = stack.enter_context(closing(connect(site)))
            held.sendall(begun)

        def all_eight() -> bool:
            return b"wait for their answers" in site.bearer(shown, b"{").body

        wait_until("all eight", all_eight, pause=0.2)
        refused(site.bearer(shown, b"{"), 429, "limited_session")
        refused(site.bearer(token(sub="quick"), b"{"), 400, "malformed")
    wait_until("their end", lambda: site.bearer(shown, b"{").status == 400, pause=0.2)


def test_pages_take_no_room_from_services(make_site: SiteMaker) -> None:
    """Pages that hold all the bytes that pages may have keep pages waiting, and no service."""
    site = make_site(settings={"max_queued_bytes": 400_000, "max_request_bytes": 400_000})
    with ExitStack() as stack:
        for number in range(2):
            held = stack.enter_context(closing(connect(site)))
            shown = token(sub=f"held-{number}")
            head = f"POST /journey HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {shown}"
            kind = "Content-Type: application/json\r\nContent-Length: 60000"
            held.sendall(f"{head}\r\n{kind}\r\n\r\n".encode() + b" " * 45_000)
        full = envelope(token(sub="third"), GOOD + b" " * 20_000)
        last: list[Any] = []

        def full_up() -> bool:
            last[:] = [site.post(full)]
            return bool(last[0].status == 503)

        wait_until("the end of the room", full_up)
        refused(last[0], 503, "unavailable")
        assert last[0].headers["retry-after"] == "1"
        site.from_a_server(b'{"resourceSpans":[]}' + b" " * 250_000)


def test_addresses(make_site: SiteMaker) -> None:
    """An address has an end, and X-Forwarded-For makes no other one of it."""
    site = make_site(limits={"address_rate": 0.001, "address_burst": 3})
    for n in range(3):
        site.post(b"", X_Forwarded_For=f"198.51.100.{n}")
    reply = site.post(envelope(token(), GOOD), X_Forwarded_For="198.51.100.9")
    refused(reply, 429, "limited_address")
    assert int(reply.headers["retry-after"]) > 100


def test_addresses_behind_a_proxy(make_site: SiteMaker) -> None:
    """A named proxy's word counts: what it adds, and not what was there before."""
    limits = {"address_rate": 0.001, "address_burst": 1}
    site = make_site(limits=limits, proxies="127.0.0.0/8")
    good = envelope(token(), GOOD)
    assert site.post(good, X_Forwarded_For="198.51.100.1").status == 200
    assert site.post(good, X_Forwarded_For="198.51.100.2").status == 200
    for spoofed in ("203.0.113.1, 198.51.100.1", ["203.0.113.2", "198.51.100.1, 127.0.0.9"]):
        refused(site.post(good, X_Forwarded_For=spoofed), 429, "limited_address")


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example",
        "null",
        "http://form.example",
        "https://form.example.evil.example",
        "https://form.example:8443",
        "",
        [FORM, "https://evil.example"],
    ],
)
def test_foreign_origins(site: Site, origin: str | list[str]) -> None:
    """A page that is not listed is refused by the server, with either kind of token."""
    reply = site.post(envelope(token(), GOOD), Origin=origin)
    refused(reply, 403, "origin")
    refused(site.bearer(token(), GOOD, Origin=origin), 403, "origin")


def test_no_origin(site: Site) -> None:
    """What says no Origin is no page, and has to show its token as Bearer."""
    refused(site.post(envelope(token(), GOOD), Origin=[]), 403, "origin")


def test_a_sandboxed_frame(make_site: SiteMaker) -> None:
    """The origin `null` is everybody's, and taken only where it is listed."""
    site = make_site(origins="null")
    reply = site.post(envelope(token(), GOOD), Origin="null")
    assert (reply.status, reply.headers["access-control-allow-origin"]) == (200, "null")


@pytest.mark.parametrize(
    "body",
    [
        b"", b"\n", b"now\n{}", b"-1\n{}", b"1e3\n{}", b"9999999999999999\n{}", b"1",
        b"1\n[]", b"1\n{", b'1\n{"resourceSpans":1}', b"1\n" + b"[" * 60_000,
        b'1\n{"resourceSpans":[{"scopeSpans":[{"spans":' + b"[" * 40_000,
    ],
)  # fmt: skip
def test_bodies_that_are_none(site: Site, body: bytes) -> None:
    """Whoever has a token and sends nonsense is told what was expected."""
    refused(site.post(token(sub="nonsense").encode() + b"\n" + body), 400, "malformed")


@pytest.mark.parametrize(
    "headers",
    [
        {"Content_Type": "application/json"},
        {"Content_Type": "application/x-protobuf"},
        {"Content_Encoding": "gzip"},
    ],
)
def test_kinds_that_are_none(site: Site, headers: dict[str, str]) -> None:
    """The first line of a text is a token; anything else has to show it as Bearer."""
    refused(site.post(envelope(token(), GOOD), **headers), 400, "malformed")


@pytest.mark.parametrize(
    "headers",
    [
        {"Content_Type": "application/x-protobuf"},
        {"Content_Encoding": "br"},
        {"Content_Encoding": "gzip"},
    ],
)
def test_kinds_of_a_stock_sdk(site: Site, headers: dict[str, str]) -> None:
    """With a Bearer token it is OTLP/JSON, gzip or not, and what says gzip has to be."""
    refused(site.bearer(token(sub="kinds"), GOOD, **headers), 400, "malformed")


@pytest.mark.parametrize("span_id", ["", "00" * 8, "ab", "zz" * 8, 7, None])
def test_ids_that_are_none(site: Site, span_id: object) -> None:
    """An event without an id of its own is refused, for sent twice it would be two."""
    span = page_span()
    span["spanId"] = span_id
    reply = site.post(envelope(token(sub="ids"), traces(span)))
    assert reply.json["partialSuccess"]["rejectedSpans"] == "1"
