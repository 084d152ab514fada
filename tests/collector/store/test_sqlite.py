"""What is SQLite's alone: the file, its lock, its version."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path

import pytest
from tests.support.events import IDLE_TIMEOUT, event
from tests.support.waiting import PATIENCE, join

from journeytrace.catalogue import builtin_catalogue
from journeytrace_collector.errors import StartError, StoreUnavailableError
from journeytrace_collector.store import SqliteStore
from journeytrace_collector.store.sqlite import FILE_NAME


def opened(folder: Path) -> SqliteStore:
    """Open a store in `folder`."""
    return SqliteStore(folder, builtin_catalogue(), IDLE_TIMEOUT)


def test_a_second_opener_is_told(tmp_path: Path) -> None:
    """Two collectors cannot share a folder; the second hears so, the first goes on."""
    store = opened(tmp_path)
    with pytest.raises(StartError, match="another collector is using"):
        opened(tmp_path)
    assert store.write([event("STEP_VIEW")]).new == 1
    store.close()
    opened(tmp_path).close()


def test_a_file_that_is_no_store_is_told(tmp_path: Path) -> None:
    """A corrupt file is named, left as it is, and the folder is free again."""
    file = tmp_path / FILE_NAME
    file.write_bytes(b"no database, but somebody's data" * 100)
    for _ in range(2):
        with pytest.raises(StartError, match=rf"{FILE_NAME}: .*not a database"):
            opened(tmp_path)
    assert file.read_bytes().startswith(b"no database")


def test_a_store_that_does_not_open_leaves_no_file_open(tmp_path: Path) -> None:
    """Who is told of the failure holds no connection to the file with it."""
    (tmp_path / FILE_NAME).write_bytes(b"no database, but somebody's data" * 100)
    # Held here, the error keeps what the frames it came through knew.
    with pytest.raises(StartError) as told:
        opened(tmp_path)
    links = [link for link in Path("/proc/self/fd").iterdir() if link.exists()]
    assert not [str(link.readlink()) for link in links if tmp_path in link.readlink().parents]
    assert str(tmp_path) in str(told.value)


def test_another_versions_file_is_told(tmp_path: Path) -> None:
    """A file of a later schema is not touched."""
    opened(tmp_path).close()
    with sqlite3.connect(tmp_path / FILE_NAME) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(StartError, match="later version"):
        opened(tmp_path)


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    """A data folder below a file is refused with its name."""
    (tmp_path / "file").write_text("")
    with pytest.raises(StartError, match="cannot be used as data folder"):
        opened(tmp_path / "file" / "data")


def test_a_full_store_takes_nothing_and_recovers(tmp_path: Path) -> None:
    """When SQLite can grow no further a write keeps nothing; with room again it succeeds."""
    store = opened(tmp_path)
    store.write([event("STEP_VIEW")])
    (pages,) = store._writer.execute("PRAGMA page_count").fetchone()
    store._writer.execute(f"PRAGMA max_page_count = {pages + 5}")
    batch = [event("STEP_VIEW", n, metadata="x" * 50_000) for n in range(1, 10)]
    with pytest.raises(StoreUnavailableError, match="full"):
        store.write(batch)
    assert len(store.events(batch[0].session_id)) == 1
    store._writer.execute("PRAGMA max_page_count = 1000000")
    assert store.write(batch).new == 9
    store.close()


def test_power_cuts_are_survived_by_configuration(tmp_path: Path) -> None:
    """The log is written ahead and synced on every commit."""
    store = opened(tmp_path)
    assert store._writer.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert store._writer.execute("PRAGMA synchronous").fetchone() == (2,)
    store.close()


def test_closing_lets_who_is_at_the_file_finish(tmp_path: Path) -> None:
    """Scrubbing goes on in a thread of its own, and the file is not taken from under it."""
    store = opened(tmp_path)
    inside, go_on = threading.Event(), threading.Event()
    found = []

    def scrub() -> None:
        with store._using():
            inside.set()
            assert go_on.wait(PATIENCE)
            found.append(store._writer.execute("SELECT 1").fetchone())

    scrubbing = threading.Thread(target=scrub, daemon=True)
    closing = threading.Thread(target=store.close, daemon=True)
    scrubbing.start()
    assert inside.wait(PATIENCE)
    closing.start()
    # Who does not wait is done by now.
    closing.join(0.2)
    go_on.set()
    join(scrubbing, closing)
    assert found == [(1,)]
