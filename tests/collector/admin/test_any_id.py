"""Every id that can be listed can be fetched, whatever is in it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, cast

import pytest
from aiohttp import web
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.support.events import IDLE_TIMEOUT, NOON, event
from tests.support.running import enter_in_background
from typer.testing import CliRunner

from journeytrace.catalogue import builtin_catalogue
from journeytrace.errors import InvalidSessionIdError
from journeytrace.identity import normalise_session_id
from journeytrace_collector.admin.app import admin_app
from journeytrace_collector.cli import app
from journeytrace_collector.cli.client import connect
from journeytrace_collector.core.unknown import UnknownNames
from journeytrace_collector.hosts import Hosts
from journeytrace_collector.ingest import Ingest
from journeytrace_collector.security import Tokens
from journeytrace_collector.store import SqliteStore


@asynccontextmanager
async def _served(admin: web.Application) -> AsyncIterator[str]:
    runner = web.AppRunner(admin)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


@contextmanager
def _place(folder: Path) -> Iterator[tuple[SqliteStore, str]]:
    store = SqliteStore(folder, builtin_catalogue(), IDLE_TIMEOUT)
    ingest = Ingest(store, 1_000)
    admin = admin_app(
        store,
        ingest,
        lambda: NOON,
        readers=Tokens(),
        hosts=Hosts(),
        catalogue=builtin_catalogue(),
        unknown=UnknownNames(builtin_catalogue()),
        idle_timeout=IDLE_TIMEOUT,
        ready=lambda: True,
        pages={},
        reports=cast(Any, None),
    )
    with enter_in_background() as enter:
        yield store, enter(_served(admin))
    ingest.close()
    store.close()


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[SqliteStore, str]]:
    """Give a store, and the address of the admin API that answers from it."""
    with _place(tmp_path_factory.mktemp("store")) as place:
        yield place


def _allowed(text: str) -> bool:
    try:
        normalise_session_id(text)
    except InvalidSessionIdError:
        return False
    return True


async def _fetch(url: str, session_id: str) -> tuple[str, int]:
    async with connect(url) as client:
        session = await client.session(session_id)
        return session["session_id"], len(await client.events(session_id))


ids = st.one_of(
    st.text("{}/%?#.;+&=:@\\ \"'<>|a2Fé", min_size=1, max_size=12),
    st.text(st.characters(exclude_categories=["C"]), min_size=1, max_size=128),
).filter(_allowed)


@settings(deadline=None, max_examples=150)
@given(ids)
@example("{id}")
@example("a{b")
@example("..")
@example(".")
@example("../events")
@example("a/events")
@example("a%2Fb")
@example("%")
@example("%7B%")
@example("?limit=1#top")
def test_every_id_that_is_taken_can_be_fetched(
    place: tuple[SqliteStore, str], session_id: str
) -> None:
    """The API gives summary and events of any printable id, as the command line asks for it."""
    store, url = place
    store.write([event("STEP_VIEW", session_id=normalise_session_id(session_id))])
    assert asyncio.run(_fetch(url, session_id)) == (normalise_session_id(session_id), 1)


@pytest.mark.parametrize("session_id", ["{id}", "..", "a/b{c}", "50%", "?#", "é ß", "-- x"])
def test_show_finds_every_id(place: tuple[SqliteStore, str], session_id: str) -> None:
    """``journeytrace show`` takes an id as the list prints it."""
    store, url = place
    store.write([event("STEP_VIEW", session_id=session_id)])
    answer = CliRunner().invoke(app, ["show", "--url", url, "--", session_id])
    assert answer.exit_code == 0, answer.output
    assert session_id in answer.stdout
