"""Where somebody goes after signing in."""

from __future__ import annotations

import re
from urllib.parse import unquote

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.desk.signing_in.conftest import World
from yarl import URL

from journeytrace_desk.access.returning import HOME, own_path

_PARTS = st.sampled_from(
    ["/", "\\", "//", "%2f", "%5C", "%252f", ":", "https:", "evil.example.com", "@", ".", "..", "?",
     "#", "\t", "\r\n", "%09", "%0d%0a", "\x00", " ", "javascript:", "sessions", "sign-in", "é"]
)  # fmt: skip


def _as_a_browser(text: str, base: str = "https://desk.example.com/sign-in") -> str:
    """Give the host that browsers go to: they skip line ends, and know two kinds of slashes."""
    plain = re.sub(r"[\t\r\n]", "", text).strip("".join(map(chr, range(33))))
    before, sign, after = re.match(r"([^?#]*)([?#]?)(.*)", plain, re.DOTALL).groups()  # type: ignore[union-attr]
    return URL(base).join(URL(before.replace("\\", "/") + sign + after)).host or ""


@given(st.one_of(st.text(max_size=40), st.lists(_PARTS, max_size=8).map("".join)))
@settings(max_examples=100)
@example("//evil.example.com")
@example("/\\evil.example.com")
@example("/\t/evil.example.com")
@example("https:evil.example.com")
@example("/%2fevil.example.com")
@example("/.//evil.example.com")
@example("/%2e%2e//evil.example.com")
def test_the_way_back_is_a_path_of_this_desk(text: str) -> None:
    """Whatever is given, decoded by proxies or not, a browser stays where it is."""
    path = own_path(text)
    assert path.startswith("/")
    for _ in range(3):
        assert _as_a_browser(path) == "desk.example.com"
        assert not re.match(r"[/\\]{2}", path)
        path = unquote(path)


@pytest.mark.parametrize(
    "path",
    ["/sessions", "/session?id=..%2F..//x#e3", "/person?id=a%5Cb&x=https://y"],
)
def test_a_path_comes_back_as_it_was(path: str) -> None:
    """Ids and filters stand behind the question mark, and may hold anything."""
    assert own_path(path) == path


@pytest.mark.parametrize("path", ["", "sessions", "/sign-out", "/sign-in?to=/", "/a" * 1001])
def test_what_leads_nowhere_leads_home(path: str) -> None:
    """No path, one that signs in or out again, and one that is too long for a cookie."""
    assert own_path(path) == HOME


@pytest.mark.parametrize(
    "to", ["//evil.example.com", "/\\evil", "https://evil.example.com", "/%2f/evil", "/\t/evil"]
)
def test_nobody_is_led_away(world: World, to: str) -> None:
    """By an address that signs in and then goes on to another site."""
    assert world.browser().sign_in(to).headers["location"] == "/"
