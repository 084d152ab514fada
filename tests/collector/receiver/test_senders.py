"""Senders by name: each speaks for its sources and projects, and for no others."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from pydantic import SecretStr

from journeytrace_collector.core.rights import Rights
from journeytrace_collector.errors import ConfigError
from journeytrace_collector.security import Access
from journeytrace_collector.settings import Settings, load_settings

if TYPE_CHECKING:
    from pathlib import Path

    from tests.collector.receiver.conftest import Otlp, Running, Start

PLAIN = "plain-0123456789abcdef"
FRONT = "front-0123456789abcdef"
ACME = "acme-0123456789abcdef"
DESK = "desk-0123456789abcdef"
OTHER = "018f3b5e-0000-7000-8000-00000000000"


@pytest.fixture
def collector(start: Start) -> Running:
    """A collector that knows a plain token and three senders."""
    senders: dict[str, Any] = {
        "browser": {"token": FRONT, "sources": ["FE"]},
        "acme": {"token": ACME, "projects": ["acme"]},
        "desk": {"token": DESK, "sources": ["FE", "BE", "OP"]},
    }
    return start(token=PLAIN, senders=senders)


def send(collector: Running, otlp: type[Otlp], token: str, *spans: Any) -> tuple[int, str]:
    """Send spans over gRPC and over HTTP; gives what is rejected and why, the same for both."""
    body = otlp.traces(*spans).SerializeToString()
    shown = f"Bearer {token}"
    called = collector.call("traces", body, metadata=[("authorization", shown)])
    assert called.code is grpc.StatusCode.OK
    posted = collector.post("traces", body, Authorization=shown)
    assert posted.status == 200
    answers = [
        ExportTraceServiceResponse.FromString(answer).partial_success
        for answer in (called.body, posted.body)
    ]
    assert answers[0] == answers[1]
    return answers[0].rejected_spans, answers[0].error_message


def names(collector: Running, session: str) -> list[str]:
    """Give the names of a session's events."""
    return sorted(collector.names(session))


@pytest.mark.parametrize(
    ("token", "rejected"),
    [(PLAIN, ["OP"]), (FRONT, ["BE", "OP"]), (ACME, ["OP"]), (DESK, [])],
    ids=["plain", "browser", "acme", "desk"],
)
def test_sources(collector: Running, otlp: type[Otlp], token: str, rejected: list[str]) -> None:
    """A record of a source that its sender has no right to is rejected alone, by that right."""
    for source in ("FE", "BE", "OP"):
        span = otlp.span("OWN", {"journey.event.source": source})
        count, why = send(collector, otlp, token, otlp.span("STEP_VIEW"), span)
        if source in rejected:
            assert count == 1
            assert f"journey.event.source is {source}, and " in why
            assert f"no right to {source}" in why
        else:
            assert (count, why) == (0, "")
    assert "STEP_VIEW" in names(collector, "6f1c1f0e-8a54-4c0e-9d53-0d5d8a3a0c11")


@pytest.mark.parametrize(
    ("name", "said", "problem"),
    [
        ("NOTE_ADDED", {}, "journey.event.source must say OP for 'NOTE_ADDED'"),
        ("NOTE_ADDED", {"source": "BE"}, "journey.event.source is BE, must be OP for 'NOTE_ADDED'"),
        ("APPROVED", {"source": "OP"}, "source is OP, must be BE for 'APPROVED', which services"),
        ("OWN", {"source": "OP", "result": "PASS"}, "journey.event.result is PASS, must be absent"),
        ("OWN", {"source": "OP", "impact": "BLOCKED"}, "journey.event.impact is BLOCKED, must be"),
        ("VERDICT_APPROVED", {"source": "OP"}, "journey.actor.id is missing; 'VERDICT_APPROVED'"),
        ("ANALYSIS_SUMMARY", {"source": "FE"}, "is FE, must be BE for 'ANALYSIS_SUMMARY'"),
        ("ANALYSIS_SUMMARY", {"source": "OP"}, "is OP, must be BE for 'ANALYSIS_SUMMARY'"),
        ("ANALYSIS_SUMMARY", {"result": "FAIL"}, "journey.event.result is FAIL, must be absent"),
    ],
)
def test_what_people_do_says_so(
    collector: Running, otlp: type[Otlp], name: str, said: dict[str, str], problem: str
) -> None:
    """Even who has the right to OP is told what such a record has to say, and may not."""
    attributes = {f"journey.event.{key}": value for key, value in said.items()}
    count, why = send(collector, otlp, DESK, otlp.span("STEP_VIEW"), otlp.span(name, attributes))
    assert count == 1
    assert problem in why
    assert collector.names() == ["STEP_VIEW"]


