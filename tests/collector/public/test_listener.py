"""What a browser's events become, and how the listener answers."""

from __future__ import annotations

import gzip
import json
import re
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from tests.collector.public.conftest import (
    FORM,
    KEY,
    NOW,
    OLD,
    SESSION,
    Site,
    SiteMaker,
    ask,
    envelope,
    page_span,
    token,
    traces,
)
from tests.support.receivers import HttpReceiver, spans_of
from tests.support.running import enter_in_background, free_settings
from tests.support.waiting import wait_until

from journeytrace.browser import Key
from journeytrace.catalogue import builtin_catalogue
from journeytrace.identity import stage_span_id, trace_id
from journeytrace_collector.core.decode import Decoder
from journeytrace_collector.core.rights import ANYBODY
from journeytrace_collector.errors import ConfigError, StoreUnavailableError
from journeytrace_collector.public import app
from journeytrace_collector.public.rebuild import EVENT_LIMITS, rebuilt
from journeytrace_collector.public.token import check_token
from journeytrace_collector.receiver.otlp_json import read_traces
from journeytrace_collector.security import Access
from journeytrace_collector.settings import load_settings
from journeytrace_collector.store.sqlite import SqliteStore
from journeytrace_exporters.otlp.logged import logged_spans


def test_an_event_of_a_page(site: Site) -> None:
    """It is in the token's session and project, as the catalogue has it, under our service."""
    span = page_span("CAMERA_ERROR", path="/selfie", journey__error__code="QS-1")
    reply = site.post(envelope(token(sub="page-1"), traces(span)))
    assert (reply.status, reply.json) == (200, {})
    (event,) = site.events("page-1")
    assert event["name"] == "CAMERA_ERROR"
    assert [event[key] for key in ("source", "stage", "impact")] == ["FE", "CAMERA", "BLOCKED"]
    assert event["service"] == "browser"
    assert event["error_code"] == "QS-1"
    screen = event["attributes"].pop("journey.time.screen")
    assert datetime.fromisoformat(screen).timestamp() == int(span["startTimeUnixNano"]) / 1e9
    assert event["attributes"] == {"path": "/selfie"}
    summary = ask(site.collector.admin, "GET", "/api/v1/sessions/page-1").json
    assert summary["project_id"] == "acme"


def test_a_stock_sdk_needs_no_origin(site: Site) -> None:
    """OTLP/JSON with a Bearer token is taken, from anywhere that sends no Origin; gzip, too."""
    body = traces(page_span())
    assert site.bearer(token(sub="sdk"), body).status == 200
    packed = gzip.compress(traces(page_span("STEP_VIEW", 2)))
    assert site.bearer(token(sub="sdk"), packed, Content_Encoding="gzip").status == 200
    assert site.bearer(token(sub="sdk"), body, Origin=FORM).status == 200
    assert len(site.events("sdk")) == 2


def test_sent_twice_is_one_event(site: Site) -> None:
    """A retry with a later `sent_at` changes nothing."""
    for later in (0, 10**9):
        body = envelope(token(sub="twice"), traces(page_span(at=NOW - 10**9)), NOW + later)
        assert site.post(body).status == 200
    (event,) = site.events("twice")
    assert event["at"] == "2026-05-28T20:26:39.000000Z"


def test_a_refused_record_costs_no_other(site: Site) -> None:
    """The answer names it; the others are stored."""
    body = traces(
        page_span("STEP_VIEW", 1), page_span("APPROVED", number=2), page_span("STEP_VIEW", 3)
    )
    reply = site.post(envelope(token(sub="mixed"), body))
    assert reply.status == 200
    partial = reply.json["partialSuccess"]
    assert partial["rejectedSpans"] == "1"
    assert "'APPROVED'" in partial["errorMessage"]
    assert len(site.events("mixed")) == 2


