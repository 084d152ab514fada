"""Who may open the data folder."""

from __future__ import annotations

import logging
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.events import IDLE_TIMEOUT, event

from journeytrace.catalogue import builtin_catalogue
from journeytrace_collector.errors import StartError
from journeytrace_collector.store import SqliteStore


def opened(folder: Path) -> SqliteStore:
    """Open a store in `folder`."""
    return SqliteStore(folder, builtin_catalogue(), IDLE_TIMEOUT)


def modes(folder: Path) -> dict[str, str]:
    """Give the mode of the folder and of each file in it, as people write them."""
    paths = (folder, *folder.iterdir())
    return {p.name: oct(stat.S_IMODE(p.stat().st_mode)) for p in paths}


CLOSED = {
    "data": "0o700",
    "lock": "0o600",
    "journeys.sqlite": "0o600",
    "journeys.sqlite-wal": "0o600",
    "journeys.sqlite-shm": "0o600",
}


@pytest.fixture
def umask(request: pytest.FixtureRequest) -> Iterator[None]:
    """Set the process's umask for as long as a test takes."""
    former = os.umask(request.param)
    yield
    os.umask(former)


@pytest.mark.parametrize("umask", [0, 0o022, 0o277], ids=oct, indirect=True)
@pytest.mark.usefixtures("umask")
def test_a_new_store_is_its_owners_alone(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Whatever the umask says, the folder is 0700, its files are 0600, and nobody is warned."""
    store = opened(tmp_path / "data")
    store.write([event("STEP_VIEW")])
    assert modes(tmp_path / "data") == CLOSED
    store.close()
    assert caplog.messages == []


def test_an_open_store_is_closed_to_others(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """What an earlier version left open is tightened, which one line of the log says, once."""
    folder = tmp_path / "data"
    store = opened(folder)
    store.write([event("STEP_VIEW")])
    for path in (folder, *folder.iterdir()):
        path.chmod(0o755 if path.is_dir() else 0o644)
    os.close(store._lock)  # as if it had been killed: the files of the WAL stay
    with caplog.at_level(logging.INFO):
        again = opened(folder)
        assert modes(folder) == CLOSED
        assert len(again.events(event("STEP_VIEW").session_id)) == 1
        again.close()
        opened(folder).close()
    (line,) = caplog.messages
    assert "others could open data, journeys.sqlite, journeys.sqlite-shm" in line
    store._writer.close()


def test_nothing_is_loosened(tmp_path: Path) -> None:
    """A folder whose mode is tighter than ours keeps it."""
    folder = tmp_path / "data"
    opened(folder).close()
    folder.chmod(0o500)
    try:
        if os.geteuid() == 0:  # whom no mode keeps out
            opened(folder).close()
        else:
            with pytest.raises(StartError):
                opened(folder)
        assert modes(folder)["data"] == "0o500"
    finally:
        folder.chmod(0o700)


def test_a_folder_of_somebody_else_is_refused(tmp_path: Path) -> None:
    """Its owner could read all and replace anything: the message says whose it is."""
    folder = tmp_path / "data"
    if os.geteuid() == 0:
        folder.mkdir()
        os.chown(folder, 12_345, -1)
    else:
        folder = Path("/usr")
    before = folder.stat()
    with pytest.raises(StartError, match="belongs to another user"):
        opened(folder)
    assert folder.stat().st_mode == before.st_mode


def test_a_folder_that_all_share_is_refused(tmp_path: Path) -> None:
    """A folder such as /tmp is not shut for everybody else."""
    folder = tmp_path / "data"
    folder.mkdir()
    folder.chmod(0o1777)
    with pytest.raises(StartError, match="name a data folder below it"):
        opened(folder)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o1777


def test_a_file_is_no_data_folder(tmp_path: Path) -> None:
    """It is refused, and left as it is."""
    file = tmp_path / "data"
    file.write_text("")
    file.chmod(0o644)
    with pytest.raises(StartError, match="cannot be used as data folder: Not a directory"):
        opened(file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o644
