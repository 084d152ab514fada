"""Lost beacons and clocks, over the API and on the command line."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import closing
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest
from tests.support.events import MINUTE
from tests.support.lossy import AHEAD, APART, ENDED, WENT_ON, lossy
from tests.support.running import enter_in_background, free_settings
from tests.support.waiting import PATIENCE, exhaust
from typer.testing import CliRunner

from journeytrace.catalogue import builtin_catalogue
from journeytrace_collector.cli import app
from journeytrace_collector.process import Collector
from journeytrace_collector.store.opening import open_store

HERE = APART.replace(" ", "%20")


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A collector whose sessions have come to rest."""
    settings = free_settings(tmp_path_factory.mktemp("lossy") / "data")
    now = time.time_ns()
    with closing(open_store(settings, builtin_catalogue())) as store:
        store.write(lossy(now))
        exhaust("settling", lambda: store.settle(now + MINUTE, 100))
    with enter_in_background() as enter:
        yield str(enter(Collector(settings)).admin)


def get(url: str, path: str) -> Any:
    """Ask."""
    with urlopen(f"http://{url}/api/v1/{path}", timeout=PATIENCE) as reply:
        return json.load(reply)


def run(*words: str) -> str:
    """Give what a command prints, which ends well."""
    done = CliRunner().invoke(app, [*words])
    assert done.exit_code == 0, done.output
    return done.output


def test_a_funnel_tells_how_many_there_really_were(url: str) -> None:
    """Beside what it has always told: both sides' counts, the estimate and what is lost."""
    found = get(url, "funnel")
    assert found["steps"][0]["stage"] == "ENTRY"
    (group,) = found["loss"]
    assert (found["by"], group["name"], group["sessions"]) == (None, None, WENT_ON + ENDED + 1)
    entry, *rest = group["steps"]
    assert (entry["screen"], entry["server"]) == ("FRONT_SESSION_START", "SESSION_CREATED")
    assert entry["seen_by_screen"] == WENT_ON * 3 // 4 + ENDED * 2 // 3
    assert entry["seen_by_server"] == WENT_ON + ENDED * 9 // 10
    assert entry["known"] == 1 + WENT_ON + ENDED - 1
    assert entry["low"] <= WENT_ON + ENDED + 1 <= entry["high"]
    assert entry["screen_loss"]["low"] < 0.28 < entry["screen_loss"]["high"]
    assert {step["stage"]: step["refusal"] is None for step in rest}["PRE_CHECKS"] is False


def test_a_funnel_is_told_apart_by_groups(url: str) -> None:
    """By browser and by project, the largest first; people are not estimated."""
    browsers = get(url, "funnel?by=browser")["loss"]
    assert {one["name"]: one["sessions"] for one in browsers} == {"Edge": 45, "Safari": 45, None: 1}
    assert get(url, "funnel?by=project&project=globex")["loss"][0]["name"] == "globex"
    assert get(url, "funnel?per=person")["loss"] is None
    with pytest.raises(HTTPError) as wrong:
        get(url, "funnel?by=colour")
    told = json.load(wrong.value)["error"]
    assert (told["field"], told["allowed"]) == ("by", "project, browser, release, country")


def test_the_command_tells_the_same(url: str) -> None:
    """With how many were seen, how many there really were, and why there is no figure."""
    entry = get(url, "funnel")["loss"][0]["steps"][0]
    text = run("funnel", "--url", url)
    (line,) = [line for line in text.splitlines() if line.startswith("ENTRY")]
    assert line.split()[1:3] == [str(entry["known"]), str(entry["estimate"])]
    assert f"({entry['low']} to {entry['high']})" in line
    assert "PRE_STEP2, DECISION, POST: No action of this stage is seen by both sides" in text
    text = run("funnel", "--by", "browser", "--url", url)
    assert "Edge: 45 sessions" in text
    assert "no browser told: 1 session\n" in text
    assert json.loads(run("funnel", "--json", "--url", url))["loss"][0]["steps"][0] == entry
    assert "No session of this time has come to rest" in run(
        "funnel", "--since", "1m", "--url", url
    )


def test_events_tell_how_far_clocks_are_apart(url: str) -> None:
    """And which order is certain, also among those of one side."""
    found = get(url, f"sessions/{HERE}/events")
    clock = found["clock"]
    assert clock["ahead_low"] < AHEAD / 1e9 < clock["ahead_high"]
    assert clock["text"].startswith("Screen's clock 2 h 3 min ahead")
    assert [one["order_certain"] for one in found["events"]] == [None, False, True, False]
    server = get(url, f"sessions/{HERE}/events?source=BE")
    assert server["clock"] == clock
    assert [one["order_certain"] for one in server["events"]] == [None, True]
    unknown = get(url, "sessions/s-1/events")
    assert unknown["clock"] is None
    assert [one["order_certain"] for one in unknown["events"]][:3] == [None, True, False]


def test_a_timeline_marks_what_is_not_certain(url: str) -> None:
    """With how far the clocks are apart; where nobody knows, that is said instead."""
    text = run("show", APART, "--url", url)
    assert "Screen's clock 2 h 3 min ahead (±501 ms), by 2 calls" in text
    marked = [line.split()[3] for line in text.splitlines() if line.startswith(("~+", "~-"))]
    assert marked == ["FLOW_ID_ISSUED", "IP_RISK_CHECK"]
    assert "~ it is not certain that this came after the event above it" in text
    assert TIME_TOLD not in text
    assert "\n~" not in run("show", APART, "--source", "BE", "--url", url)
    assert "Between FE and BE no order is certain" in run("show", "s-1", "--url", url)
    answer = json.loads(run("show", APART, "--json", "--url", url))
    assert answer["clock"]["calls"] == 2


TIME_TOLD = "journey.time.screen"


def test_the_loss_of_beacons_is_a_gauge(url: str) -> None:
    """Of the sessions of a day: none of these is so new, and a gauge of nothing is not there."""
    with urlopen(f"http://{url}/metrics", timeout=PATIENCE) as reply:
        text = reply.read().decode()
    assert "journey_beacon_loss_ratio{" not in text