def test_its_span_is_a_child_in_its_session() -> None:
    """What leaves is as the library makes it: under the stage, in the session's own trace."""
    claims = check_token(token(sub="leaves").encode(), (KEY,), NOW)
    request, _ = read_traces(traces(page_span()), ExportTraceServiceRequest())
    catalogue = builtin_catalogue()
    found = rebuilt(request, claims, catalogue, "web", sent_at=NOW, received=NOW)
    decoded = Decoder(catalogue, EVENT_LIMITS, carry_logged=True).told(*found, ANYBODY)
    ((session, leaving),) = logged_spans(decoded.logged, catalogue)
    (span,) = leaving.resource_spans[0].scope_spans[0].spans
    trace = trace_id("leaves")
    assert session == "leaves"
    assert span.trace_id == trace
    assert span.parent_span_id == stage_span_id(trace, "ENTRY")
    assert span.span_id == decoded.events[0].event_id
    assert leaving.resource_spans[0].resource.attributes[0].value.string_value == "web"


@pytest.mark.parametrize("passthrough", [True, False])
def test_it_leaves_with_its_session(make_site: SiteMaker, passthrough: bool) -> None:
    """An event of a page is forwarded as one span, whoever forwards the spans of services."""
    with enter_in_background() as enter:
        receiver = enter(HttpReceiver())
        otlp = {"endpoint": f"http://127.0.0.1:{receiver.port}", "protocol": "http/protobuf"}
        exporters = {"otlp": otlp | {"passthrough": passthrough}}
        site = make_site(settings={"exporters": exporters})
        body = envelope(token(), traces(page_span(), page_span("APPROVED", 2)))
        for _ in range(2):
            assert site.post(body).status == 200
        spans = wait_until("a span", lambda: spans_of(*[r.request for r in receiver.received]))
    # A retry may be forwarded again, as services' are: it is the same span.
    assert {(span.name, span.span_id) for span in spans} == {("STEP_VIEW", spans[0].span_id)}
    span = spans[0]
    assert span.trace_id == trace_id(SESSION)
    assert span.parent_span_id == stage_span_id(trace_id(SESSION), "ENTRY")


