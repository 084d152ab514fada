"""Who is answered, and with which headers."""

from __future__ import annotations

import re
from hashlib import sha256
from pathlib import Path

import pytest
from tests.desk.conftest import Desk, opened
from tests.support.running import Enter, enter_in_background, free_settings

import journeytrace_desk
from journeytrace_collector.errors import ConfigError, StartError
from journeytrace_collector.process import Collector
from journeytrace_collector.security import Access
from journeytrace_collector.settings import Address, Settings, load_settings

POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self'",
    "connect-src": "'self'",
    "form-action": "'self'",
    "base-uri": "'none'",
    "frame-ancestors": "'none'",
}
HTMX = "a0abb04f2f45a1f89d1d4844023245537e5e6014c87b144553e0607b4cc32130"
PATHS = (
    "/",
    "/sessions",
    "/sessions/live?from=0",
    "/sessions.csv",
    "/find?q=x",
    "/session?id=attempt-1",
    "/person?id=u-retry",
    "/acts",
    "/acts.csv",
    "/data?user=u-retry",
    "/erase?user=u-retry",
    "/erased?since=0&until=1",
    "/projects",
    "/help",
    "/nowhere",
    "/sessions?status=x",
)


@pytest.mark.parametrize("path", PATHS)
def test_every_answer_has_the_headers(desk: Desk, path: str) -> None:
    """Nothing from elsewhere, nothing inline, no frame, no referrer, nothing kept."""
    headers = desk.get(path).headers
    parts = headers["content-security-policy"].split(";")
    policy = dict(part.strip().split(" ", 1) for part in parts)
    assert policy == POLICY
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cache-control"] == "no-store"


# What a sender called a project looks as if it were inline where it stands escaped.
WRITTEN = [path for path in PATHS if not path.endswith((".csv", "/projects"))]


@pytest.mark.parametrize("path", WRITTEN)
def test_nothing_is_inline(desk: Desk, path: str) -> None:
    """No page has a style, a script or a handler of its own, which the policy would forbid."""
    text = desk.get(path).text
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=|<script(?! src=)|javascript:|hx-on", text)


def test_files_are_kept_for_good_under_their_hash(desk: Desk) -> None:
    """Each file of a page has its hash in its address, and may be cached without asking again."""
    files = re.findall(r'"(/static/[^"]+)"', desk.get("/sessions").text)
    assert len(files) == 4
    for file in files:
        reply = desk.get(file)
        assert re.match(r"/static/[0-9a-f]{16}-", file)
        assert (reply.status, "immutable" in reply.headers["cache-control"]) == (200, True)
        assert reply.headers["x-content-type-options"] == "nosniff"


def test_htmx_is_as_published() -> None:
    """The one file that is not ours is version 4.0.1, to the byte."""
    file = Path(journeytrace_desk.__file__).parent / "static" / "htmx.min.js"
    assert sha256(file.read_bytes()).hexdigest() == HTMX


@pytest.mark.parametrize(
    "name", ["Forwarded", "X_Forwarded_For", "X_Forwarded_Proto", "x_forwarded_user"]
)
def test_nobody_comes_through_a_proxy(desk: Desk, name: str) -> None:
    """A header that only proxies send is answered 403, for nobody would be asked who they are."""
    reply = desk.get("/sessions", **{name: "for=192.0.2.1"})
    assert reply.status == 403
    assert "a proxy stands in front" in reply.text
    assert "u-1" not in reply.text


def test_other_names_and_origins_are_refused(desk: Desk) -> None:
    """A page that makes a name of its own mean this machine reads nothing."""
    assert desk.get("/sessions", Host="evil.example.com").status == 421
    assert desk.get("/sessions", Origin="https://evil.example.com").status == 403
    assert desk.get("/sessions", Host="localhost").status == 200


def test_a_store_that_is_away_is_said(tmp_path: Path) -> None:
    """Pages answer 503 and say that nothing is lost; as soon as it is back they go on."""
    with enter_in_background() as enter:
        desk = opened(enter, tmp_path / "data", [])
        file = tmp_path / "data" / "journeys.sqlite"
        file.rename(tmp_path / "away")
        for path in ("/sessions", "/session?id=x", "/person?id=x", "/sessions.csv", "/find?q=x"):
            reply = desk.get(path)
            assert (reply.status, "Nothing is lost by it" in reply.text) == (503, True)
        (tmp_path / "away").rename(file)
        assert desk.get("/sessions").status == 200


def test_only_this_machine_reaches_it() -> None:
    """Another address is refused at the start, --insecure or not, with what to write instead."""
    for insecure in (False, True):
        with pytest.raises(ConfigError, match=r"desk: 0\.0\.0\.0:9465 can be reached .* or off"):
            Access(Settings(desk=Address("0.0.0.0", 9465), insecure=insecure))
    Access(Settings(desk=Address("::1", 9465)))


@pytest.mark.parametrize("word", ["off", "OFF"])
def test_it_can_be_off(word: str, tmp_path: Path) -> None:
    """By flag, and by a bare word in the file."""
    assert load_settings(None, {"desk": word}).desk is None
    (tmp_path / "file.yaml").write_text(f"desk: {word.lower()}\n")
    assert load_settings(tmp_path / "file.yaml", {}).desk is None
    with pytest.raises(ConfigError, match=r"--desk: must be host:port .*; off: no desk"):
        load_settings(None, {"desk": "9465"})


@pytest.mark.parametrize("url", ["ftp://x/{trace_id}", "https://x/", "javascript:{trace_id}"])
def test_a_trace_is_linked_on_the_web_alone(url: str) -> None:
    """The address of traces begins with http and says where the id belongs."""
    with pytest.raises(ConfigError, match="must begin with http"):
        load_settings(None, {"desk_trace_url": url})


def test_a_taken_default_port_stops_no_collector(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second collector of a machine goes on without one, unless somebody said where to be."""
    taken = Address.parse(desk.url.removeprefix("http://"))
    chosen = free_settings(tmp_path / "data", desk=taken)
    with enter_in_background() as enter, pytest.raises(StartError, match="desk: cannot listen"):
        enter(Collector(chosen))
    monkeypatch.setattr("journeytrace_collector.process.asked_for", lambda _: False)
    with enter_in_background() as enter:
        assert enter(Collector(chosen)).desk is None


def test_what_it_needs_is_named(
    entering: Enter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who asks for a desk and has not installed it is told how; who does not, has a collector."""
    monkeypatch.setattr("journeytrace_collector.admin.desk.entry_points", lambda **_: [])
    there = Address("127.0.0.1", 0)
    with pytest.raises(ConfigError, match="desk: is not installed"):
        entering(Collector(free_settings(tmp_path / "data", desk=there)))
    monkeypatch.setattr("journeytrace_collector.admin.desk.asked_for", lambda _: False)
    assert entering(Collector(free_settings(tmp_path / "data", desk=there))).desk is None
