"""Who looks at a session is part of it, once an hour, before anything is shown."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from tests.desk.access.people import ANN, MINE, OTHERS, SCATTERED, sessions
from tests.desk.conftest import Desk, opened
from tests.support.events import event
from tests.support.running import Enter, enter_in_background

from journeytrace.catalogue import builtin_catalogue
from journeytrace_collector.core.decode import Decoder
from journeytrace_collector.errors import OverloadedError
from journeytrace_collector.ingest import Ingest
from journeytrace_collector.recording import Recorder
from journeytrace_collector.store.sqlite import FILE_NAME, SqliteStore
from journeytrace_desk.access.actor import LOCAL, Actor
from journeytrace_desk.access.looks import Looks, NotRecordedError, look_id

HOUR = 3_600 * 1_000_000_000
CATALOGUE = builtin_catalogue()
ANY = Actor("ann", {})


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    """A store with two sessions."""
    with closing(SqliteStore(tmp_path / "data", CATALOGUE, 1)) as store:
        store.write([event("SESSION_CREATED", session_id=one) for one in ("s-1", "s-2")])
        yield store


def looked(store: SqliteStore, session_id: str = "s-1") -> list[tuple[str, int]]:
    """Give who looked when, in hours."""
    return [
        (json.loads(one.metadata)["journey.actor.id"], one.at // HOUR)
        for one in store.events(session_id, "OP")
        if one.name == "SESSION_VIEWED"
    ]


def test_a_look_is_one_an_hour_and_person(store: SqliteStore) -> None:
    """Many tabs at once, on several collectors, are one look; the next hour's is another."""
    now = [500_000 * HOUR - 1]

    async def look() -> None:
        with closing(Ingest(store, 2**20)) as ingest:
            record = Recorder(lambda: now[0])
            record.open(ingest, Decoder(CATALOGUE))
            desks = [Looks(record, lambda: now[0]) for _ in range(2)]
            for _ in range(2):
                await asyncio.gather(*(one.viewed(ANY, ["s-1"]) for one in desks * 5))
                await desks[0].viewed(LOCAL, ["s-1", "s-2"])
                now[0] += 1

    asyncio.run(look())
    both = [("ann", 499_999), ("ann", 500_000), ("local", 499_999), ("local", 500_000)]
    assert sorted(looked(store)) == both
    assert sorted(looked(store, "s-2")) == both[2:]


def test_within_the_hour_nothing_is_written_again() -> None:
    """A page that renews itself costs the store one write an hour; one that failed is repeated."""
    written: list[str] = []
    now = [7 * HOUR]
    full = [True]

    async def record(name: str, session_id: str, *_: object, **__: object) -> None:
        if full[0]:
            raise OverloadedError("too much")
        written.append(f"{name} {session_id}")

    async def look() -> None:
        looks = Looks(record, lambda: now[0])
        with pytest.raises(NotRecordedError):
            await looks.viewed(ANY, ["s-1"])
        full[0] = False
        for _ in range(720):
            await looks.viewed(ANY, ["s-1"])
            now[0] += 5 * HOUR // 3600

    asyncio.run(look())
    assert written == ["SESSION_VIEWED s-1"]


def test_a_look_is_known_by_person_session_and_hour() -> None:
    """Each of the three makes another one of it."""
    looks = {
        look_id(Actor(actor, {}), session, at)
        for actor in ("a", "b:x")
        for session in ("s", "x:s")
        for at in (0, HOUR - 1, HOUR)
    }
    assert len(looks) == 8
    assert all(len(one) == 8 for one in looks)


def summary(desk: Desk, session_id: str) -> str:
    """Give what the API tells of a session."""
    connection = Desk(f"http://{desk.admin}", "", "")
    return connection.get(f"/api/v1/sessions/{session_id}").text