def test_a_store_that_is_down_uses_nothing_up(
    make_site: SiteMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A page that comes back until it is taken has sent its events once, and has them once."""
    site = make_site(limits={"session_events": 2})
    body = envelope(token(), traces(page_span(), page_span("STEP_VIEW", 2)))

    def full(*_: Any) -> Any:
        raise StoreUnavailableError("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(SqliteStore, "write", full)
        assert [site.post(body).status for _ in range(3)] == [503] * 3
    assert site.post(body).json == {}
    assert len(site.events()) == 2


def test_own_names_of_a_page(make_site: SiteMaker, tmp_path: Path) -> None:
    """The user's own FE events are taken, with what their catalogue says, and no BE ones."""
    own = tmp_path / "own.toml"
    own.write_text(
        '[events.MAP_SHOWN]\nsource = "FE"\nstage = "STEP1"\nimpact = "NONE"\nmeaning = "m"\n'
        '[events.MAP_CHECK]\nsource = "BE"\nstage = "STEP1"\nimpact = "NONE"\nmeaning = "m"\n'
    )
    site = make_site(settings={"catalogue": own})
    body = traces(page_span("MAP_SHOWN", 1), page_span("MAP_CHECK", 2))
    assert site.post(envelope(token(), body)).json["partialSuccess"]["rejectedSpans"] == "1"
    assert [(e["name"], e["stage"]) for e in site.events()] == [("MAP_SHOWN", "STEP1")]


def test_preflights_are_kept(site: Site) -> None:
    """A page of a listed origin learns what it may send; of another one it learns nothing."""
    asked = {"Access_Control_Request_Method": "POST"}
    good = ask(site.address, "OPTIONS", "/journey", Origin=FORM, **asked)
    assert good.status == 204
    assert good.headers["access-control-allow-origin"] == FORM
    assert good.headers["access-control-max-age"] == "86400"
    assert "Authorization" in good.headers["access-control-allow-headers"]
    bad = ask(site.address, "OPTIONS", "/journey", Origin="https://evil.example", **asked)
    assert bad.status == 403
    assert not [name for name in bad.headers if name.startswith("access-control")]


def test_a_page_can_read_why(site: Site) -> None:
    """Refusals are readable across origins, in a word and a sentence, with what to wait."""
    reply = site.post(envelope("no-token", traces()))
    assert reply.status == 401
    assert reply.headers["access-control-allow-origin"] == FORM
    assert reply.headers["access-control-expose-headers"] == "Retry-After"
    assert reply.headers["www-authenticate"] == "Bearer"
    assert reply.json["reason"] == "token"


def test_every_outcome_is_counted(make_site: SiteMaker) -> None:
    """Each is there at 0 before, and rises with a request of its kind."""
    site = make_site()
    before = site.outcomes()
    assert set(before.values()) == {0}
    assert len(before) == 13
    site.post(envelope(token(), traces(page_span())))
    site.post(envelope(token(), traces(page_span("APPROVED"))))
    site.post(envelope(token(exp=NOW // 10**9), traces()))
    site.post(envelope("none", traces()))
    site.post(envelope(token(), traces()), Origin="https://evil.example")
    site.post(envelope(token(), b"{"))
    site.post(envelope(token(), b" " * 65_536))
    risen = {name for name, count in site.outcomes().items() if count == 1}
    assert risen == {"accepted", "partial", "expired", "token", "origin", "malformed", "too_large"}


def test_it_says_that_it_runs(site: Site) -> None:
    """Without a token, and it says nothing else."""
    assert ask(site.address, "GET", "/healthz").body == b"ok\n"
    assert ask(site.address, "GET", "/v1/traces").status == 404
    assert ask(site.address, "GET", "/api/v1/sessions").status == 404
    assert ask(site.address, "GET", "/journey").status == 405


def test_the_script_is_fetched_once(
    make_site: SiteMaker, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """It has a strong tag of what is in it, and is not sent again while it is the same."""
    script = tmp_path / "journeytrace.js"
    script.write_text("export {}")
    monkeypatch.setattr(app, "_SCRIPT", script)
    site = make_site(script_path="/j.js")
    first = ask(site.address, "GET", "/j.js")
    assert (first.status, first.body) == (200, b"export {}")
    assert first.headers["content-type"] == "text/javascript; charset=utf-8"
    assert first.headers["cache-control"] == "no-cache"
    tag = first.headers["etag"]
    assert re.fullmatch(r'"[0-9a-f]{32}"', tag)
    for asked in (tag, f'"other", {tag}', f"W/{tag}", "*"):
        again = ask(site.address, "GET", "/j.js", If_None_Match=asked)
        assert (again.status, again.body, again.headers["etag"]) == (304, b"", tag)
    assert ask(site.address, "GET", "/j.js", If_None_Match='"other"').status == 200


def test_paths_are_free(make_site: SiteMaker) -> None:
    """Ad blockers know the usual words, so events are posted wherever the settings say."""
    site = make_site(path="/form/j", service="web")
    body = envelope(token(), traces(page_span()))
    kind = {"Origin": FORM, "Content_Type": "text/plain"}
    assert ask(site.address, "POST", "/form/j", body, **kind).status == 200
    assert ask(site.address, "POST", "/journey", body, **kind).status == 404
    assert site.events()[0]["service"] == "web"


def test_keys_rotate_without_a_gap(site: Site) -> None:
    """While both keys are in the settings, tokens of both are taken."""
    for number, key in enumerate((OLD, KEY), 1):
        body = envelope(token(key, sub="rotated"), traces(page_span("STEP_VIEW", number)))
        assert site.post(body).status == 200
    assert len(site.events("rotated")) == 2


def test_what_the_store_has_counts(make_site: SiteMaker) -> None:
    """A session of which nobody here remembers a thing has sent what is stored of it."""
    site = make_site(limits={"session_events": 3})
    known = [page_span("STEP_VIEW", n, session__id=SESSION) for n in (1, 2)]
    for span in known:
        span["traceId"] = trace_id(SESSION).hex()
    site.from_a_server(traces(*known))
    spent = site.post(
        envelope(token(), traces(page_span("STEP_VIEW", 3), page_span("STEP_VIEW", 4)))
    )
    assert spent.status == 200
    assert spent.json["partialSuccess"]["rejectedSpans"] == "2"
    assert "3 events in all" in spent.json["partialSuccess"]["errorMessage"]
    assert site.post(envelope(token(), traces(page_span("STEP_VIEW", 3)))).json == {}
    assert len(site.events()) == 3


def test_the_queue_is_full(make_site: SiteMaker) -> None:
    """Then the page comes back in a moment, as any sender."""
    site = make_site(settings={"max_queued_bytes": 1024, "max_request_bytes": 512})
    reply = site.post(envelope(token(), traces(page_span(more="x" * 2000))))
    assert reply.status == 503
    assert reply.headers["retry-after"] == "1"
    assert reply.json["reason"] == "unavailable"


@pytest.mark.parametrize(
    ("public", "said"),
    [
        ({"listen": "127.0.0.1:0"}, "public: keys: is missing"),
        ({"listen": "nowhere"}, "public.listen: must be host:port"),
        ({"keys": {"a b": {"key": "x" * 32}}}, "public.keys.a b"),
        ({"keys": {"a": {"key": "short"}}}, "public.keys.a.key: must be 32 or more"),
        ({"origins": "https://a.example/path"}, "as browsers say it"),
        ({"origins": "*"}, "as browsers say it"),
        ({"proxies": "10.0.0.0/33"}, "public.proxies: must be addresses"),
        ({"path": "journey"}, "public.path: must be a path"),
        ({"path": "/a?b"}, "public.path: must be a path"),
        ({"path": "/healthz"}, "public.path: must be another one"),
        ({"path": "/a", "script_path": "/a"}, "public: script_path: must be another"),
        ({"limits": {"session_burst": 10}}, "public.limits.session_burst"),
        ({"limit": {}}, "public.limit: is unknown; did you mean"),
    ],
)
def test_settings_that_will_not_do(tmp_path: Path, public: dict[str, Any], said: str) -> None:
    """They are refused at start, by the key that is wrong."""
    file = tmp_path / "collector.yaml"
    file.write_text(json.dumps({"public": public}))
    with pytest.raises(ConfigError) as caught:
        load_settings(file, {})
    assert said in str(caught.value)
    assert "short" not in str(caught.value)


def test_settings_in_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The flag is the address; lists are words; a key can stand in a variable or a file."""
    secret = tmp_path / "key"
    secret.write_text("x" * 32 + "\n")
    secret.chmod(0o600)
    file = tmp_path / "collector.yaml"
    file.write_text(
        "public:\n  origins: HTTPS://A.example, null\n  proxies: 10.0.0.0/8 ::1\n"
        f"  keys: {{one: {{key_file: {secret}}}}}\n"
    )
    monkeypatch.setenv("JOURNEYTRACE_PUBLIC__KEYS__TWO__KEY", "y" * 32)
    monkeypatch.setenv("JOURNEYTRACE_BROWSER_KEY", "one:" + "x" * 32)
    settings = load_settings(file, {"public": "127.0.0.1:0"})
    assert str(settings.public.listen) == "127.0.0.1:0"
    assert settings.public.origins == ("https://a.example", "null")
    assert [str(one) for one in settings.public.proxies] == ["10.0.0.0/8", "::1/128"]
    assert Access(settings).browser_keys == (Key("one", "x" * 32), Key("two", "y" * 32))
    with pytest.raises(ConfigError, match=r"^--public: must be host:port"):
        load_settings(file, {"public": "here"})


def test_a_key_file_without_a_key(tmp_path: Path) -> None:
    """A file that holds none is refused, and so is a key beside its file."""
    file = tmp_path / "key"
    file.write_text("short")
    file.chmod(0o600)
    for key, said in (
        ({"key_file": str(file)}, "must be 32 or more"),
        ({"key_file": str(tmp_path / "none")}, "cannot be read"),
        ({"key_file": str(file), "key": "x" * 32}, "either key or key_file"),
        ({}, "either key or key_file"),
    ):
        with pytest.raises(ConfigError, match=rf"public\.keys\.a.*{said}"):
            Access(free_settings(tmp_path, public={"keys": {"a": key}}))


def test_nobody_listens_by_default(tmp_path: Path) -> None:
    """Without --public there is no port, whatever else the settings say."""
    assert free_settings(tmp_path, public={"origins": [FORM]}).public.listen is None
