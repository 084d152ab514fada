"""Links that are sent: what leaves, what is told of it, and what is left of it."""

from __future__ import annotations

import email
import json
import logging
import re
import urllib.request
from email.message import Message
from html import unescape
from pathlib import Path

import pytest
from aiohttp import web
from tests.desk.inviting.conftest import House, opened_house
from tests.support.inviting import link_in
from tests.support.running import Enter
from tests.support.waiting import PATIENCE, wait_until

from journeytrace_collector.core.invitations import digest_of

SENT = '<span class="good">sent'


def mails(house: House, to: str) -> list[Message]:
    """Give the mails that came for somebody."""
    return [email.message_from_string(text) for whom, text in house.mailbox.mails if whom == to]


def text_of(mail: Message) -> str:
    """Give what somebody reads."""
    body = mail.get_payload(decode=True)
    assert isinstance(body, bytes)
    return body.decode()


def test_a_mail_arrives_with_the_link(either_house: House) -> None:
    """It says to what it invites and until when, and the page tells that it was sent."""
    house = either_house
    token = house.invite()
    page = house.send(token, "mail", " ann@example.com ")
    assert page.status == 200
    assert link_in(unescape(page.text)) == token
    house.told(token, f"ann@example.com</b> {SENT}")
    (mail,) = mails(house, "ann@example.com")
    assert link_in(text_of(mail)) == token
    assert "Open an account" in text_of(mail)
    assert (mail["To"], mail["From"]) == ("ann@example.com", "KYC <kyc@x.com>")
    assert mail["Auto-Submitted"] == "auto-generated"


def test_a_button_that_is_touched_twice_sends_one_mail(house: House) -> None:
    """What asks again with the same form is the same request; another form is another one."""
    token = house.invite()
    for once in ("1", "1", "2"):
        house.send(token, "mail", "twice@example.com", once)
    wait_until("two mails", lambda: len(mails(house, "twice@example.com")) >= 2)
    page = house.told(token, SENT)
    assert page.count("twice@example.com</b>") == 2
    assert len({mail["Message-ID"] for mail in mails(house, "twice@example.com")}) == 2


def test_a_mail_that_is_refused_is_told_and_never_parked(house: House) -> None:
    """The page says so with nothing left to deliver, and in nobody's log stands to whom it was."""
    token = house.invite()
    house.mailbox.answers.append(f"550 5.1.1 <no@example.com> will not read {token}")
    house.send(token, "mail", "no@example.com")
    house.told(token, "refused: it will not arrive")
    rows = house.desk.get("/invitations").text
    assert "refused: it will not arrive" in rows
    assert nothing_waits(house)


