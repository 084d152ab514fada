"""A reverse proxy says who somebody is."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from tests.desk.signing_in.conftest import Browser, Clock, World, opened_with
from tests.support.oidc_provider import Provider, running_provider
from tests.support.running import Enter

PROXY, OTHER = "127.0.0.2", "127.0.0.3"
PEOPLE = {"ann@example.com": {"acme": "viewer"}}
GROUPS = {"support": {"*": "analyst"}}


@pytest.fixture(scope="module")
def proxied(entered: Enter, tmp_path_factory: pytest.TempPathFactory) -> Browser:
    """A desk that believes two headers of one network."""
    header = {"name": "X-Forwarded-Email", "groups": "X-Groups", "proxies": "127.0.0.2/32, ::1"}
    data = tmp_path_factory.mktemp("proxied") / "data"
    url = opened_with(entered, data, Clock(), proxy_header=header, people=PEOPLE, groups=GROUPS)
    return Browser(url)


def test_the_proxy_is_believed(proxied: Browser) -> None:
    """Whom it names is let in, by their own role or by a group's; nothing signs them out."""
    reply = proxied.get("/sessions", source=PROXY, X_Forwarded_Email="ann@example.com")
    assert (reply.status, "ann@example.com" in reply.text) == (200, True)
    assert "Sign out" not in reply.text
    by_group = {"X_Forwarded_Email": "bob@example.com", "X_Groups": "lunch, support"}
    assert proxied.get("/sessions", source=PROXY, **by_group).status == 200
    assert proxied.get("/sign-in", source=PROXY, **by_group).status == 404


def test_the_proxy_tells_where_people_are(proxied: Browser) -> None:
    """Of what it forwards the last address that is none of its own is recorded with a look, and of
    whoever comes without a word of it their own.
    """
    session = "018f3b5e-0000-7000-8000-000000000000"
    for name, forwarded, seen in (
        ("cat", "198.51.100.7, 203.0.113.9", "203.0.113.9"),
        ("dan", "203.0.113.9, 127.0.0.2", "203.0.113.9"),
        ("eva", None, PROXY),
        ("fay", "nonsense", PROXY),
    ):
        headers = {"X_Forwarded_Email": name, "X_Groups": "support"}
        if forwarded:
            headers["X_Forwarded_For"] = forwarded
        assert proxied.get(f"/session?id={session}", source=PROXY, **headers).status == 200
        path = f"/session/audit?id={session}&who={name}"
        text = proxied.get(path, source=PROXY, **headers).text
        assert re.findall(r'<td class="origin"><code>([^<]*)<', text) == [seen]


@pytest.mark.parametrize("path", ["/sessions", "/session?id=attempt-1", "/nowhere", "/help"])
def test_nobody_else_is_believed(proxied: Browser, path: str) -> None:
    """From another address the header opens nothing, whatever further headers say."""
    forged = {"X_Forwarded_Email": "ann@example.com", "X_Forwarded_For": PROXY, "X_Real_Ip": PROXY}
    for source in (OTHER, "127.0.0.1"):
        reply = proxied.get(path, source=source, Forwarded=f"for={PROXY}", **forged)
        assert (reply.status, "ann@" in reply.text) == (403, False)


@pytest.mark.parametrize(
    ("headers", "told"),
    [
        ([], "sent no header X-Forwarded-Email"),
        ([("X-Forwarded-Email", "")], "sent no header"),
        ([("X-Forwarded-Email", "ann@example.com")] * 2, "stands there 2 times"),
        ([("X-Forwarded-Email", "ann@example.com"), ("x-forwarded-email", "eve")], "2 times"),
        ([("X-Forwarded-Email", "eve"), ("X-Groups", "support"), ("X-Groups", "x")], "2 times"),
        ([("X-Forwarded-Email", "a" * 257)], "1 to 256 characters"),
        ([("X-Forwarded-Email", "a\u00a0b")], "cannot be shown"),
        ([("X-Forwarded-Email", "eve")], "Ask an admin of the desk"),
        ([("X-Forwarded-Email", "eve"), ("X-Groups", "supporters")], "Ask an admin"),
    ],
)
def test_what_the_proxy_has_to_say(
    proxied: Browser, headers: list[tuple[str, str]], told: str
) -> None:
    """One name, once, that can be shown, of somebody with a role; else it says what is amiss."""
    reply = proxied.ask("/sessions", "GET", PROXY, headers)
    assert (reply.status, told in reply.text) == (403, True), reply.text


