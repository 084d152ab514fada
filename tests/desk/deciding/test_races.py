"""Many decide at once, two have to agree, and who is told hears who decided and why."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from typing import Any

import pytest
from tests.desk.conftest import Desk, opened
from tests.desk.deciding.conftest import FORM, Case, admin, journey, version_in
from tests.support.events import SECOND, event
from tests.support.receivers import HttpReceiver, Received, spans_of
from tests.support.running import Enter
from tests.support.waiting import PATIENCE, join, wait_until

from journeytrace_collector.core.model import Event
from journeytrace_exporters.webhook_signature import verify

ANALYSTS = 20
SECRET = "sixteen or more characters"
SESSIONS = ("race", "agree", "race-2", "alone", "hits", "hits-2", "superseded", "told")


@pytest.fixture(scope="module")
def receiver(entering: Enter) -> HttpReceiver:
    """Whoever is told, by webhook and by OTLP."""
    found: HttpReceiver = entering(HttpReceiver())
    return found


@pytest.fixture(scope="module")
def board(
    known: None,  # noqa: ARG001 - has to be there
    either_store: dict[str, Any],
    receiver: HttpReceiver,
    entering: Enter,
    tmp_path_factory: pytest.TempPathFactory,
) -> Desk:
    """A desk over either store: in acme two people decide, in loose hits may stay open."""
    receiver.received.clear()
    place = f"http://127.0.0.1:{receiver.port}"
    endpoint = {"name": "crm", "url": f"{place}/hook", "secret": SECRET}
    exporters = {
        "webhook": {"allow_private_networks": True, "endpoints": [endpoint]},
        "otlp": {"endpoint": place, "protocol": "http/protobuf"},
    }
    data = tmp_path_factory.mktemp("board") / "data"
    return opened(
        entering,
        data,
        _sessions(),
        exporters=exporters,
        projects={"two": {"two_people": True}, "loose": {"approve_with_open_hits": True}},
        desk_review={"reasons": ["FORGED", "AGE_LIMIT"]},
        **either_store,
    )


def _sessions() -> list[Event]:
    projects = {"agree": "two", "alone": "two", "superseded": "two", "hits-2": "loose"}
    found = [one for name in SESSIONS for one in journey(name, project=projects.get(name, "acme"))]
    for name in ("hits", "hits-2"):
        said = json.dumps({"journey.screening.hits": 1})
        at = time.time_ns() - SECOND
        found.append(event("SCREENING_ENDED", at, session_id=name, metadata=said))
    return found


def samples(desk: Desk) -> Counter[str]:
    """Give how often each verdict was counted."""
    found = Counter[str]()
    for line in admin(desk, "/metrics").splitlines():
        if line.startswith("journey_verdicts_total{"):
            labels, _, value = line.rpartition(" ")
            found[labels] += int(float(value))
    return found


def test_of_many_verdicts_at_once_one_holds(board: Desk, receiver: HttpReceiver) -> None:
    """One of twenty is answered with the session, nineteen with what is new; none of it is lost."""
    case = Case(board, "race")
    version = case.version()
    begin = threading.Barrier(ANALYSTS)
    replies: dict[str, Any] = {}

    def decide(who: str, form: dict[str, str]) -> None:
        begin.wait(PATIENCE)
        replies[who] = case.decide(who, version, **form)

    forms = [{"decision": "approve"}, {"decision": "reject", "text": "I am sure."}]
    threads = [
        threading.Thread(target=decide, args=(f"analyst-{number}", forms[number % 2]), daemon=True)
        for number in range(ANALYSTS)
    ]
    for thread in threads:
        thread.start()
    join(*threads)

    assert Counter(reply.status for reply in replies.values()) == {303: 1, 409: ANALYSTS - 1}
    (winner,) = (who for who, reply in replies.items() if reply.status == 303)
    assert [one["actor"] for one in case.done()] == [winner]
    summary = case.summary()
    assert summary["decided_by"] == winner
    for who, reply in replies.items():
        if who != winner:
            assert f"{winner}: " in reply.text
            assert "I am sure." in reply.text or 'value="approve" required checked' in reply.text
    labels = f'journey_verdicts_total{{from="REJECTED",project="acme",to="{summary["decision"]}"}}'
    assert samples(board)[labels] == 1
    told = [one for one in hooks(receiver, 1, "race") if one["type"] == "decision_changed"]
    assert [one["session"]["decided_by"] for one in told] == [winner]

    # Every one of them can decide after all, one after the other.
    for who in sorted(replies)[:3]:
        assert case.decide(who, case.version(who), decision="approve").status == 303
    assert len(case.done()) == 4


def hooks(receiver: HttpReceiver, count: int, session_id: str) -> list[dict[str, Any]]:
    """Wait for so many webhooks about a session, all of which are signed; give them."""

    def arrived() -> list[Received]:
        found = [one for one in receiver.received if one.path == "/hook"]
        return [one for one in found if json.loads(one.body)["session"]["session_id"] == session_id]

    found = wait_until(
        f"{count} webhooks about {session_id}",
        lambda: here if len(here := arrived()) >= count else None,
    )
    for one in found:
        verify(SECRET, one.headers, one.body, time.time())
    return [json.loads(one.body) for one in found]


def test_who_is_told_hears_who_decided_and_why(board: Desk, receiver: HttpReceiver) -> None:
    """The webhook arrives signed, and the trace has the event with its person, reason and words."""
    case = Case(board, "told")
    text = "The photo was pasted in."
    form = {"decision": "reject", "reason": "FORGED", "text": text}
    assert case.decide("bob", case.version(), **form).status == 303
    (told,) = hooks(receiver, 1, "told")
    assert told["type"] == "decision_changed"
    assert told["before"] == {
        "decision": "REJECTED",
        "reason": "AGE_VERIFICATION",
        "decided_by": "AUTOMATIC",
    }
    keys = ("decision", "reason", "decided_by", "reason_text", "automatic_decision")
    assert [told["session"][key] for key in keys] == ["REJECTED", "FORGED", "bob", text, "REJECTED"]

    def verdict() -> dict[str, str] | None:
        requests = [one.request for one in list(receiver.received) if one.path == "/v1/traces"]
        for span in spans_of(*requests):
            said = {one.key: one.value.string_value for one in span.attributes}
            if span.name == "VERDICT_REJECTED" and said["session.id"] == "told":
                return said
        return None

    said = wait_until("the span of the verdict", verdict)
    assert said["journey.actor.id"] == "bob"
    assert said["journey.reason"] == "FORGED"
    assert said["journey.verdict.text"] == text
    assert said["journey.event.source"] == "OP"


def test_two_people_decide(board: Desk) -> None:
    """What one proposes decides nothing until another one agrees, whose verdict names it."""
    case = Case(board, "agree")
    form = {"decision": "reject", "reason": "FORGED", "text": "Look at the edges."}
    assert "You propose" in case.page("ann", FORM).text
    assert case.decide("ann", case.version("ann"), **form).status == 303
    assert case.summary()["decided_by"] == "AUTOMATIC"
    assert case.summary()["proposal"]["proposed_by"] == "ann"
    assert "Look at the edges." in case.page("ben").text

    # The same person decides nothing, whatever they send: they propose anew.
    assert case.decide("ANN", case.version("ann"), **form).status == 303
    assert case.summary()["decided_by"] == "AUTOMATIC"
    (_, proposed) = case.done()

    page = case.page("ben", FORM)
    assert "Agrees with ANN" in page.text
    assert case.decide("ben", version_in(page), decision="reject").status == 303
    *_, verdict = case.done()
    assert verdict["attributes"]["journey.verdict.proposal"] == proposed["event_id"]
    summary = case.summary()
    keys = ("decision", "decided_by", "reason", "reason_text", "proposal")
    assert [summary[key] for key in keys] == [
        "REJECTED",
        "ben",
        "FORGED",
        "Look at the edges.",
        None,
    ]


def test_who_does_not_agree_proposes(board: Desk) -> None:
    """A second person who says something else takes the place of what was proposed."""
    case = Case(board, "superseded")
    first = case.version("ann")
    assert case.decide("ann", first, decision="reject", text="No.").status == 303
    seen_by_eve = case.version("eve")
    assert case.decide("ben", case.version("ben"), decision="approve").status == 303
    assert case.summary()["decided_by"] == "AUTOMATIC"
    assert case.summary()["proposal"]["decision"] == "APPROVED"
    reply = case.decide("eve", seen_by_eve, decision="reject", text="No.")
    assert reply.status == 409
    assert "ben proposes: Approved by user" in reply.text
    assert case.decide("ann", case.version("ann"), decision="approve").status == 303
    assert case.summary()["decided_by"] == "ann"


@pytest.mark.parametrize(("session_id", "status"), [("hits", 409), ("hits-2", 303)])
def test_open_hits_keep_from_approving(board: Desk, session_id: str, status: int) -> None:
    """With open hits nobody is approved, but where the project allows it; rejecting is free."""
    case = Case(board, session_id)
    page = case.page("ann", FORM).text
    assert ("1 hit of the screening is open" in page) is (status == 409)
    reply = case.decide("ann", case.version(), decision="approve", text="My words.")
    assert reply.status == status
    if status == 409:
        assert "1 hit of the screening is open" in reply.text
        assert "My words.</textarea>" in reply.text
        assert case.done() == [one for one in case.done() if one["name"] == "SCREENING_ENDED"]
        assert case.decide("ann", version_in(reply), decision="reject", text="No").status == 303


def test_the_list_of_reasons_is_configured(board: Desk) -> None:
    """The form offers what the settings name, and the reason that is to be confirmed."""
    text = Case(board, "race-2").page("ann", FORM).text
    offered = [part.split('"')[0] for part in text.split('<option value="')[1:]]
    assert offered == ["", "FORGED", "AGE_LIMIT", "AGE_VERIFICATION"]
