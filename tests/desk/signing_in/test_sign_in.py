"""Signing in at a provider of OpenID Connect, over real connections."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from joserfc.jwk import RSAKey
from tests.desk.conftest import Reply
from tests.desk.signing_in.conftest import Browser, World, with_provider
from tests.support.oidc_provider import Provider
from tests.support.running import Enter

from journeytrace_desk.access.sessions import COOKIE
from journeytrace_desk.access.sign_in import ATTEMPT_COOKIE

DISCOVERY = "/.well-known/openid-configuration"
OTHER = RSAKey.generate_key(2048, {"kid": "key-0"})


@pytest.mark.parametrize("path", ["/", "/sessions", "/session?id=x", "/sessions.csv", "/help"])
def test_whoever_has_not_signed_in_sees_nothing(world: World, path: str) -> None:
    """Each address answers 401 with a way in that leads back, and tells nothing else."""
    reply = world.browser().get(path)
    assert reply.status == 401
    assert 'href="/sign-in?to=%2F' in reply.text
    assert "attempt-" not in reply.text
    assert "/find" not in reply.text


def test_somebody_signs_in_and_is_back_where_they_wanted_to_be(world: World) -> None:
    """With a cookie for this host, that no script reads and that never travels in the clear."""
    browser = world.browser()
    reply = browser.sign_in("/session?id=attempt-1#x")
    assert (reply.status, reply.headers["location"]) == (303, "/session?id=attempt-1#x")
    cookie = browser.given[COOKIE]
    assert (cookie["secure"], cookie["httponly"]) == (True, True)
    assert (cookie["samesite"], cookie["path"], cookie["domain"]) == ("Lax", "/", "")
    page = browser.get("/sessions")
    assert page.status == 200
    assert "ann@example.com" in page.text
    assert "Sign out" in page.text


def test_the_provider_chooses_how_the_secret_is_shown(
    entered: Enter, tmp_path: Path, world: World
) -> None:
    """In the form, where it takes it nowhere else."""
    other = with_provider(entered, tmp_path, world.clock)
    other.provider.by_post = True
    assert other.signed_in().get("/sessions").status == 200


def test_the_end_of_a_sign_in_belongs_to_its_beginning(world: World) -> None:
    """What another browser began is refused in this one, with or without a beginning of its own."""
    theirs = world.browser().to_provider()
    mine = world.browser()
    assert mine.get(theirs).status == 403
    mine.to_provider()
    assert mine.get(theirs).status == 403
    assert COOKIE not in mine.cookies


def test_a_token_of_another_sign_in_is_refused(world: World) -> None:
    """The nonce in it has to be the one of this browser."""
    browser = world.browser()
    world.provider.forged = {"nonce": "another"}
    assert browser.sign_in().status == 403
    assert COOKIE not in browser.cookies


def test_a_code_is_good_once(world: World) -> None:
    """The same end of the same sign-in is refused, even if the provider takes the code again."""
    world.provider.forgets = True
    browser = world.browser()
    back = browser.to_provider()
    before = dict(browser.cookies)
    assert browser.get(back).status == 303
    again = Browser(world.url, before)
    assert again.get(back).status == 403
    assert COOKIE not in again.cookies


def test_a_sign_in_takes_no_longer_than_it_may(world: World) -> None:
    """After ten minutes its end is refused."""
    browser = world.browser()
    back = browser.to_provider()
    world.clock.advance(601)
    reply = browser.get(back)
    assert (reply.status, "too long" in reply.text) == (403, True)


def _hs256(provider: Provider) -> None:
    provider.header = {"alg": "HS256"}
    provider.secret = provider.pem()


def _unknown_key(provider: Provider) -> None:
    provider.header = {"kid": "invented"}


def _secret_key(provider: Provider) -> None:
    provider.header = {"alg": "HS256", "kid": "secret"}


def _forged(**claims: Any) -> Callable[[Provider], None]:
    def forge(provider: Provider) -> None:
        now = provider.clock() // 10**9
        moved = {"exp", "nbf", "iat"}
        provider.forged = {
            name: now + value if name in moved and isinstance(value, int) else value
            for name, value in claims.items()
        }

    return forge


@pytest.mark.parametrize(
    "misbehave",
    [
        pytest.param(lambda p: setattr(p, "header", {"alg": "none"}), id="alg none"),
        pytest.param(_hs256, id="HS256 by the public key"),
        pytest.param(_secret_key, id="HS256 by a published secret"),
        pytest.param(lambda p: setattr(p, "header", {"alg": "RS384"}), id="another algorithm"),
        pytest.param(lambda p: setattr(p, "key", OTHER), id="another key of the same name"),
        pytest.param(_unknown_key, id="a key that nobody knows"),
        pytest.param(lambda p: setattr(p, "header", {"crit": ["x"], "x": 1}), id="crit"),
        pytest.param(_forged(iss="https://evil.example.com"), id="another issuer"),
        pytest.param(_forged(aud="another"), id="another audience"),
        pytest.param(_forged(aud=["desk", "another"]), id="several audiences"),
        pytest.param(_forged(azp="another"), id="another presenter"),
        pytest.param(_forged(exp=-31), id="expired"),
        pytest.param(_forged(exp="never"), id="an end that is no number"),
        pytest.param(_forged(exp=float("nan")), id="an end that is not a number"),
        pytest.param(_forged(exp=None), id="no end"),
        pytest.param(_forged(nbf=60), id="not yet"),
        pytest.param(_forged(iat=60), id="from the future"),
        pytest.param(_forged(nonce=None), id="no nonce"),
        pytest.param(_forged(iss=None), id="no issuer"),
        pytest.param(_forged(aud=None), id="no audience"),
        pytest.param(_forged(sub=None, email=None), id="nobody"),
        pytest.param(_forged(sub="", email=None), id="an empty name"),
        pytest.param(_forged(email="a\x00b"), id="a name that cannot be shown"),
        pytest.param(_forged(sub=["ann@example.com"], email=None), id="a name that is no text"),
        pytest.param(_forged(groups={"support": 1}), id="groups that are no list"),
    ],
)
def test_what_proves_nothing_opens_nothing(
    world: World, misbehave: Callable[[Provider], None]
) -> None:
    """A token that is not signed, for this desk, for now, by a key of the provider is refused."""
    misbehave(world.provider)
    browser = world.browser()
    reply = browser.sign_in()
    assert (reply.status, reply.headers.get("location")) == (403, None)
    assert COOKIE not in browser.cookies
    world.provider.behave()
    assert world.signed_in().get("/sessions").status == 200


def test_an_address_counts_when_it_is_verified(world: World) -> None:
    """Else somebody is known by what the provider calls them, which has no role here."""
    for verified in (False, None, "true"):
        world.provider.forged = {"email_verified": verified, "groups": None}
        reply = _page_of(world)
        assert (reply.status, "s-1" in reply.text) == (403, True)


def test_whoever_has_no_role_is_told_whom_to_ask(world: World) -> None:
    """They are known, see nothing, and can sign out."""
    world.provider.forged = {"email": "eve@example.com", "groups": ["lunch"]}
    reply = _page_of(world)
    assert reply.status == 403
    assert "eve@example.com" in reply.text
    assert "kyc@example.com" in reply.text
    assert "Sign out" in reply.text
    assert "attempt-" not in reply.text


def test_a_group_opens_the_desk(world: World) -> None:
    """Whoever is in one that has a role needs no entry of their own."""
    world.provider.forged = {"email": "eve@example.com"}
    assert _page_of(world).status == 200


def _page_of(world: World) -> Reply:
    browser = world.browser()
    assert browser.sign_in().status == 303
    return browser.get("/sessions")


def test_keys_are_asked_for_again_when_they_change(world: World) -> None:
    """A new key is taken the moment it signs; invented ones do not keep us asking."""
    world.signed_in()
    world.clock.advance(11)
    world.provider.rotated = 1
    world.signed_in()
    world.provider.asked.clear()
    world.provider.header = {"kid": "invented"}
    for _ in range(3):
        assert world.browser().sign_in().status == 403
    assert world.provider.asked.count("/jwks") == 0
    world.clock.advance(11)
    assert world.browser().sign_in().status == 403
    assert world.provider.asked.count("/jwks") == 1


def test_no_session_is_slipped_in(world: World) -> None:
    """Signing in ends what the browser held before, and begins under an id of its own."""
    world.provider.forged = {"email": "eve@example.com"}
    eve = world.signed_in()
    slipped = eve.cookies[COOKIE]
    world.provider.behave()
    ann = Browser(world.url, {COOKIE: slipped})
    ann.sign_in()
    assert ann.cookies[COOKIE] != slipped
    assert "ann@example.com" in ann.get("/sessions").text
    assert eve.get("/sessions").status == 401


def test_the_provider_may_refuse(world: World) -> None:
    """What it says about it is not repeated on the page."""
    browser = world.browser()
    back = browser.to_provider()
    reply = browser.get(f"/sign-in/callback?error=%3Cb%3Eevil&state={world.state(back)}")
    assert (reply.status, "evil" in reply.text) == (403, False)
    assert browser.get(f"{back}&iss=https://evil.example.com").status == 403
    assert browser.get(f"{back}&state=x").status == 403
    assert browser.get("/sign-in/callback").status == 403
    assert browser.get(f"/sign-in/callback?state={world.state(back)}").status == 403
    assert browser.get(back).status == 303
    assert ATTEMPT_COOKIE not in browser.cookies


def _huge(_: web.Request) -> web.Response:
    return web.Response(text='{"x": "' + "x" * 300_000 + '"}', content_type="application/json")


def _elsewhere(request: web.Request) -> web.Response | None:
    if request.query:
        return None
    return web.Response(status=307, headers={"Location": f"{request.path}?followed=1"})


OUT_OF_ORDER = [
    pytest.param(_huge, id="too much"),
    pytest.param(lambda _: web.Response(text="<html>"), id="no JSON"),
    pytest.param(lambda _: web.Response(text="[" * 100_000), id="nested without end"),
    pytest.param(lambda _: web.json_response({}, status=500), id="an error"),
    pytest.param(_elsewhere, id="somewhere else"),
    pytest.param(None, id="silence"),
]
Answer = Callable[[web.Request], web.Response | None] | None


@pytest.mark.parametrize("path", ["/token", "/jwks"])
@pytest.mark.parametrize("answer", OUT_OF_ORDER)
def test_a_provider_that_is_out_of_order_is_said(
    world: World, path: str, answer: Answer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The page says so in bounded time, nobody is signed in, and the next attempt goes well."""
    browser = world.browser()
    back = browser.to_provider()
    _break(world.provider, path, answer, monkeypatch)
    _is_away(browser.get(back))
    assert COOKIE not in browser.cookies
    monkeypatch.undo()
    world.provider.behave()
    world.clock.advance(11)
    world.signed_in()


