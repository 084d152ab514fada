"""What was known then, and what differs: asked of a collector, and by the commands."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import urlopen

import pytest
from tests.support.events import IDLE_TIMEOUT, MINUTE, SECOND
from tests.support.insight import LATE, RELEASED, late, releases
from tests.support.running import enter_in_background, free_settings
from tests.support.waiting import PATIENCE
from typer.testing import CliRunner, Result

from journeytrace.catalogue import builtin_catalogue
from journeytrace_collector.cli import app
from journeytrace_collector.core.derive import rfc3339
from journeytrace_collector.process import Collector
from journeytrace_collector.store import SqliteStore

START = time.time_ns() // SECOND * SECOND - 180 * MINUTE
THEN = START + 30 * MINUTE - SECOND
"""Before the verdict, and before the check came in."""

Run = Callable[..., Result]


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A collector with these sessions, which nobody changes."""
    settings = free_settings(tmp_path_factory.mktemp("insight") / "data")
    with closing(SqliteStore(settings.data, builtin_catalogue(), IDLE_TIMEOUT)) as store:
        store.write([*late(START), *releases(START)])
    with enter_in_background() as enter:
        yield f"http://{enter(Collector(settings)).admin}"


@pytest.fixture
def run(url: str) -> Run:
    """Run a command."""
    return lambda *words: CliRunner().invoke(app, [*words, "--url", url])


def get(url: str, path: str, **query: str) -> Any:
    """Ask the API."""
    address = f"http://{url.removeprefix('http://')}/api/v1/{path}?{urlencode(query)}"
    with urlopen(address, timeout=PATIENCE) as reply:
        return json.load(reply)


def test_a_session_is_told_as_it_was_known(url: str) -> None:
    """Neither the verdict nor the check that came later are in it, and its events are fewer."""
    then, now = get(url, f"sessions/{LATE}", as_of=rfc3339(THEN)), get(url, f"sessions/{LATE}")
    assert (then["decision"], now["decision"]) == ("PENDING", "APPROVED")
    assert (then["events"], now["events"]) == (4, 5)
    assert "SELFIE_DUPLICATE_CHECK" not in then["why"]["text"]
    events = get(url, f"sessions/{LATE}/events", as_of=rfc3339(THEN))["events"]
    assert [one["name"] for one in events][-1] == "FINAL_PAGE_VIEW"
    of_server = get(url, f"sessions/{LATE}/events", as_of=rfc3339(THEN), source="BE")["events"]
    assert {one["source"] for one in of_server} == {"BE"}


def test_what_arrived_in_the_microsecond_that_is_named_was_known(url: str) -> None:
    """So that a time which the API tells includes what came at it."""
    came = rfc3339(START + 30 * MINUTE)
    assert get(url, f"sessions/{LATE}", as_of=came)["decision"] == "APPROVED"


def test_a_session_that_had_not_begun_is_unknown(url: str) -> None:
    """It says when the first of it came in."""
    with pytest.raises(HTTPError) as refused:
        get(url, f"sessions/{LATE}", as_of=rfc3339(START - SECOND))
    said = json.load(refused.value)["error"]["message"]
    assert refused.value.code == 404
    assert said.endswith(f"had arrived by then; the first of it did at {rfc3339(START)}")


def test_the_command_shows_what_was_known(run: Run) -> None:
    """It begins with what is otherwise now; a time is given as in the timeline."""
    found = run("show", LATE, "--as-of", "+29:00")
    assert found.exit_code == 0
    first, *rest = found.stdout.splitlines()
    assert first.startswith("As known at 2")
    assert first.endswith(
        " UTC: 4 of the 5 events that are known now had arrived."
        " Since then: decision APPROVED, error code PV-20003."
    )
    assert "VERDICT_APPROVED" not in " ".join(rest)
    told = json.loads(run("show", LATE, "--as-of", "+29:00", "--json").stdout)
    assert (told["session"]["decision"], len(told["events"])) == ("PENDING", 4)
    assert "is no time" in run("show", LATE, "--as-of", "soon").stderr


def test_two_releases_are_compared(url: str) -> None:
    """The check that the second one fails is named first, and nothing else is."""
    found = get(url, "diff", a="release=1.4", b="release=1.5", project="globex")
    half = RELEASED // 2
    assert [found[side]["sessions"] for side in "ab"] == [half, half]
    assert [one["name"] for one in found["comparisons"] if one["named"]] == ["FACE_COMPARE"]
    (said,) = found["words"]
    assert said.startswith("0.0 % in A and 80.0 % in B of the sessions that ran FACE_COMPARE")
    # The other session tells no release.
    assert get(url, "diff", a="release=(none)")["a"]["sessions"] == 1


def test_the_command_compares(run: Run) -> None:
    """Both cohorts, the shift in words, and the table."""
    found = run("diff", "--a", "release=1.4", "--a", "country=KR", "--b", "release=1.5")
    assert found.exit_code == 0, found.stderr
    assert "A  release=1.4,country=KR  80 sessions\nB  release=1.5  80 sessions\n" in found.stdout
    assert "\n1. 0.0 % in A and 80.0 % in B" in found.stdout
    (line,) = [one for one in found.stdout.splitlines() if one.startswith("●  check")]
    assert line.split()[2:7] == ["FACE_COMPARE", "failed", "0.0", "%", "80.0"]
    everything = run("diff", "--a", "release=1.4", "--all").stdout
    assert "all others  81 sessions" in everything
    assert "too few" in everything
    assert json.loads(run("diff", "--a", "release=1.4", "--json").stdout)["both"] == 0


def test_the_command_tells_what_is_wrong(run: Run) -> None:
    """With the names that there are."""
    refused = run("diff", "--a", "colour=red")
    assert refused.exit_code == 2
    assert "names are release, browser, country, device, week, project" in refused.stderr
