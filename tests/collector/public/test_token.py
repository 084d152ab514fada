"""What of a token is believed."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.collector.public.conftest import KEY, NOW, OLD, SECONDS, SESSION, token

from journeytrace.browser import BadTokenError, Key, mint, read, read_keys
from journeytrace_collector.public.refusal import Outcome, RefusedError
from journeytrace_collector.public.token import Claims, check_token

STRANGER = Key("2026a", "a stranger's key of 32 characters".replace(" ", "-"))


def part(value: Any) -> str:
    """Encode a part of a token."""
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def refused(text: str | bytes, keys: tuple[Key, ...] = (KEY,)) -> tuple[Outcome, str]:
    """Give why a token is refused."""
    raw = text.encode() if isinstance(text, str) else text
    with pytest.raises(RefusedError) as caught:
        check_token(raw, keys, NOW)
    return caught.value.outcome, str(caught.value)


def test_a_good_token() -> None:
    """It says session, project and when the session began, whatever the spelling of the id."""
    found = check_token(token(sub=SESSION.upper()).encode(), (KEY,), NOW)
    assert found == Claims(SESSION, "acme", (SECONDS - 600) * 10**9)
    plain = check_token(token(project=None, start=None).encode(), (KEY,), NOW)
    assert plain == Claims(SESSION, None, (SECONDS - 60) * 10**9)


@pytest.mark.parametrize(
    ("claims", "why"),
    [
        ({"aud": "another"}, "`aud`"),
        ({"aud": None}, "`aud`"),
        ({"aud": ["journeytrace"]}, "`aud`"),
        ({"iat": SECONDS + 61, "exp": SECONDS + 120}, "future"),
        ({"iat": None}, "`iat`"),
        ({"iat": True}, "`iat`"),
        ({"iat": float("inf")}, "`iat`"),
        ({"iat": "1"}, "`iat`"),
        ({"exp": None}, "`exp`"),
        ({"exp": SECONDS + 3541}, "60 minutes"),
        ({"exp": SECONDS - 61}, "60 minutes"),
        ({"exp": float("inf")}, "`exp`"),
        ({"start": -1}, "`start`"),
        ({"start": 10**30}, "`start`"),
        ({"sub": None}, "`sub`"),
        ({"sub": ""}, "`sub`"),
        ({"sub": 7}, "`sub`"),
        ({"sub": "x" * 129}, "`sub`"),
        ({"project": 7}, "`project`"),
        ({"project": "x" * 513}, "`project`"),
        ({"project": "a\nb"}, "`project`"),
    ],
)
def test_claims_that_will_not_do(claims: dict[str, Any], why: str) -> None:
    """A token that is signed but says something else is refused by name of the claim."""
    outcome, message = refused(token(**claims))
    assert outcome is Outcome.TOKEN
    assert why in message


def test_an_expired_token_is_told_apart() -> None:
    """The page knows by it that it has to fetch another; one of a stranger is not told so."""
    old: dict[str, Any] = {"iat": SECONDS - 1800, "exp": SECONDS}
    assert refused(token(**old))[0] is Outcome.EXPIRED
    assert refused(token(STRANGER, **old))[0] is Outcome.TOKEN


def test_an_audience_among_others_will_do() -> None:
    """Libraries write a list, as they like."""
    found = check_token(token(aud=["x", "journeytrace.browser"]).encode(), (KEY,), NOW)
    assert found.session_id == SESSION


@pytest.mark.parametrize("algorithm", ["none", "None", "hs256", "HS512", "RS256", "ES256", 7, None])
def test_one_algorithm(algorithm: object) -> None:
    """Neither no signature nor another algorithm is believed, not even of the right key."""
    import hmac

    header = part({"alg": algorithm, "kid": KEY.id})
    _, payload, signature = token().split(".")
    for signed in ("", signature, part(b"")):
        assert refused(f"{header}.{payload}.{signed}")[0] is Outcome.TOKEN
    right = hmac.digest(KEY.secret.encode(), f"{header}.{payload}".encode(), "sha256")
    assert "HS256" in refused(f"{header}.{payload}.{part(right)}")[1]


def test_a_public_key_is_no_secret() -> None:
    """What is signed with the bytes of a public key, as confusion with RS256 has it, is refused."""
    pem = "-----BEGIN-PUBLIC-KEY-----MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8A"
    assert "not signed with a key" in refused(token(Key(KEY.id, pem)))[1]


def test_the_key_that_is_named_is_the_one_that_signed() -> None:
    """A token of one key does not pass for one of another, nor for one without a name."""
    both = (KEY, OLD)
    assert check_token(token(OLD).encode(), both, NOW).session_id == SESSION
    assert "`kid`" in refused(token(Key(KEY.id, OLD.secret)), both)[1]
    header = part({"alg": "HS256"})
    _, payload, _ = token().split(".")
    import hmac

    right = hmac.digest(KEY.secret.encode(), f"{header}.{payload}".encode(), "sha256")
    assert "`kid`" in refused(f"{header}.{payload}.{part(right)}", both)[1]


def test_keys_rotate_without_a_gap() -> None:
    """Old and new are believed side by side; once the old one is taken out, it is not."""
    before, after = token(OLD).encode(), token(KEY).encode()
    for keys, good in ((OLD,), (before,)), ((OLD, KEY), (before, after)), ((KEY,), (after,)):
        for one in (before, after):
            if one in good:
                assert check_token(one, keys, NOW).session_id == SESSION
            else:
                assert refused(one, keys)[0] is Outcome.TOKEN


def test_a_long_token_is_not_looked_at() -> None:
    """Length is bounded before anything else."""
    assert "2048" in refused(token(more="x" * 2048))[1]


def test_a_changed_character_is_found() -> None:
    """Whichever it is, of header, payload or signature."""
    text = token()
    # The last one holds two bits of nothing.
    for n in range(len(text) - 1):
        other = "A" if text[n] != "A" else "B"
        assert refused(text[:n] + other + text[n + 1 :])[0] is Outcome.TOKEN


@given(st.one_of(st.binary(max_size=300), st.from_regex(rb"\A[\w-]*\.[\w-]*\.[\w-]*\Z")))
@settings(max_examples=60)
def test_no_bytes_do_more_than_be_refused(raw: bytes) -> None:
    """Whatever is sent in place of a token, the answer is that it is none."""
    assert refused(raw)[0] is Outcome.TOKEN


@given(st.binary(max_size=200))
@settings(max_examples=60)
def test_nothing_that_is_signed_breaks_it(raw: bytes) -> None:
    """A key holder who signs nonsense gets the answer that it is none."""
    import hmac

    for signed in (f"{part(raw)}.{part(raw)}", f"{token().split('.')[0]}.{part(raw)}"):
        mac = hmac.digest(KEY.secret.encode(), signed.encode(), "sha256")
        try:
            read(f"{signed}.{part(mac)}", (KEY,))
        except BadTokenError:
            continue


def test_deep_json_is_refused() -> None:
    """Not even a key holder gets at the stack."""
    import hmac

    signed = f"{token().split('.')[0]}.{part(b'[' * 1200)}"
    mac = hmac.digest(KEY.secret.encode(), signed.encode(), "sha256")
    assert refused(f"{signed}.{part(mac)}")[0] is Outcome.TOKEN


@pytest.mark.parametrize("text", ["", " ", "a", "a:", ":" + "x" * 32, "a:short", "a b:" + "x" * 32])
def test_keys_that_are_none(text: str) -> None:
    """A key has an id and a secret of 256 bits; the message does not tell the secret."""
    with pytest.raises(ValueError, match="must be") as caught:
        read_keys(text)
    assert "short" not in str(caught.value)


def test_a_key_does_not_show_its_secret() -> None:
    """Not where it is printed or logged."""
    assert KEY.secret not in repr(KEY)
    assert read(mint(KEY, {"a": 1}), [KEY]) == {"a": 1}
