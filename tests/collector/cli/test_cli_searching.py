"""A list of what is rare says how far back it has looked."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest
from tests.support.events import IDLE_TIMEOUT, MINUTE, event
from tests.support.running import enter_in_background, free_settings
from typer.testing import CliRunner, Result

from journeytrace.catalogue import builtin_catalogue
from journeytrace_collector.cli import app
from journeytrace_collector.process import Collector
from journeytrace_collector.store import SqliteStore, listing

Ask = Callable[..., Result]

SESSIONS = 100


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of a collector whose oldest session alone has a rare event; a look is 4 sessions."""
    settings = free_settings(tmp_path_factory.mktemp("store"))
    now = time.time_ns()
    names = ["STEP_VIEW"] * (SESSIONS - 1) + ["VERIFY_EMAIL"]
    with closing(SqliteStore(settings.data, builtin_catalogue(), IDLE_TIMEOUT)) as store:
        store.write(
            [
                event(name, now - ago * MINUTE, session_id=f"s-{ago}")
                for ago, name in enumerate(names)
            ]
        )
    with pytest.MonkeyPatch.context() as patch, enter_in_background() as enter:
        patch.setattr(listing, "NEAR", 2)
        patch.setattr(listing, "FAR", 4)
        patch.setattr(listing, "_DEARER", 1)
        yield f"http://{enter(Collector(settings)).admin}"


@pytest.fixture
def ask(url: str) -> Ask:
    """Look for the rare event."""
    words = ("sessions", "--event", "VERIFY_EMAIL", "--url", url)
    return lambda *more: CliRunner().invoke(app, [*words, *more])


def test_the_list_says_how_far_it_has_looked(ask: Ask) -> None:
    """After 20 looks it stops, although there are sessions left, and names the time to go on at."""
    answer = ask()
    assert (answer.exit_code, answer.stdout) == (0, "")
    found = re.fullmatch(
        r"These are all since (\S+); nobody has looked further back: go on with --until that"
        r" time\.\n",
        answer.stderr,
    )
    assert found, answer.stderr
    on = ask("--json", "--until", found[1])
    assert [row["session_id"] for row in json.loads(on.stdout)["sessions"]] == [f"s-{SESSIONS - 1}"]


def test_a_list_of_all_looks_at_all(ask: Ask) -> None:
    """With --limit 0 it goes on to the end, however rare what it looks for."""
    page = json.loads(ask("--limit", "0", "--json").stdout)
    assert [row["session_id"] for row in page["sessions"]] == [f"s-{SESSIONS - 1}"]
    assert (page["next_cursor"], page["searched_until"]) == (None, None)
