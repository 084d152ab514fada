"""When a version of a service was seen first: what marks deployments on the dashboards."""

from __future__ import annotations

from tests.contract.conftest import Reopen
from tests.support.events import MINUTE, NOON

from journeytrace_collector.store import Carried, Store
from journeytrace_collector.store.base import MOST_VERSIONS


def sent(at: int, *versions: str) -> Carried:
    """Make what a write of a service's versions carries."""
    return Carried(at=at, versions=frozenset(("form", version) for version in versions))


def test_a_version_keeps_the_time_of_its_first_event(store: Store, reopen: Reopen) -> None:
    """Over later events and a restart; one that comes back was not deployed anew."""
    store.write((), sent(NOON, "1.0"))
    store.write((), sent(NOON + MINUTE, "1.0", "1.1"))
    store = reopen()
    store.write((), sent(NOON + 2 * MINUTE, "1.0"))
    assert store.versions() == {("form", "1.0"): NOON, ("form", "1.1"): NOON + MINUTE}


def test_only_the_newest_versions_are_kept(store: Store) -> None:
    """A deployment every minute fills no disk, and is marked all the same."""
    for n in range(MOST_VERSIONS // 50 + 1):
        store.write((), sent(NOON + n * MINUTE, *(f"{n}.{minor}" for minor in range(50))))
    found = store.versions()
    assert len(found) == MOST_VERSIONS
    assert min(found.values()) == NOON + MINUTE
