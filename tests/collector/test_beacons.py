"""How many beacons are lost, as Prometheus is told."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.events import IDLE_TIMEOUT, MINUTE, NOON, event

from journeytrace.catalogue import builtin_catalogue
from journeytrace.conventions import BEACON_LOSS_RATIO
from journeytrace_collector.beacons import Beacons
from journeytrace_collector.core.change import Change, Followup
from journeytrace_collector.core.measure import Measure
from journeytrace_collector.core.model import Event
from journeytrace_collector.health import Health
from journeytrace_collector.store import SqliteStore

CATALOGUE = builtin_catalogue()
LATER = NOON + 120 * MINUTE


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    """A store that counts, with room for one project's own label."""
    store = SqliteStore(tmp_path, CATALOGUE, IDLE_TIMEOUT)
    measure = Measure(CATALOGUE, max_projects=1)

    def effects(change: Change) -> Followup:
        tally = measure.tally(change)
        return Followup(tally, committed=lambda: measure.learn(tally))

    store.follow(effects)
    yield store
    store.close()


def sessions(project: str, count: int, lost: int, at: int = NOON) -> list[Event]:
    """Give so many sessions of a project, of which so many beacons were lost."""
    found = []
    for number in range(count):
        own = {"session_id": f"{project}-{number}", "project_id": project}
        found.append(event("SESSION_CREATED", at, **own))
        if number >= lost:
            found.append(event("FRONT_SESSION_START", at + MINUTE, **own))
    return found


def shown(store: SqliteStore, now: int = LATER) -> dict[tuple[str, ...], float]:
    """Look, and give what is shown then."""
    health = Health()
    Beacons(store, lambda: now, health, CATALOGUE.ordered_stages).look()
    rises = health.tally().rises
    return {labels: value for (name, labels), value in rises.items() if name == METRIC}


METRIC = BEACON_LOSS_RATIO.name


def test_it_is_told_by_project(store: SqliteStore) -> None:
    """Under the labels that projects have, the others together; of too few there is nothing."""
    store.write(sessions("acme", 40, 10))
    for project in ("globex", "initech"):
        store.write(sessions(project, 20, 10))
    assert shown(store) == {}
    store.settle(LATER, 1000)
    assert shown(store) == {("acme",): 0.25, ("other",): 0.5}


def test_it_is_of_one_day_and_does_not_stay(store: SqliteStore) -> None:
    """What was shown is gone once nothing new tells it."""
    store.write(sessions("acme", 40, 10))
    store.settle(LATER, 1000)
    assert shown(store)
    assert shown(store, NOON + 1440 * MINUTE + 1) == {}
    health = Health()
    health.show(BEACON_LOSS_RATIO, {("acme",): 0.5})
    health.show(BEACON_LOSS_RATIO, {("globex",): 0.25})
    assert health.tally().rises == {(METRIC, ("globex",)): 0.25}