def test_the_desk_has_its_names_behind_a_proxy_too(proxied: Browser) -> None:
    """A page that makes a name of its own mean this machine sends no header."""
    headers = {"X_Forwarded_Email": "ann@example.com", "Host": "evil.example.com"}
    assert proxied.get("/sessions", source=PROXY, **headers).status == 421


class Signing:
    """A proxy that signs, and a desk for which it does."""

    def __init__(self, signer: Provider, keys: Path, clock: Clock, url: str) -> None:
        self.signer, self.keys, self.clock = signer, keys, clock
        self.browser = Browser(url)

    def headers(self, **claims: object) -> list[tuple[str, str]]:
        """Give the header for somebody."""
        now = self.clock() // 10**9
        right = {"iss": "https://proxy", "aud": ["desk-1"], "iat": now, "exp": now + 60}
        said = right | {"email": "ann@example.com", "sub": "s"} | claims
        kept = {name: value for name, value in said.items() if value is not None}
        return [("Cf-Access-Jwt-Assertion", self.signer.signed(kept))]

    def status(self, headers: list[tuple[str, str]]) -> int:
        """Ask for the list."""
        return self.browser.ask("/sessions", "GET", "127.0.0.1", headers).status


@pytest.fixture(scope="module")
def _signing(entered: Enter, tmp_path_factory: pytest.TempPathFactory) -> Signing:
    folder = tmp_path_factory.mktemp("signing")
    clock = Clock()
    signer: Provider = entered(running_provider(clock))
    keys = folder / "keys.json"
    keys.write_text(json.dumps({"keys": [signer.public(0)]}))
    token = {
        "name": "Cf-Access-Jwt-Assertion",
        "keys": str(keys),
        "issuer": "https://proxy",
        "audience": "desk-1",
    }
    url = opened_with(entered, folder / "data", clock, proxy_token=token, people=PEOPLE)
    return Signing(signer, keys, clock, url)


@pytest.fixture
def signing(_signing: Signing) -> Signing:
    """The proxy, which behaves."""
    _signing.signer.behave()
    _signing.clock.advance(11)
    return _signing


def test_a_signed_name_is_believed(signing: Signing) -> None:
    """Wherever it comes from, as long as it holds."""
    assert signing.status(signing.headers()) == 200
    kept = signing.headers()
    signing.clock.advance(100)
    assert signing.status(kept) == 403


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": "desk-2"},
        {"aud": None},
        {"iss": "https://another"},
        {"iss": None},
        {"exp": 1},
        {"exp": None},
        {"nbf": 2**40},
        {"email": "eve@example.com"},
        {"email_verified": False},
    ],
)
def test_a_token_for_somebody_else_is_refused(signing: Signing, claims: dict[str, object]) -> None:
    """Of another desk, another proxy, another time, or of nobody who has a role."""
    assert signing.status(signing.headers(**claims)) == 403


def test_a_token_that_the_proxy_did_not_sign_is_refused(signing: Signing) -> None:
    """Without a signature, by the public key as a secret, missing, twice, or cut short."""
    signing.signer.header = {"alg": "none"}
    assert signing.status(signing.headers()) == 403
    signing.signer.header = {"alg": "HS256"}
    signing.signer.secret = signing.signer.pem()
    assert signing.status(signing.headers()) == 403
    signing.signer.behave()
    right = signing.headers()
    assert signing.status([]) == 403
    assert signing.status(right * 2) == 403
    assert signing.status([(right[0][0], right[0][1][:-9])]) == 403
    assert signing.status([(right[0][0], "é.é.é")]) == 403
    assert signing.status(right) == 200


def test_a_file_of_keys_may_be_replaced(signing: Signing) -> None:
    """A new key is read when it is first used; while the file is away nobody is believed anew."""
    signing.signer.rotated = 1
    signing.keys.rename(signing.keys.with_name("away"))
    assert signing.status(signing.headers()) == 502
    signing.clock.advance(11)
    signing.keys.write_text(json.dumps({"keys": [signing.signer.public(n) for n in (0, 1)]}))
    assert signing.status(signing.headers()) == 200


def test_keys_may_come_from_an_address(entered: Enter, tmp_path: Path, world: World) -> None:
    """As the proxies of the large providers have it."""
    token = {
        "name": "X-Token",
        "keys": f"{world.provider.issuer}/jwks",
        "issuer": "https://proxy",
        "audience": "desk-1",
    }
    groups = {"support": {"*": "viewer"}}
    url = opened_with(entered, tmp_path / "data", world.clock, proxy_token=token, groups=groups)
    signed = Signing(world.provider, tmp_path, world.clock, url).headers(groups=["support"])
    sent = [("X-Token", signed[0][1])]
    assert Browser(url).ask("/sessions", "GET", "127.0.0.1", sent).status == 200
