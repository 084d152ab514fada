"""A small provider of OpenID Connect that checks what it is asked, and can be told to misbehave."""

from __future__ import annotations

import asyncio
import hmac
import json
import secrets
import time
from base64 import b64decode, urlsafe_b64encode
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any
from urllib.parse import unquote_plus, urlencode

from aiohttp import web
from joserfc import jws
from joserfc.jwk import RSAKey

__all__ = ["CLIENT", "SECRET", "Provider", "running_provider"]

CLIENT = "desk"
SECRET = "the desk's secret: 50 % + more"
_KEYS = [RSAKey.generate_key(2048, {"kid": f"key-{number}"}) for number in range(2)]


@dataclass
class Provider:
    """What it does next. Whoever comes to it is signed in at once, as the person in `claims`."""

    clock: Callable[[], int]
    redirect_uri: str = ""
    """The one that it lets people go back to."""
    issuer: str = ""
    claims: dict[str, Any] = field(
        default_factory=lambda: {
            "sub": "s-1",
            "email": "ann@example.com",
            "email_verified": True,
            "groups": ["support", "lunch"],
        }
    )
    forged: dict[str, Any] = field(default_factory=dict)
    """Claims to put in place of the right ones; None: to leave out."""
    header: dict[str, Any] = field(default_factory=dict)
    """Of id_tokens, in place of the right one."""
    key: RSAKey | None = None
    """What signs; None: the newest key."""
    secret: bytes = b"secret"
    """What signs by HS256; it stands among the published keys."""
    rotated: int = 0
    """How many keys were replaced."""
    by_post: bool = False
    """Whether it takes the secret in the form alone."""
    forgets: bool = False
    """Whether a code can be used again."""
    before: Callable[[web.Request], web.StreamResponse | None] = lambda _: None
    """What it answers instead."""
    silent: set[str] = field(default_factory=set)
    """Paths that it never answers."""
    asked: list[str] = field(default_factory=list)
    """The paths that were asked for."""
    codes: dict[str, dict[str, str]] = field(default_factory=dict)

    def behave(self) -> None:
        """Forget all that it was told."""
        fresh = Provider(self.clock)
        kept = {"clock", "issuer", "redirect_uri"}
        for name in self.__dataclass_fields__.keys() - kept:
            setattr(self, name, getattr(fresh, name))

    def pem(self) -> bytes:
        """Give its public key, as everybody can have it."""
        return _KEYS[self.rotated].as_pem(private=False)

    def public(self, number: int) -> dict[str, Any]:
        """Give a key as a JWKS has it."""
        return {**_KEYS[number].as_dict(private=False), "use": "sig"}

    def signed(self, claims: dict[str, Any]) -> str:
        """Give a token."""
        header = {"alg": "RS256", "kid": _KEYS[self.rotated].kid} | self.header
        # By hand where joserfc would rather not: it is what an attacker does.
        signed = f"{_encoded(json.dumps(header).encode())}.{_encoded(json.dumps(claims).encode())}"
        if header["alg"] == "none":
            return f"{signed}."
        if header["alg"] == "HS256":
            return f"{signed}.{_encoded(hmac.digest(self.secret, signed.encode(), 'sha256'))}"
        kind = jws.JWSRegistry.algorithms[header["alg"]]
        return f"{signed}.{_encoded(kind.sign(signed.encode(), self.key or _KEYS[self.rotated]))}"

    async def discover(self, _: web.Request) -> web.Response:
        """Say where everything is."""
        ways = ["client_secret_post"] if self.by_post else ["client_secret_basic"]
        return web.json_response(
            {
                "issuer": self.issuer,
                "authorization_endpoint": f"{self.issuer}/authorize?tenant=1",
                "token_endpoint": f"{self.issuer}/token",
                "jwks_uri": f"{self.issuer}/jwks",
                "token_endpoint_auth_methods_supported": ways,
                "code_challenge_methods_supported": ["S256"],
            }
        )

    async def authorise(self, request: web.Request) -> web.Response:
        """Let somebody in, and send them back with a code."""
        asked = dict(request.query)
        wanted = {"response_type": "code", "client_id": CLIENT, "code_challenge_method": "S256"}
        assert wanted.items() <= asked.items(), asked
        assert asked["redirect_uri"] == self.redirect_uri, asked
        assert "openid" in asked["scope"].split(), asked
        assert asked["tenant"] == "1", asked
        code = secrets.token_urlsafe(16)
        self.codes[code] = asked
        back = {"code": code, "state": asked["state"], "iss": self.issuer}
        return _to(f"{self.redirect_uri}?{urlencode(back)}")

    async def token(self, request: web.Request) -> web.Response:
        """Exchange a code for an id_token."""
        form = {str(name): str(value) for name, value in (await request.post()).items()}
        if not self._is_client(request, form):
            return web.json_response({"error": "invalid_client"}, status=401)
        code = form.get("code", "")
        asked = self.codes.get(code) if self.forgets else self.codes.pop(code, None)
        verifier = sha256(form.get("code_verifier", "").encode()).digest()
        proven = _encoded(verifier)
        if (
            asked is None
            or proven != asked["code_challenge"]
            or form.get("redirect_uri") != asked["redirect_uri"]
            or form.get("grant_type") != "authorization_code"
        ):
            return web.json_response({"error": "invalid_grant"}, status=400)
        now = self.clock() // 10**9
        claims = {"iss": self.issuer, "aud": CLIENT, "iat": now, "exp": now + 300}
        claims |= {"nonce": asked["nonce"]} | self.claims | self.forged
        claims = {name: value for name, value in claims.items() if value is not None}
        return web.json_response(
            {"access_token": "x", "token_type": "Bearer", "id_token": self.signed(claims)}
        )

    async def jwks(self, _: web.Request) -> web.Response:
        """Give the keys: a secret one and one of a kind to come among them."""
        odd = [{"kty": "oct", "k": "c2VjcmV0", "kid": "secret"}, {"kty": "AKP", "kid": "new"}]
        return web.json_response({"keys": [*odd, self.public(self.rotated)]})

    def _is_client(self, request: web.Request, form: dict[str, str]) -> bool:
        if self.by_post:
            return (form.get("client_id"), form.get("client_secret")) == (CLIENT, SECRET)
        kind, _, value = request.headers.get("Authorization", "").partition(" ")
        name, _, secret = b64decode(value).decode().partition(":")
        found = (kind, unquote_plus(name), unquote_plus(secret), "client_secret" in form)
        return found == ("Basic", CLIENT, SECRET, False)


def _encoded(text: bytes) -> str:
    return urlsafe_b64encode(text).rstrip(b"=").decode()


def _to(address: str) -> web.Response:
    return web.Response(status=302, headers={"Location": address})


@asynccontextmanager
async def running_provider(clock: Callable[[], int] = time.time_ns) -> AsyncIterator[Provider]:
    """Run one on a free port; `clock` in ns."""
    provider = Provider(clock)
    stopping = asyncio.Event()

    @web.middleware
    async def misbehave(request: web.Request, handler: Any) -> web.StreamResponse:
        provider.asked.append(request.path)
        if request.path in provider.silent:
            await asyncio.wait_for(stopping.wait(), 60)
        instead = provider.before(request)
        found: web.StreamResponse = instead if instead is not None else await handler(request)
        return found

    app = web.Application(middlewares=[misbehave])
    app.router.add_get("/.well-known/openid-configuration", provider.discover)
    app.router.add_get("/authorize", provider.authorise)
    app.router.add_post("/token", provider.token)
    app.router.add_get("/jwks", provider.jwks)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    provider.issuer = f"http://{host}:{port}"
    try:
        yield provider
    finally:
        stopping.set()
        await runner.cleanup()
