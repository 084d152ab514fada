"""A person's data at the desk: handed over, erased, and who looked at it."""

from __future__ import annotations

import http.client
import json
import re
import time
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from tests.desk.conftest import Desk, Reply, opened
from tests.desk.people import EVE, PEOPLE, SitDown, seat, sessions
from tests.support.running import Enter, enter_in_background

from journeytrace_collector.admin.acting import Acting
from journeytrace_collector.errors import OverloadedError, StoreUnavailableError
from journeytrace_collector.ingest import Ingest
from journeytrace_desk.access.actor import EVERYWHERE, LOCAL, Actor, Role
from journeytrace_desk.administering import Administering

__all__ = ["seat"]

NAMES = ("gone", "kept", "moved", "split", "whole", "quiet", "far", "late", "mail", "seen")
WHY = "a request for access"
FORMS = {
    "/export": {"user": "kept", "purpose": WHY},
    "/erase": {"user": "kept", "confirm": "kept"},
    "/projects": {"project": "acme", "days": "365"},
}
PAGES = ("/acts", "/acts.csv", "/data?user=kept", "/erase?user=kept", "/erased", "/projects")


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def both(
    request: pytest.FixtureRequest, entering: Enter, tmp_path_factory: pytest.TempPathFactory
) -> Desk:
    """A desk over each of the stores; each test has a person of its own."""
    settings: dict[str, Any] = {}
    if request.param == "postgresql":
        settings["store"] = SecretStr(request.getfixturevalue("server").fresh())
    data = tmp_path_factory.mktemp("both") / "data"
    return opened(entering, data, [*sessions(time.time_ns(), *NAMES)], **settings)