def test_an_analysis_moves_nothing(collector: Running, otlp: type[Otlp]) -> None:
    """What a server says of the whole session is kept, and is neither its last event nor one of
    those that count.
    """
    said = {"summary": "All is well", "flags": ["a", "b"], "verdict": "APPROVED"}
    spans = otlp.span("STEP_VIEW"), otlp.span("ANALYSIS_SUMMARY", said)
    assert send(collector, otlp, PLAIN, *spans) == (0, "")
    (session,) = json.loads(collector.text("/api/v1/sessions"))["sessions"]
    assert [session[key] for key in ("decision", "events", "last_event")] == [None, 1, "STEP_VIEW"]
    assert sorted(collector.names()) == ["ANALYSIS_SUMMARY", "STEP_VIEW"]


@pytest.mark.parametrize("token", [PLAIN, FRONT, ACME])
@pytest.mark.parametrize("said", [{}, {"journey.event.source": "OP"}], ids=["implied", "said"])
def test_nobody_forges_a_verdict(
    collector: Running, otlp: type[Otlp], token: str, said: dict[str, str]
) -> None:
    """Without the right to OP a verdict is rejected, whether it says its source or not."""
    verdict = otlp.span("VERDICT_APPROVED", {"journey.actor.id": "eve", **said})
    count, why = send(collector, otlp, token, verdict, otlp.span("STEP_VIEW"))
    assert count == 1
    assert "journey.event.source is OP, and " in why
    assert "no right to OP" in why


def test_a_person_decides(collector: Running, otlp: type[Otlp]) -> None:
    """The desk's verdict is in the summary with the person, and its event under its source."""
    said = {"journey.event.source": "OP", "journey.actor.id": "ann"}
    confirmed = {**said, "journey.decision": "REJECTED", "journey.reason": "CUSTOM_POLICY"}
    spans = otlp.span("STEP_VIEW"), otlp.span("VERDICT_CONFIRMED", confirmed)
    assert send(collector, otlp, DESK, *spans) == (0, "")
    (session,) = json.loads(collector.text("/api/v1/sessions?source=OP"))["sessions"]
    decided = ("decision", "decided_by", "automatic_decision", "reason", "events", "last_event")
    assert [session[key] for key in decided] == [
        "REJECTED",
        "ann",
        None,
        "CUSTOM_POLICY",
        1,
        "STEP_VIEW",
    ]
    address = f"/api/v1/sessions/{session['session_id']}/events?source=OP"
    (found,) = json.loads(collector.text(address))["events"]
    assert (found["name"], found["source"], found["stage"]) == ("VERDICT_CONFIRMED", "OP", "REVIEW")
    assert found["attributes"]["journey.actor.id"] == "ann"


def test_an_invited_session_is_unknown(collector: Running, otlp: type[Otlp]) -> None:
    """The API knows nothing of a session that has not begun, and all of it from then on."""
    said = {"journey.event.source": "OP", "journey.actor.id": "ann"}
    assert send(collector, otlp, DESK, otlp.span("SESSION_INVITED", said)) == (0, "")
    assert collector.names() == []
    assert json.loads(collector.text("/api/v1/sessions"))["sessions"] == []
    send(collector, otlp, DESK, otlp.span("STEP_VIEW"))
    assert sorted(collector.names()) == ["SESSION_INVITED", "STEP_VIEW"]


def test_the_resolved_source_counts(collector: Running, otlp: type[Otlp]) -> None:
    """A decision that leaves out its source is the server's all the same."""
    count, why = send(collector, otlp, FRONT, otlp.span("APPROVED"), otlp.span("STEP_VIEW"))
    assert count == 1
    assert why == (
        "span 'APPROVED': journey.event.source is BE, and the sender 'browser' has no right to BE"
    )


def test_what_a_sender_may_not_send_is_counted_by_its_name(
    collector: Running, otlp: type[Otlp]
) -> None:
    """Records beyond a right count for their sender, also those on another project's session."""
    send(collector, otlp, FRONT, otlp.span("APPROVED"), otlp.span("STEP_VIEW"))
    send(collector, otlp, PLAIN, otlp.span("OWN", {"journey.project.id": "zebra"}))
    send(collector, otlp, ACME, otlp.span("OWN", {"journey.project.id": "beta"}))
    send(collector, otlp, ACME, otlp.span("STEP_VIEW"))
    page = collector.text("/metrics")
    found = re.findall(r'_records_forbidden_total\{sender="(\w*)"\} (\d+)', page)
    # Each request was sent twice, in either way.
    assert dict(found) == {"": "0", "browser": "2", "acme": "4", "desk": "0"}


