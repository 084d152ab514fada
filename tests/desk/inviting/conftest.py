"""A desk that invites, the public listener that its links lead to, and those who send them."""

from __future__ import annotations

import http.client
import time
from contextlib import closing
from dataclasses import dataclass
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from tests.desk.access.conftest import known as known  # noqa: PLC0414 - a fixture
from tests.desk.conftest import Desk, Reply
from tests.support.inviting import Mailbox, inviting, link_in, mail_to, sms_to
from tests.support.receivers import HttpReceiver
from tests.support.running import Enter, free_settings
from tests.support.waiting import PATIENCE, wait_until

from journeytrace_collector.core.invitations import digest_of
from journeytrace_collector.process import Collector
from journeytrace_collector.settings import Address

__all__ = ["House"]


@dataclass
class House:
    """All of it. Time goes on as fast as it does, and `ahead` of it."""

    desk: Desk
    public: str
    """Where the public listener is."""
    mailbox: Mailbox
    gateway: HttpReceiver
    data: Path
    ahead: float = 0
    """Seconds."""

    def now(self) -> int:
        """Give the time in ns."""
        return time.time_ns() + round(self.ahead * 1e9)

    def invite(self, journey: str = "onboarding", **headers: str) -> str:
        """Make a link at the desk, and give its token."""
        reply = self.desk.post("/new", {"journey": journey}, **headers)
        assert reply.status == 200, reply.text
        return link_in(unescape(reply.text))

    def send(self, token: str, channel: str, to: str, once: str = "1", **headers: str) -> Reply:
        """Have a link sent."""
        form = {"token": token, "channel": channel, "to": to, "once": once}
        return self.desk.post("/new/send", form, **headers)

    def told(self, token: str, word: str) -> str:
        """Wait until the page of a link tells what became of what was sent, and give the page."""

        def look() -> str | None:
            text = unescape(self.desk.post("/new/link", {"token": token}).text)
            return text if word in text else None

        return wait_until(f"{word!r} on the page of the link", look)

    def revoke(self, token: str) -> None:
        """Take a link back."""
        form = {"id": digest_of(token).hex()}
        assert self.desk.post("/invitations/revoke", form).status == 303

    def follow(self, token: str, method: str = "GET", **headers: str) -> Reply:
        """Follow a link, or post to it."""
        return self.at_public(method, f"/i/{token}", **headers)

    def at_public(self, method: str, path: str, **headers: str) -> Reply:
        """Ask the public listener; ``X_Y`` stands for the header ``X-Y``."""
        with closing(http.client.HTTPConnection(self.public, timeout=PATIENCE)) as connection:
            sent = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method, path, headers=sent)
            answer = connection.getresponse()
            found = {name.lower(): value for name, value in answer.getheaders()}
            return Reply(answer.status, found, answer.read().decode())


def cookie_of(reply: Reply) -> str:
    """Give the cookie that an answer sets, as a browser sends it back."""
    return reply.headers["set-cookie"].partition(";")[0]


def opened_house(enter: Enter, data: Path, **settings: Any) -> House:
    """Run all of it."""
    mailbox, gateway = enter(Mailbox()), enter(HttpReceiver())
    house = House(Desk("", "", ""), "", mailbox, gateway, data)
    yearly = {"name": "Yearly check", "project": "globex", "form": "http://localhost:2/yearly"}
    walked = {"name": "Walk", "project": "acme", "form": f"http://127.0.0.1:{gateway.port}/form"}
    known = inviting(yearly=yearly, walked=walked) | {
        "exporters": {"mail": mail_to(mailbox.port), "sms": sms_to(gateway.port)}
    }
    chosen = free_settings(data, desk=Address("127.0.0.1", 0), **(known | settings))
    collector: Collector = enter(Collector(chosen, house.now))
    house.desk = Desk(f"http://{collector.desk}", str(collector.admin), str(collector.otlp_http))
    house.public = str(collector.public)
    return house


@pytest.fixture(scope="module")
def house(
    known: None,  # noqa: ARG001 - has to be there
    entering: Enter,
    tmp_path_factory: pytest.TempPathFactory,
) -> House:
    """All of it, over SQLite."""
    return opened_house(entering, tmp_path_factory.mktemp("house") / "data")


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def either_house(
    request: pytest.FixtureRequest,
    known: None,  # noqa: ARG001 - has to be there
    entering: Enter,
    tmp_path_factory: pytest.TempPathFactory,
) -> House:
    """All of it, over each of the stores."""
    settings = {}
    if request.param == "postgresql":
        settings["store"] = SecretStr(request.getfixturevalue("server").fresh())
    return opened_house(entering, tmp_path_factory.mktemp("either") / "data", **settings)