@pytest.fixture(scope="module")
def one(entering: Enter, tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """A desk over SQLite, for what is the same with every store."""
    data = tmp_path_factory.mktemp("one") / "data"
    return opened(entering, data, [*sessions(time.time_ns(), *NAMES)])


def has(desk: Desk, *session_ids: str) -> list[bool]:
    """Tell which sessions there are."""
    return [desk.get(f"/session?id={one}").status == 200 for one in session_ids]


def acts(desk: Desk, **asked: str) -> list[str]:
    """Give the rows of the page of acts as text, the newest first."""
    address = "/acts?" + "&".join(f"{name}={value}" for name, value in asked.items())
    rows = re.findall(r"<tr><td.*?</tr>", desk.get(address).text, re.DOTALL)
    return [" ".join(re.sub(r"<[^>]+>", " ", row).split()) for row in rows]


def follow(desk: Desk, reply: Reply) -> Reply:
    """Open what a form leads to."""
    assert reply.status == 303
    return desk.get(reply.headers["location"])


def test_a_person_is_handed_over_as_one_file(both: Desk) -> None:
    """With every event and its metadata, what came of it, and who looked and decided."""
    reply = both.post("/export", {"user": "whole", "purpose": WHY})
    assert reply.headers["content-type"] == "application/json; charset=utf-8"
    assert reply.headers["content-disposition"] == 'attachment; filename="person.json"'
    file = json.loads(reply.text)
    assert (file["format"], file["version"]) == ("journeytrace.person", 1)
    assert (file["exported_by"], file["subject"]) == ("local", {"user_id": "whole"})
    assert (file["told"], file["complete"]) == (3, True)
    found = {one["session_id"]: one for one in file["sessions"]}
    assert sorted(found) == ["whole-acme", "whole-globex", "whole-none"]
    looked = found["whole-globex"]
    assert looked["summary"]["decided_by"] == "bob"
    assert [one["name"] for one in looked["events"]] == ["SESSION_CREATED", "STEP_VIEW"]
    assert looked["events"][0]["email"] == "whole@example.com"
    assert looked["events"][1]["attributes"] == {"form.name": "whole Doe"}
    people = [(one["name"], one["attributes"]["journey.actor.id"]) for one in looked["people"]]
    assert people[:2] == [("SESSION_VIEWED", "bob"), ("VERDICT_APPROVED", "bob")]


def test_an_export_is_recorded_before_it_begins(both: Desk) -> None:
    """In each session with who, when and what for, and as an act; the file itself shows it."""
    file = json.loads(both.post("/export", {"email": "MAIL@example.com", "purpose": WHY}).text)
    for one in file["sessions"]:
        assert one["people"][-1]["name"] == "SESSION_EXPORTED"
        assert one["people"][-1]["attributes"] == {
            "journey.actor.id": "local",
            "journey.private.address": "127.0.0.1",
            "journey.private.purpose": WHY,
        }
    (act,) = acts(both, act="export", session="mail-acme")
    assert re.search(r"local exported a session acme [0-9a-f]{12}…$", act)


@pytest.mark.parametrize("way", ["submit", "run"])
def test_nothing_leaves_that_is_not_recorded(
    one: Desk, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    """When it cannot be kept who takes something out, be it event or act, no file begins."""

    def full(*_: object) -> None:
        raise OverloadedError("too many requests are waiting for the store")

    monkeypatch.setattr(Ingest, way, full)
    replies = [one.post("/export", {"user": "kept", "purpose": WHY})]
    if way == "run":
        replies += [one.get("/sessions.csv"), one.get("/acts.csv")]
    for reply in replies:
        assert (reply.status, "kept" in reply.text) == (503, False)


def test_a_file_that_cannot_be_finished_is_broken_off(
    one: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the store goes away meanwhile the download fails, instead of looking complete."""
    events = Administering.events
    asked: list[str] = []

    async def once(self: Administering, session_id: str, source: str | None = None) -> Any:
        asked.append(session_id)
        if len(asked) > 1:
            raise StoreUnavailableError("gone")
        return await events(self, session_id, source)

    monkeypatch.setattr(Administering, "events", once)
    with pytest.raises((http.client.IncompleteRead, ConnectionResetError)):
        one.post("/export", {"user": "kept", "purpose": WHY})


@pytest.mark.parametrize(
    "form",
    [
        {"purpose": WHY},
        {"user": "kept"},
        {"user": "kept", "purpose": " "},
        {"user": "kept", "purpose": "x" * 513},
        {"user": "kept", "session": "kept-acme", "purpose": WHY},
        {"user": "", "purpose": WHY},
        {"user": "kept", "purpose": WHY, "all": "yes"},
    ],
)
def test_an_export_has_one_subject_and_a_purpose(one: Desk, form: dict[str, str]) -> None:
    """Anything else is answered 400, and nothing is recorded of it."""
    before = one.get("/data?user=kept").text.count("SESSION_EXPORTED")
    assert one.post("/export", form).status == 400
    assert one.get("/data?user=kept").text.count("SESSION_EXPORTED") == before


def test_a_person_is_erased(both: Desk) -> None:
    """Asked for twice, done once: all sessions go, the page says how much, and so do the acts."""
    asked = both.get("/erase?user=gone")
    assert "3 sessions with 8 events, for good" in asked.text
    assert "cannot be called back" in asked.text
    reply = both.post("/erase", {"user": "gone", "confirm": " gone "})
    assert "gone" not in reply.headers["location"]
    told = follow(both, reply).text
    assert "3 sessions with 8 events are gone" in told
    assert "acme: 1 session with 2 events" in told
    assert has(both, "gone-acme", "gone-globex", "gone-none", "late-globex") == [False] * 3 + [True]
    (act,) = acts(both, session="gone-globex")
    assert re.search(r"local erased a session globex 4 events [0-9a-f]{12}…$", act)
    assert both.post("/erase", {"user": "gone", "confirm": "gone"}).status == 404


def test_late_events_do_not_bring_it_back(both: Desk) -> None:
    """What a service still sends of an erased session is taken and passed over."""
    follow(both, both.post("/erase", {"session": "late-acme", "confirm": "late-acme"}))
    both.send("STEP_VIEW", "late-acme", user__id="late")
    assert has(both, "late-acme", "late-globex") == [False, True]


@pytest.mark.parametrize("confirm", [None, "", "KEPT", "kept@example.com", "yes"])
def test_nothing_is_erased_unconfirmed(one: Desk, confirm: str | None) -> None:
    """Without the very id the page comes back with 422 and says that nothing was erased."""
    form = {"user": "kept"} if confirm is None else {"user": "kept", "confirm": confirm}
    reply = one.post("/erase", form)
    assert (reply.status, "nothing was erased" in reply.text) == (422, True)
    assert all(has(one, "kept-acme", "kept-globex", "kept-none"))
    assert acts(one, act="erase", session="kept-acme") == []


def test_looking_at_a_page_changes_nothing(one: Desk) -> None:
    """No GET erases, exports or chooses, whatever stands in its address."""
    addresses = [
        "/erase?user=quiet",
        "/erase?user=quiet&confirm=quiet",
        "/export?user=quiet&purpose=x",
        "/projects?project=acme&days=365",
        "/data?user=quiet",
    ]
    statuses = [one.get(address).status for address in addresses]
    assert statuses == [200, 400, 405, 200, 200]
    assert all(has(one, "quiet-acme", "quiet-globex", "quiet-none"))
    assert "SESSION_EXPORTED" not in one.get("/data?user=quiet").text
    assert acts(one, act="retention") == []


@pytest.mark.parametrize("who", PEOPLE)
def test_only_admins_may(one: Desk, seat: SitDown, who: str) -> None:
    """Viewers, analysts and strangers are answered 403 with the role that it takes."""
    seat(PEOPLE[who])
    replies = [one.post(path, form) for path, form in FORMS.items()]
    replies += [one.get(path) for path in PAGES]
    for reply in replies:
        assert (reply.status, "takes the role admin" in reply.text) == (403, True)
        assert "Doe" not in reply.text
    assert 'href="/acts"' not in one.get("/help").text
    assert "/data?" not in one.get("/session?id=kept-acme").text
    assert "/data?" not in one.get("/person?id=kept").text
    seat(LOCAL)
    assert all(has(one, "kept-acme", "kept-globex", "kept-none"))
    assert 'href="/acts"' in one.get("/help").text
    page = one.get("/session?id=kept-acme").text
    for named in ("session=kept-acme", "user=kept", "email=kept%40example.com"):
        assert f'"/data?{named}"' in page
    assert "/data?user=kept" in one.get("/person?id=kept").text


def test_other_projects_stay_and_are_not_told(both: Desk, seat: SitDown) -> None:
    """An admin of one project sees, exports and erases a person's sessions of that one alone."""
    seat(EVE)
    page = both.get("/data?user=split").text
    assert "1 session with 2 events, in acme alone" in page
    assert "Whether there are others is not told" in page
    assert "Nobody has looked" in page
    assert "globex" not in page
    file = json.loads(both.post("/export", {"user": "split", "purpose": WHY}).text)
    assert [one["session_id"] for one in file["sessions"]] == ["split-acme"]
    assert file["only_projects"] == ["acme"]
    asked = both.get("/erase?user=split").text
    assert "1 session with 3 events, in acme alone" in asked
    assert "Sessions of other projects stay, if there are any" in asked
    told = follow(both, both.post("/erase", {"user": "split", "confirm": "split"})).text
    assert "1 session with 3 events is gone" in told
    seat(LOCAL)
    assert has(both, "split-acme", "split-globex", "split-none") == [False, True, True]


@pytest.mark.parametrize("session_id", ["far-globex", "far-none", "nowhere"])
def test_a_session_elsewhere_is_as_good_as_none(one: Desk, seat: SitDown, session_id: str) -> None:
    """By its address or in a form: the same 404 as for one that does not exist, and it stays."""
    seat(EVE)
    form = {"session": session_id}
    replies = [
        one.post("/erase", form | {"confirm": session_id}),
        one.post("/export", form | {"purpose": WHY}),
        one.get(f"/erase?session={session_id}"),
    ]
    for reply in replies:
        assert reply.status == 404
        assert f"No session in acme alone has the session id {session_id}" in reply.text
    page = one.get(f"/data?session={session_id}").text
    assert "0 sessions with 0 events" in page
    assert "bob" not in page
    seat(LOCAL)
    assert has(one, session_id) == [session_id != "nowhere"]


def test_an_admin_of_all_but_one(one: Desk, seat: SitDown) -> None:
    """Who is an admin everywhere but in one project leaves that one alone."""
    seat(Actor("amy", {EVERYWHERE: Role.ADMIN, "acme": Role.VIEWER}))
    told = follow(one, one.post("/erase", {"user": "moved", "confirm": "moved"})).text
    assert "2 sessions with 6 events are gone" in told
    seat(LOCAL)
    assert has(one, "moved-acme", "moved-globex", "moved-none") == [True, False, False]


def test_who_looked(both: Desk) -> None:
    """All that people did with a person's sessions is there, the newest first, with purposes."""
    both.post("/export", {"session": "seen-globex", "purpose": "<b>why</b>"})
    page = both.get("/data?email=Seen@Example.com").text
    rows = re.findall(r"<code title=\"[^\"]+\">(\w+)</code>", page)
    # Whoever ran another test of these sessions may have looked at them, too.
    assert [rows[0], *rows[-2:]] == ["SESSION_EXPORTED", "VERDICT_APPROVED", "SESSION_VIEWED"]
    assert set(rows[1:-2]) <= {"SESSION_VIEWED"}
    assert "&lt;b&gt;why&lt;/b&gt;" in page
    assert "Nobody has looked at this session so far." in both.get("/data?session=seen-none").text
    assert "there is nothing to look at" in both.get("/data?user=unknown").text


def test_a_foreign_page_changes_nothing(one: Desk) -> None:
    """A form that another site sends is refused, whatever it says."""
    for headers in ({"Sec_Fetch_Site": "cross-site"}, {"Origin": "https://evil.example.com"}):
        for path, form in FORMS.items():
            assert one.post(path, form, **headers).status == 403
    assert all(has(one, "kept-acme", "kept-globex", "kept-none"))


def test_a_form_is_a_form(one: Desk) -> None:
    """Other bodies, and fields that repeat, are answered 400."""
    form = {"user": "kept", "confirm": "kept"}
    assert one.post("/erase", form, Content_Type="text/plain").status == 400
    assert one.post("/erase", {"x": "y", **form}).status == 400
    assert all(has(one, "kept-acme", "kept-globex", "kept-none"))


def test_a_list_that_is_taken_out_is_an_act(one: Desk) -> None:
    """With its filters, but for a text that was searched, which can be anybody's address."""
    address = "/sessions.csv?project=acme&search=secret@example.com&field=email"
    assert one.get(address).status == 200
    (act,) = acts(one, act="list", actor="local")[:1]
    assert act.endswith("took out a list acme sessions: project acme, search …, field email")
    assert one.get("/acts.csv?act=list").text.count("project acme, search …") == 1
    assert acts(one, act="list")[0].endswith("took out a list acts: act")


def test_acts_are_for_admins_of_their_project(one: Desk, seat: SitDown) -> None:
    """Who is an admin of one project sees the acts in it, and none that has no project."""
    one.get("/sessions.csv?project=acme")
    one.get("/sessions.csv?project=globex")
    one.get("/sessions.csv")
    seat(EVE)
    found = acts(one, act="list")
    assert found
    assert all("took out a list acme" in act for act in found)
    assert "globex" not in one.get("/acts.csv?act=list").text


def test_acts_page_by_page(tmp_path: Path) -> None:
    """A hundred on a page, older ones on the next; filters stay."""
    with enter_in_background() as enter:
        desk = opened(enter, tmp_path / "data", [])
        assert "Nobody has done anything yet" in desk.get("/acts").text
        for number in range(105):
            desk.get(f"/sessions.csv?project=p{number}")
        first = desk.get("/acts?actor=local").text
        follows = re.search(r'class="next" href="([^"]+)"', first)
        assert follows is not None
        second = desk.get(follows[1].replace("&amp;", "&")).text
        assert [page.count("took out a list</td>") for page in (first, second)] == [100, 5]
        assert "Nothing that was done is like that" in desk.get("/acts?actor=nobody").text
        for wrong in ("act=x", "cursor=x", "since=x", "page=2", "session=%20%00"):
            assert desk.get(f"/acts?{wrong}").status == 400


def test_too_many_sessions_are_told(one: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the bound no file is begun and nothing is looked through; the page says so."""
    monkeypatch.setattr("journeytrace_desk.data_pages.MOST_SESSIONS", 2)
    assert "too many to look through" in one.get("/data?user=kept").text
    assert one.post("/export", {"user": "kept", "purpose": WHY}).status == 413
    assert one.post("/export", {"session": "kept-acme", "purpose": WHY}).status == 200


def test_an_erasure_goes_on_where_it_was_broken_off(
    one: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sessions go in steps; when the store fails between two, asking again erases the rest."""
    run = Acting._run
    steps: list[int] = []

    async def failing(self: Acting, job: Any) -> Any:
        steps.append(1)
        if len(steps) == 2:
            raise StoreUnavailableError("no room")
        return await run(self, job)

    monkeypatch.setattr("journeytrace_collector.admin.acting.ERASE_AT_ONCE", 2)
    monkeypatch.setattr(Acting, "_run", failing)
    form = {"user": "far", "confirm": "far"}
    assert one.post("/erase", form).status == 503
    assert sum(has(one, "far-acme", "far-globex", "far-none")) == 1
    assert one.post("/erase", form).status == 303
    assert not any(has(one, "far-acme", "far-globex", "far-none"))
    assert all(acts(one, act="erase", session=f"far-{name}") for name in ("acme", "none"))