@pytest.mark.parametrize("answer", OUT_OF_ORDER)
def test_a_provider_that_was_never_there_is_said(
    fresh: World, answer: Answer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody can sign in, and those who try at the same time do not wait one after the other."""
    fresh.clock.advance(3_601)
    _break(fresh.provider, DISCOVERY, answer, monkeypatch)
    for _ in range(3):
        _is_away(fresh.browser().get("/sign-in"))
    assert fresh.provider.asked.count(DISCOVERY) == 1
    monkeypatch.undo()
    fresh.provider.behave()
    fresh.clock.advance(6)


@pytest.mark.parametrize(
    "told",
    [
        {"issuer": "https://evil.example.com"},
        {"issuer": None},
        {"token_endpoint": "http://evil.example.com/token"},
        {"token_endpoint": "file:///etc/passwd"},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"jwks_uri": 7},
    ],
)
def test_a_provider_leads_nowhere_unsafe(fresh: World, told: dict[str, Any]) -> None:
    """It has to be the one of the settings, and its addresses encrypted."""
    right = {
        "issuer": fresh.provider.issuer,
        "authorization_endpoint": f"{fresh.provider.issuer}/authorize",
        "token_endpoint": f"{fresh.provider.issuer}/token",
        "jwks_uri": f"{fresh.provider.issuer}/jwks",
    }
    fresh.provider.before = lambda _: web.json_response(right | told)
    _is_away(fresh.browser().get("/sign-in"))
    fresh.provider.behave()
    fresh.clock.advance(6)


def test_what_the_provider_said_holds_while_it_is_away(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An hour later it is asked again; where it does not answer, its addresses are still known."""
    world.signed_in()
    world.clock.advance(3_601)
    _break(world.provider, DISCOVERY, _elsewhere, monkeypatch)
    world.signed_in()


def _break(provider: Provider, path: str, answer: Answer, monkeypatch: pytest.MonkeyPatch) -> None:
    if answer is None:
        monkeypatch.setattr("journeytrace_desk.access.fetching.SECONDS", 0.1)
        provider.silent = {path}
    else:
        provider.before = lambda request: answer(request) if request.path == path else None


def _is_away(reply: Reply) -> None:
    assert reply.status == 502, reply.text
    assert "The sign-in provider does not answer" in reply.text