@pytest.mark.parametrize("form", ["log", "span event"])
def test_each_form_is_checked(collector: Running, otlp: type[Otlp], form: str) -> None:
    """A span event or log record has no more rights than a span."""
    shown = [("authorization", f"Bearer {FRONT}")]
    if form == "log":
        records = (otlp.log("APPROVED"), otlp.log("STEP_VIEW"))
        answer = collector.call("logs", otlp.logs(*records).SerializeToString(), metadata=shown)
    else:
        span = otlp.span("STEP_VIEW")
        span.events.add(attributes=otlp.attributes("APPROVED"))
        answer = collector.call("traces", otlp.traces(span).SerializeToString(), metadata=shown)
    assert b"no right to BE" in answer.body
    assert collector.names() == ["STEP_VIEW"]


def test_projects(collector: Running, otlp: type[Otlp]) -> None:
    """A record that names a project of others is rejected alone."""
    own = otlp.span("OWN", {"journey.project.id": "acme"})
    none = otlp.span("NONE")
    foreign = otlp.span("FOREIGN", {"journey.project.id": "other", "session.id": f"{OTHER}1"})
    count, why = send(collector, otlp, ACME, own, none, foreign)
    assert count == 1
    assert "journey.project.id is 'other', and the sender 'acme' has no right to" in why
    assert collector.names() == ["OWN", "NONE"] or collector.names() == ["NONE", "OWN"]


def test_a_session_of_another_project(collector: Running, otlp: type[Otlp]) -> None:
    """A sender of one project adds nothing to another one's session, though it names none."""
    theirs = {"session.id": f"{OTHER}2", "journey.project.id": "other"}
    assert send(collector, otlp, PLAIN, otlp.span("SESSION_CREATED", theirs)) == (0, "")
    forged = otlp.span("APPROVED", {"session.id": f"{OTHER}2"})
    sound = otlp.span("STEP_VIEW", {"journey.project.id": "acme"})
    count, why = send(collector, otlp, ACME, forged, sound)
    assert count == 1
    assert why == (
        "event 'APPROVED': session.id belongs to a project that the sender 'acme' has no right to"
    )
    assert names(collector, f"{OTHER}2") == ["SESSION_CREATED"]
    assert collector.names() == ["STEP_VIEW"]


def test_the_message_names_the_sender_in_json_too(collector: Running, otlp: type[Otlp]) -> None:
    """OTLP/JSON is checked like protobuf."""
    body = json.dumps(otlp.json(otlp.traces(otlp.span("APPROVED")))).encode()
    answer = collector.post("traces", body, "json", Authorization=f"Bearer {FRONT}")
    assert "the sender 'browser' has no right to BE" in answer.body.decode()


@pytest.mark.parametrize(
    ("senders", "said"),
    [
        ({"a": {}}, "senders.a: has no token"),
        ({"a": {"token": FRONT}, "b": {"token": FRONT}}, "two of them have the same token"),
        ({"a": {"token": PLAIN}}, "two of them have the same token"),
    ],
)
def test_unusable_senders(senders: Any, said: str) -> None:
    """A sender without a token, or with another's, ends the start."""
    with pytest.raises(ConfigError) as caught:
        Access(Settings(token=SecretStr(PLAIN), senders=senders))
    assert said in str(caught.value)
    assert PLAIN not in str(caught.value)


def test_senders_in_a_file(tmp_path: Path) -> None:
    """The file gives each sender a token, sources and projects; the rest has a default."""
    file = tmp_path / "journeytrace.yaml"
    file.write_text(
        f"senders:\n  acme: {{token: {ACME}, projects: [acme]}}\n"
        f"  desk: {{token: {DESK}, sources: [OP]}}\n"
    )
    access = Access(load_settings(file, {}))
    acme = access.senders.check(f"Bearer {ACME}")
    desk = access.senders.check(f"Bearer {DESK}")
    assert acme == Rights("acme", frozenset({"FE", "BE"}), frozenset({"acme"}))
    assert desk == Rights("desk", frozenset({"OP"}), None)
    file.write_text("senders:\n  desk: {token: secretly}\n")
    with pytest.raises(ConfigError) as caught:
        load_settings(file, {})
    assert "senders.desk.token" in str(caught.value)
    assert "secretly" not in str(caught.value)