def test_a_mail_that_is_put_off_is_sent_later(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    """A server that is busy is asked again; the log quotes neither it nor the recipient."""
    token = house.invite()
    house.mailbox.answers.append(f"451 busy, later@example.com {token}")
    with caplog.at_level(logging.DEBUG):
        house.send(token, "mail", "later@example.com")
        house.told(token, SENT)
    assert len(mails(house, "later@example.com")) == 2
    assert "the server says 451" in caplog.text
    assert "later@example.com" not in caplog.text
    assert token not in caplog.text


def test_an_sms_leaves_as_the_settings_have_it(house: House) -> None:
    """The number without its spaces, the text with the link, after it was noted that it is sent."""
    token = house.invite()
    house.send(token, "sms", "+33 6 12-34 56 78")
    house.told(token, f"+33612345678</b> {SENT}")
    body = json.loads(house.gateway.received[-1].body)
    assert body["to"] == "+33612345678"
    assert link_in(body["text"]) == token


@pytest.mark.parametrize(
    ("status", "said"),
    [(400, "refused"), (302, "refused"), (503, "not known whether"), (408, "not known whether")],
)
def test_an_sms_that_may_have_arrived_is_not_sent_again(
    house: House, status: int, said: str
) -> None:
    """Without an idempotency key, an answer that leaves it open is told as that."""
    token = house.invite()
    before = len(house.gateway.received)
    to = {"Location": f"http://127.0.0.1:{house.gateway.port}/elsewhere"}
    house.gateway.answers.append(lambda: web.Response(status=status, headers=to, text=token))
    house.send(token, "sms", "+33600000001")
    house.told(token, said)
    assert nothing_waits(house)
    assert len(house.gateway.received) == before + 1


def test_an_sms_that_was_not_taken_is_sent_again(house: House) -> None:
    """A gateway that says "too many" has taken nothing."""
    token = house.invite()
    before = len(house.gateway.received)
    house.gateway.answers.append(lambda: web.Response(status=429))
    house.send(token, "sms", "+33600000002")
    house.told(token, SENT)
    assert len(house.gateway.received) == before + 2


@pytest.mark.parametrize(
    ("channel", "to"),
    [
        ("mail", "ann@example.com\r\nBcc: eve@example.com"),
        ("mail", "ann@example.com, eve@example.com"),
        ("mail", "ann@example.com\x00"),
        ("mail", "Ann <ann@example.com>"),
        ("mail", "@example.com"),
        ("mail", "a" * 300 + "@example.com"),
        ("mail", '"a b"@example.com'),
        ("sms", "112"),
        ("sms", "+33\r\nX: y"),
        ("sms", "+336000000000000000"),
        ("sms", ""),
        ("mail", ""),
    ],
)
def test_to_whom_nothing_can_be_sent(house: House, channel: str, to: str) -> None:
    """It is told with the form as it was filled in; nothing leaves, and nobody else is reached."""
    token = house.invite()
    before = (len(house.mailbox.mails), len(house.gateway.received))
    reply = house.send(token, channel, to)
    assert reply.status == 422
    assert "It must be" in reply.text
    assert link_in(unescape(reply.text)) == token
    assert nothing_waits(house)
    assert (len(house.mailbox.mails), len(house.gateway.received)) == before


def test_what_cannot_be_sent(house: House) -> None:
    """Nothing is sent that nobody could open, by a way that is not set up, or of a made-up link."""
    token = house.invite()
    assert house.send(token, "pigeon", "ann@example.com").status == 400
    assert house.send("A" * 43, "mail", "ann@example.com").status == 404
    house.revoke(token)
    assert house.send(token, "mail", "ann@example.com").status == 409


def test_what_waits_goes_with_the_link(
    entering: Enter,
    known: None,  # noqa: ARG001
    tmp_path: Path,
) -> None:
    """A mail that cannot leave is given up when its link expires or is taken back, never parked."""
    house = opened_house(entering, tmp_path / "data")
    revoked, late = house.invite(), house.invite()
    house.mailbox.answers.extend(["451 no"] * 2)
    for token in (revoked, late):
        house.send(token, "mail", "ann@example.com")
    wait_until("two attempts", lambda: len(house.mailbox.mails) == 2)
    house.mailbox.answers.extend(["451 no"] * 100)
    house.revoke(revoked)
    house.told(revoked, "taken back before")
    house.ahead = 86_400
    house.told(late, "before the link expired")
    wait_until("an empty outbox", lambda: nothing_waits(house))


def test_the_token_is_kept_nowhere(
    entering: Enter,
    known: None,  # noqa: ARG001
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Neither in a file of the store, nor a log line, metric or answer of the API, from beginning
    to end; and after an erasure neither is to whom it went."""
    house = opened_house(entering, tmp_path / "data")
    with caplog.at_level(logging.DEBUG):
        token = house.invite()
        house.mailbox.answers.append("451 not now")
        house.send(token, "mail", "ann@example.com")
        wait_until("an attempt", lambda: house.mailbox.mails)
        kept = bytes_of(house.data)
        house.told(token, SENT)
        house.send(token, "sms", "+33612345678")
        house.told(token, f"+33612345678</b> {SENT}")
        house.follow(token, "POST")
        kept += bytes_of(house.data)
    assert digest_of(token).hex().encode() in kept
    assert b"ann@example.com" in kept
    assert token.encode() not in kept
    assert token not in caplog.text
    assert token not in metrics(house)

    session = re.search(r"Session <code[^>]*>([^<]+)", house.told(token, "Session"))
    assert session is not None
    form = {"session": session[1], "confirm": session[1]}
    assert house.desk.post("/erase", form).status == 303
    assert house.follow(token).status == 404
    assert house.desk.post("/new/link", {"token": token}).status == 404
    wait_until("an erased disk", lambda: b"ann@example.com" not in bytes_of(house.data))


def bytes_of(folder: Path) -> bytes:
    """Give all that stands in the files of a store."""
    return b"".join(file.read_bytes() for file in sorted(folder.rglob("*")) if file.is_file())


def metrics(house: House) -> str:
    """Give what the admin port tells Prometheus."""
    with urllib.request.urlopen(f"http://{house.desk.admin}/metrics", timeout=PATIENCE) as answer:
        return str(answer.read().decode())


def nothing_waits(house: House) -> bool:
    """Whether the outbox is empty, with nothing parked in it."""
    found = re.findall(r"^journey_collector_outbox_rows.* (\S+)$", metrics(house), re.MULTILINE)
    assert found
    return not any(float(one) for one in found)
