"""The token that a service hands to a page."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from tests.instrumentation.test_never_raises import garbage

import journeytrace
from journeytrace import Journey, configure
from journeytrace.browser import AUDIENCE, Key, mint, read

if TYPE_CHECKING:
    from collections.abc import Mapping

pytestmark = pytest.mark.usefixtures("unconfigured")

KEY = Key("2026a", "0123456789abcdef0123456789abcdef")
OLD = Key("2025b", "fedcba9876543210fedcba9876543210")
TEXT = f"{KEY.id}:{KEY.secret}"


def claims(token: str, *keys: Key) -> dict[str, Any]:
    """Read a token."""
    return read(token, keys or [KEY])


def risen(before: Mapping[str, int]) -> set[str]:
    """Give the kinds of problems that are new since."""
    return {kind for kind, count in journeytrace.problems().items() if count > before.get(kind, 0)}


def test_a_token_of_a_new_session() -> None:
    """It names session, project, audience and start, and is good for as long as was asked."""
    configure(browser_key=TEXT)
    before = int(time.time())
    journey = Journey.start(project="acme")
    said = claims(journey.browser_token(minutes=45))
    assert said.pop("iat") - before in range(10)
    assert said.pop("exp") - before - 45 * 60 in range(10)
    assert said.pop("start") - before in range(10)
    assert said == {"sub": journey.session_id, "aud": AUDIENCE, "project": "acme"}


def test_the_key_may_stand_in_a_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    """As a service's other secrets do; what `configure` was given comes first."""
    monkeypatch.setenv("JOURNEYTRACE_BROWSER_KEY", f"{OLD.id}:{OLD.secret}")
    journey = Journey.resume("s")
    assert claims(journey.browser_token(), OLD)["sub"] == "s"
    configure(browser_key=TEXT)
    assert claims(journey.browser_token(), KEY)["sub"] == "s"


def test_a_refreshed_token_keeps_the_start() -> None:
    """Though it has expired, and though the key has been changed since."""
    configure(browser_key=f"{TEXT} {OLD.id}:{OLD.secret}")
    journey = Journey.resume("s")
    old = {"sub": "s", "aud": AUDIENCE, "iat": 2_000, "exp": 3_000, "start": 1_000}
    for key in (KEY, OLD):
        assert claims(journey.browser_token(previous=mint(key, old)))["start"] == 1_000
    del old["start"]
    assert claims(journey.browser_token(previous=mint(KEY, old)))["start"] == 2_000


@pytest.mark.parametrize(
    ("key", "changed"),
    [
        (Key(KEY.id, "x" * 32), {}),
        (KEY, {"sub": "another"}),
        (KEY, {"aud": "another"}),
        (KEY, {"start": "long ago"}),
        (KEY, {"start": -1}),
    ],
)
def test_a_start_that_is_not_ours(key: Key, changed: dict[str, object]) -> None:
    """A page cannot choose when its session began, nor take it from another session."""
    configure(browser_key=TEXT)
    old = {"sub": "s", "aud": AUDIENCE, "iat": 2_000, "exp": 3_000, "start": 1_000} | changed
    before = journeytrace.problems()
    said = claims(Journey.resume("s").browser_token(previous=mint(key, old)))
    assert said["start"] == said["iat"]
    assert risen(before) == {"bad_argument"}


@pytest.mark.parametrize("text", ["", "  ", "none", "a:short"])
def test_without_a_key(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """The token is empty, which is counted, and nothing is raised."""
    monkeypatch.setenv("JOURNEYTRACE_BROWSER_KEY", text)
    before = journeytrace.problems()
    assert Journey.start().browser_token() == ""
    assert risen(before) == {"no_browser_key"}


def test_without_a_session() -> None:
    """A false journey gives none."""
    configure(browser_key=TEXT)
    before = journeytrace.problems()
    assert Journey().browser_token() == ""
    assert risen(before) == {"no_journey"}


def test_a_key_that_is_none_is_refused_at_start() -> None:
    """By name, and without its secret: a process that starts can still be mended."""
    with pytest.raises(ValueError, match=r"^browser_key: .*32 or more") as caught:
        configure(browser_key="2026a:tooshort")
    assert "tooshort" not in str(caught.value)


@pytest.mark.parametrize("minutes", [0, 61, -1, True, "30", None, float("nan")])
def test_minutes_that_are_none(minutes: Any) -> None:
    """No token lives longer than the collector takes it: it lives for thirty minutes instead."""
    configure(browser_key=TEXT)
    before = journeytrace.problems()
    said = claims(Journey.resume("s").browser_token(minutes=minutes))
    assert said["exp"] - said["iat"] == 1800
    assert risen(before) == {"bad_argument"}


@given(garbage, garbage, garbage)
@settings(max_examples=60)
def test_it_never_raises(minutes: Any, project: Any, previous: Any) -> None:
    """Whatever a host hands in, it gets a text."""
    configure(browser_key=TEXT)
    token = Journey.resume("s").browser_token(minutes=minutes, project=project, previous=previous)
    assert isinstance(token, str)
