"""Desks at which everybody who is named in a header is an analyst of everything."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from html import unescape
from re import search
from typing import Any
from urllib.parse import urlencode

import pytest
from aiohttp import web
from pydantic import SecretStr
from tests.desk.conftest import Desk, Reply, opened
from tests.support.events import MINUTE, SECOND, event
from tests.support.running import Enter

from journeytrace_collector.core.model import Event
from journeytrace_desk import create
from journeytrace_desk.access.actor import EVERYWHERE, Actor, Role

FORM = "/session/verdict"


def recognise(request: web.Request) -> Actor:
    """Take everybody for who they say that they are."""
    role = Role[request.headers.get("X-Role", "analyst").upper()]
    return Actor(request.headers.get("X-Who", "ann"), {EVERYWHERE: role})


@pytest.fixture(scope="module")
def known() -> Iterator[None]:
    """Let desks know people so."""
    with pytest.MonkeyPatch.context() as patch:
        factory = partial(create, recognise=recognise)
        patch.setattr("journeytrace_collector.admin.desk._find", lambda: factory)
        yield


def journey(
    session_id: str, decision: str | None = "REJECTED", project: str = "acme"
) -> list[Event]:
    """Make a session of a few minutes ago, with what was decided automatically."""
    at = time.time_ns() - 5 * MINUTE
    same = {"session_id": session_id}
    known = {"user_id": f"u-{session_id}", "project_id": project}
    found = [
        event("SESSION_CREATED", at, **same, **known),
        event("AGE_VERIFICATION", at + SECOND, result="FAIL", impact="REJECTED", **same),
    ]
    if decision is not None:
        reason = {"APPROVED": None, "REJECTED": "AGE_VERIFICATION", "PENDING": "COUNTRY_MISMATCH"}
        found.append(event(decision, at + 2 * SECOND, reason=reason[decision], **same))
    return found


@dataclass(frozen=True)
class Case:
    """One session at a desk, and those who decide of it."""

    desk: Desk
    session_id: str

    @property
    def address(self) -> str:
        """Of the form."""
        return f"{FORM}?{urlencode({'id': self.session_id})}"

    def page(self, who: str = "ann", path: str = "/session", **headers: str) -> Reply:
        """Open a page of the session."""
        return self.desk.get(f"{path}?{urlencode({'id': self.session_id})}", X_Who=who, **headers)

    def version(self, who: str = "ann") -> str:
        """Give the version that the form of somebody has now."""
        return version_in(self.page(who, FORM))

    def decide(self, who: str, version: str, headers: Any = None, **form: str) -> Reply:
        """Send the form."""
        sent = {"version": version, **form}
        return self.desk.post(self.address, sent, X_Who=who, **(headers or {}))

    def done(self) -> list[dict[str, Any]]:
        """Give what people did but look, as the API tells it."""
        return [
            one
            for one in told(self.desk, f"/{self.session_id}/events?source=OP")["events"]
            if one["name"] != "SESSION_VIEWED"
        ]

    def summary(self) -> dict[str, Any]:
        """Give the session as the API tells it."""
        return told(self.desk, f"/{self.session_id}")


def version_in(reply: Reply) -> str:
    """Give the version in the form of a page."""
    found = search(r'name="version" value="([^"]+)"', reply.text)
    assert found, reply.text
    return unescape(found[1])


def admin(desk: Desk, path: str) -> str:
    """Ask the admin address."""
    reply = replace(desk, url=f"http://{desk.admin}").get(path)
    assert reply.status == 200, reply.text
    return reply.text


def told(desk: Desk, path: str) -> dict[str, Any]:
    """Ask the API."""
    found: dict[str, Any] = json.loads(admin(desk, f"/api/v1/sessions{path}"))
    return found


Open = Callable[..., Case]


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def either_store(request: pytest.FixtureRequest) -> dict[str, Any]:
    """Settings of each store in turn."""
    if request.param == "sqlite":
        return {}
    return {"store": SecretStr(request.getfixturevalue("server").fresh())}


NUMBERS = range(6)


@pytest.fixture(scope="module")
def office(
    known: None,  # noqa: ARG001 - has to be there
    entering: Enter,
    tmp_path_factory: pytest.TempPathFactory,
) -> Desk:
    """A desk over SQLite with sessions of every decision."""
    data = tmp_path_factory.mktemp("office") / "data"
    events = [
        one
        for decision in ("APPROVED", "REJECTED", "PENDING", None)
        for number in NUMBERS
        for one in journey(f"{decision or 'OPEN'}-{number}".lower(), decision)
    ]
    return opened(entering, data, events)
