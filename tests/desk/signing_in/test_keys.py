"""Keys of somebody who signs, while they are asked for."""

from __future__ import annotations

import asyncio
import json
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from joserfc.jwk import ECKey, RSAKey
from tests.desk.signing_in.conftest import Clock
from tests.support.waiting import PATIENCE

from journeytrace_desk.access.cookies import Signer
from journeytrace_desk.access.fetching import AwayError
from journeytrace_desk.access.keys import Keys
from journeytrace_desk.access.tokens import BadTokenError, Checker

RSA = RSAKey.generate_key(2048, {"kid": "rsa"}).as_dict(private=False)
EC = ECKey.generate_key("P-256", {"kid": "ec"}).as_dict(private=False)


def test_whoever_shows_a_known_key_waits_for_nobody() -> None:
    """While another's invented key makes us ask a provider that takes its time."""

    async def play() -> None:
        answering = asyncio.Event()
        answering.set()

        async def load() -> Mapping[str, Any]:
            await asyncio.wait_for(answering.wait(), PATIENCE)
            return {"keys": [RSA]}

        clock = Clock()
        keys = Keys(load, clock)
        assert await keys.find("rsa")
        clock.advance(11)
        answering.clear()
        invented = asyncio.create_task(keys.find("invented"))
        await asyncio.sleep(0)
        assert await asyncio.wait_for(keys.find("rsa"), 1)
        assert not invented.done()
        answering.set()
        assert await asyncio.wait_for(invented, PATIENCE) is None

    asyncio.run(play())


@pytest.mark.parametrize(
    "odd",
    [
        7,
        {"kty": "RSA"},
        {"kty": "RSA", "n": 7, "e": 8, "kid": "x"},
        {"kty": "RSA", "n": "!", "e": "!", "kid": "x"},
        {"kty": "EC", "crv": "P-999", "x": "AA", "y": "AA", "kid": "x"},
        {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA", "kid": "x"},
        {"kty": "oct", "k": "c2VjcmV0c2VjcmV0c2VjcmV0", "kid": "x"},
        {"kty": ["RSA"], "kid": "x"},
        {**RSA, "kid": "x", "use": "enc"},
        {**RSA, "kid": {"x": 1}},
    ],
)
def test_a_key_of_no_use_spoils_no_other(odd: object) -> None:
    """It is passed over, and never found."""

    async def play() -> None:
        keys = Keys(_given({"keys": [odd, EC]}), Clock())
        assert await keys.find("ec")
        assert await keys.find("x") is None

    asyncio.run(play())


@pytest.mark.parametrize("answer", [{}, {"keys": None}, {"keys": {"kid": RSA}}])
def test_no_list_of_keys_is_no_answer(answer: dict[str, Any]) -> None:
    """It is told as if the provider were away."""
    with pytest.raises(AwayError, match="no list of keys"):
        asyncio.run(Keys(_given(answer), Clock()).find("x"))


def _given(answer: Mapping[str, Any]) -> Any:
    async def load() -> Mapping[str, Any]:
        return answer

    return load


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)
_HEADERS = st.dictionaries(
    st.sampled_from(["alg", "kid", "typ", "crit", "b64", "jwk", "jku", "x5c"]), _JSON
) | st.fixed_dictionaries({"alg": st.sampled_from(["RS256", "ES256", "HS256", "none"])})


SIGNER = Signer(["k" * 32])
CHECKER = Checker(
    Keys(_given({"keys": [RSA, EC]}), Clock()),
    Clock(),
    issuer="i",
    audience="a",
    algorithms=["RS256", "ES256"],
)


@given(st.one_of(_HEADERS, _JSON), _JSON, st.binary(max_size=80), st.text(max_size=9))
@settings(max_examples=60)
def test_whatever_is_shown_proves_nothing(
    header: object, content: object, signature: bytes, rest: str
) -> None:
    """Any three parts, and any text, are refused with a reason; none of it is a failure of ours."""

    def encoded(value: bytes) -> str:
        return urlsafe_b64encode(value).decode().rstrip("=")

    parts = [json.dumps(header).encode(), json.dumps(content).encode(), signature]
    token = ".".join(map(encoded, parts)) + rest
    for text in (token, rest, f"{rest}.{rest}.{rest}", "\ud800"):
        assert SIGNER.read("session", text) is None
        with pytest.raises(BadTokenError):
            asyncio.run(CHECKER.claims(text))