def test_who_opened_a_session_is_in_its_timeline(office: Desk) -> None:
    """Everybody, the one at the machine too; a list, a miss and what shows nothing is no look."""
    before = summary(office, OTHERS)
    path = f"/session?id={OTHERS}"
    for role in ("viewer", "analyst", "local", "viewer"):
        assert office.get(path, X_Role=role).status == 200
    for silent in ("/sessions", "/sessions.csv", f"/find?q={OTHERS}"):
        office.get(silent, X_Role="kiosk")
    office.get(path, X_Role="acme")
    text = office.get(f"{path}&source=OP", X_Role="local").text
    assert re.findall(r"<dt>journey.actor.id</dt><dd>(\w+)<", text) == ["vic", "ana", "local"]
    assert summary(office, OTHERS) == before


def test_the_picture_is_of_the_journey(office: Desk) -> None:
    """That people looked is in the list of events and leaves the picture as it was."""
    for role in ("viewer", "analyst"):
        text = office.get("/session?id=plain-4", X_Role=role).text
        assert ">SESSION_VIEWED<" in text
        picture = text.partition("<svg")[2].partition("</svg>")[0]
        assert picture.count('class="lane"') == 2
        assert "SESSION_VIEWED" not in picture


def test_a_person_s_page_is_a_look_at_each_session(office: Desk) -> None:
    """It tells of each what stopped it, which the list does not."""
    office.get(f"/person?session={SCATTERED}", X_Role="kiosk")
    office.get(f"/person?id={ANN[1]}", X_Role="two")
    for session_id, who in ((SCATTERED, {"kit", "tom"}), (MINE, {"tom"})):
        text = office.get(f"/session?id={session_id}&source=OP", X_Role="local").text
        assert (
            set(re.findall(r"<dt>journey.actor.id</dt><dd>(\w+)<", text))
            & {
                "kit",
                "tom",
            }
            == who
        )


def test_looking_makes_nothing_new_to_look_at(office: Desk) -> None:
    """A live page stays as it is, however many look: else it would renew itself for ever."""
    office.send("STEP_VIEW", "goes on", user__id="somebody-who-goes-on")
    for role in ("viewer", "analyst", "local"):
        text = office.get("/session?id=goes%20on", X_Role=role).text
        live = re.search(r'id="live" hx-get="([^"]*)"', text)
        assert live is not None
        for other in ("viewer", "analyst", "local"):
            office.get("/session?id=goes%20on", X_Role=other)
            office.post("/session?id=goes%20on", {"purpose": "to see"}, X_Role=other)
        path = live[1].replace("&amp;", "&")
        assert office.get(path, X_Role=role).status == 204


@pytest.mark.usefixtures("known")
def test_what_cannot_be_recorded_is_not_shown(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Reading works and writing does not: 503, kindly, and nothing of the session."""
    with enter_in_background() as enter:
        desk = opened(enter, tmp_path / "data", sessions(time.time_ns()))
        _stop_writing(enter, monkeypatch)
        assert desk.get("/sessions", X_Role="viewer").status == 200
        for reply in (
            desk.get(f"/session?id={MINE}", X_Role="analyst"),
            desk.get(f"/person?id={ANN[1]}", X_Role="analyst"),
            desk.post(f"/session?id={MINE}", {"purpose": "to call back"}, X_Role="viewer"),
        ):
            assert reply.status == 503
            assert "Who looks at a session is recorded" in reply.text
            assert ANN[1] not in reply.text.replace("value=", "")
            assert "AGE_VERIFICATION" not in reply.text
        monkeypatch.undo()
        assert desk.get(f"/session?id={MINE}", X_Role="analyst").status == 200
    with closing(SqliteStore(tmp_path / "data", CATALOGUE, 1)) as store:
        assert (tmp_path / "data" / FILE_NAME).exists()
        assert [one.name for one in store.events(MINE, "OP")] == ["SESSION_VIEWED"]


def _stop_writing(_: Enter, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OverloadedError("the disk is full")

    monkeypatch.setattr(Ingest, "submit", full)
