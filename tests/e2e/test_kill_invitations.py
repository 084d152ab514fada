"""kill -9 between "send" and the answer: one mail at least, one SMS at most, each told as it is."""

from __future__ import annotations

import asyncio
import http.client
import json
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing
from html import unescape
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest
import yaml
from tests.support.inviting import FORM, KEY, SECRET, URL, Mailbox, link_in, mail_to, sms_to
from tests.support.receivers import HttpReceiver
from tests.support.running import Enter, enter_in_background
from tests.support.waiting import PATIENCE, wait_until

if TYPE_CHECKING:
    from tests.e2e.conftest import Launch, Process

REPEATED = "Idempotency-Key"


@pytest.fixture
def enter() -> Iterator[Enter]:
    """Run what receives beside the test."""
    with enter_in_background() as enter:
        yield enter


@asynccontextmanager
async def unanswered() -> AsyncIterator[asyncio.Event]:
    """Give what an answer waits for until the test ends."""
    event = asyncio.Event()
    yield event
    event.set()


class Desk:
    """The desk of a process, asked as a browser without scripts would."""

    def __init__(self, process: Process) -> None:
        found = process._lines.find(r"the desk is on http://(\S+)")
        assert found
        self.place = found[1]

    def post(self, path: str, **form: str) -> str:
        """Send a form, and give the page that answers."""
        with closing(http.client.HTTPConnection(self.place, timeout=PATIENCE)) as connection:
            kind = {"Content-Type": "application/x-www-form-urlencoded"}
            connection.request("POST", path, urlencode(form), kind)
            return unescape(connection.getresponse().read().decode())

    def told(self, token: str, pattern: str) -> str:
        """Wait until the page of a link tells something, and give the page."""

        def look() -> str | None:
            page = self.post("/new/link", token=token)
            return page if re.search(pattern, page) else None

        return wait_until(f"{pattern!r} on the page of the link", look)


def config(folder: Path, **exporters: Any) -> str:
    """Write the settings, and give their file."""
    journey = {"name": "Open an account", "project": "acme", "form": FORM}
    settings = {
        "public": {"keys": {KEY: {"key": SECRET}}},
        "invitations": {"url": URL, "journeys": {"onboarding": journey}},
        "exporters": exporters,
    }
    file = folder / "config.yaml"
    file.write_text(yaml.safe_dump(settings))
    return str(file)


def flags(file: str) -> tuple[str, ...]:
    """Give what a collector is started with."""
    return ("--config", file, "--public", "127.0.0.1:0", "--desk", "127.0.0.1:0")


def test_a_mail_arrives_though_nobody_heard_that_it_was_taken(
    launch: Launch, enter: Enter, tmp_path: Path
) -> None:
    """It is sent again, under the same id, and told as sent."""
    mailbox = enter(Mailbox())
    mailbox.held = True
    file = config(tmp_path, mail=mail_to(mailbox.port))
    process = launch(*flags(file))
    desk = Desk(process)
    token = link_in(desk.post("/new", journey="onboarding"))
    desk.post("/new/send", token=token, channel="mail", to="ann@example.com", once="1")
    wait_until("the mail at its server", lambda: mailbox.mails)
    process.kill()
    mailbox.held = False

    again = launch(*flags(file))
    Desk(again).told(token, r"ann@example\.com</b> <span class=\"good\">sent")
    mails = [text for _, text in mailbox.mails]
    assert len(mails) == 2
    assert len({re.findall("Message-ID: .*", text)[0] for text in mails}) == 1
    assert {link_in(text) for text in mails} == {token}
    assert again.stop() == 0
    for one in (process, again):
        assert token not in one.log()
    assert not [f for f in tmp_path.rglob("*") if f.is_file() and token.encode() in f.read_bytes()]


@pytest.mark.parametrize("header", [None, REPEATED])
def test_an_sms_is_repeated_only_where_the_gateway_can_tell(
    launch: Launch, enter: Enter, tmp_path: Path, header: str | None
) -> None:
    """Without an idempotency key it is told that nobody knows; with one it is sent again by it."""
    gateway = enter(HttpReceiver())
    gateway.answers.append(enter(unanswered()))
    file = config(tmp_path, sms=sms_to(gateway.port, idempotency_header=header))
    process = launch(*flags(file))
    desk = Desk(process)
    token = link_in(desk.post("/new", journey="onboarding"))
    desk.post("/new/send", token=token, channel="sms", to="+33612345678", once="1")
    wait_until("the SMS at its gateway", lambda: gateway.received)
    desk.told(token, "being sent")
    process.kill()

    again = launch(*flags(file))
    said = "not known whether it arrived" if header is None else r"\"good\">sent"
    Desk(again).told(token, said)
    asked = gateway.received
    assert len(asked) == (1 if header is None else 2)
    if header is not None:
        assert len({one.headers[header.lower()] for one in asked}) == 1
    assert {link_in(json.loads(one.body)["text"]) for one in asked} == {token}
    assert again.stop() == 0
    assert token not in process.log() + again.log()


def test_a_parcel_outlives_its_settings_by_no_more_than_a_start(
    launch: Launch, enter: Enter, tmp_path: Path
) -> None:
    """Where nothing is set up any more to send it, it goes, and the page tells so."""
    mailbox = enter(Mailbox())
    mailbox.answers.extend(["451 no"] * 1_000)
    file = config(tmp_path, mail=mail_to(mailbox.port))
    process = launch(*flags(file))
    desk = Desk(process)
    token = link_in(desk.post("/new", journey="onboarding"))
    desk.post("/new/send", token=token, channel="mail", to="ann@example.com", once="1")
    wait_until("an attempt", lambda: mailbox.mails)
    process.kill()
    config(tmp_path)
    Desk(launch(*flags(file))).told(token, "nothing is configured any more")
