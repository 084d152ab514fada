"""What somebody finds at the desk of the demo."""

from __future__ import annotations

import asyncio
import re
from datetime import date
from pathlib import Path
from urllib.request import urlopen

from tests.support.running import enter_in_background
from tests.support.waiting import PATIENCE, wait_until

from journeytrace.catalogue import builtin_catalogue
from journeytrace_collector.cli.demo import _send, _settings, _work
from journeytrace_collector.cli.terminal import console
from journeytrace_collector.demo.analysts import entries, listed, reviews
from journeytrace_collector.demo.journeys import Journey, make_journeys
from journeytrace_collector.process import Collector

JOURNEYS = make_journeys(60, 7)


def opened(folder: Path, journeys: list[Journey]) -> list[str]:
    """Give pages of the demo's desk, once the lists have been searched."""
    known = listed(journeys)[0].person.session_id
    screening = f"/session/screening?id={known}"
    with enter_in_background() as enter:
        collector = enter(Collector(_settings(str(folder), journeys, keep=True)))

        def page(path: str) -> str:
            with urlopen(f"http://{collector.desk}{path}", timeout=PATIENCE) as answer:
                text: str = answer.read().decode()
                return text

        asyncio.run(_send(console(), journeys, str(collector.otlp_grpc)))
        asyncio.run(_work(collector, journeys))
        wait_until("a hit", lambda: "invented" in page(screening), pause=0.1)
        return [page(path) for path in ("/tasks?show=all", "/invitations", screening)]


def test_the_desk_has_something_of_everything(tmp_path: Path) -> None:
    """Tasks of people and of rules, invitations in each state, and a hit of a list."""
    tasks, invited, screened = opened(tmp_path, JOURNEYS)
    assert "Ask for a proof of address" in tasks
    assert "a rule" in tasks
    states = set(re.findall(r'class="stands (\w+)"', invited))
    assert states == {"not_opened", "opened", "expired", "revoked"}
    assert "Clear: somebody else" in screened


def test_analysts_do_what_the_catalogue_knows() -> None:
    """Each act is an event of people, about a session that is played."""
    acts = list(reviews(JOURNEYS, date(2026, 6, 1)))
    played = {journey.person.session_id for journey in JOURNEYS}
    assert {act.session_id for act in acts} <= played
    assert all(builtin_catalogue().events[act.name].source == "OP" for act in acts)
    assert {"VERDICT_APPROVED", "VERDICT_REJECTED", "VERDICT_CONFIRMED"} <= {a.name for a in acts}


def test_the_list_holds_people_of_the_demo_and_others() -> None:
    """One line for each; without journeys there are strangers alone."""
    names = [f"{one.person.given} {one.person.family}" for one in listed(JOURNEYS)]
    text = entries(JOURNEYS)
    assert all(name in text for name in names)
    assert len(text.splitlines()) == len(names) + len(entries([]).splitlines())
