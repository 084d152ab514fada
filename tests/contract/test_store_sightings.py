"""What each side saw of sessions equals what their events say, and is counted apart by groups."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.contract.conftest import Place
from tests.support.events import IDLE_TIMEOUT, MINUTE, NOON, done, event, journeys
from tests.support.waiting import exhaust

from journeytrace.catalogue import builtin_catalogue, load_catalogue
from journeytrace_collector.core.derive import highest_stage
from journeytrace_collector.core.model import Event
from journeytrace_collector.core.operations import is_passive
from journeytrace_collector.core.sessionize import state_of
from journeytrace_collector.core.sighting import Numbers, Sighted
from journeytrace_collector.insight.groups import groups_of
from journeytrace_collector.insight.loss import Sightings, choose, mask
from journeytrace_collector.store import Cohort, Store

CATALOGUE = builtin_catalogue()
LATER = NOON + 1440 * MINUTE
OWN = '[events.PERIOD_CHECK]\npair = "CHECK_APPROVED"\n[events.SESSION_CREATED]\npair = ""\n'
PAIRS = [name for pair in CATALOGUE.pairs for name in (pair.screen, pair.server)]


@st.composite
def seen(draw: st.DrawFn) -> list[Event]:
    """Generate sessions with events of pairs, some by the wrong side, some telling a browser."""
    found = draw(journeys(sessions=4, max_size=20))
    for number in range(draw(st.integers(1, 30))):
        name = draw(st.sampled_from(PAIRS))
        told = draw(st.sampled_from(("{}", '{"browser":"Edge"}', '{"browser":"Safari","x":1}')))
        swapped = draw(st.integers(0, 9)) == 0
        own = CATALOGUE.events[name].source.value
        found.append(
            event(
                name,
                NOON + draw(st.integers(0, 9)) * MINUTE,
                source={"FE": "BE", "BE": "FE"}[own] if swapped else own,
                session_id=f"session-{draw(st.integers(1, 4))}",
                event_id=bytes([200, number]) * 4,
                metadata=told,
            )
        )
    return found


def told_by_events(
    store: Store, events: Iterable[Event], by: str | None
) -> Iterator[tuple[str | None, str | None, int]]:
    """Tell group, highest stage and bits of each session, by what the store keeps."""
    numbers = Numbers(CATALOGUE)
    for session_id in {one.session_id for one in events}:
        mine = [one for one in store.events(session_id) if not is_passive(one)]
        if mine:
            state = state_of(mine, CATALOGUE)
            group = getattr(groups_of(mine), by) if by else None
            bits = numbers.of((one.name, one.source, one.stage) for one in mine)
            yield group, highest_stage(state), bits


def settled(store: Store, events: Iterable[Event]) -> None:
    """Write, and let all come to rest."""
    store.write(list(events))
    exhaust("settling", lambda: store.settle(LATER, 100))


@given(seen(), st.sampled_from((None, "browser")))
@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_sightings_equal_what_the_events_say(
    place: Place, events: list[Event], by: str | None
) -> None:
    """Whatever came in whatever batches, each session is counted with its bits and its group."""
    place.clear()
    with closing(place.open()) as store:
        settled(store, events[: len(events) // 2])
        settled(store, events)
        found = store.sightings(Cohort(), by)
        expected = list(told_by_events(store, events, by))
    chosen = choose((Sighted(None, None, seen, 1) for _, _, seen in expected), found.numbers)
    assert found.chosen == chosen
    bits = mask(chosen, found.numbers)
    told = Counter({(one.group, one.stage, one.seen): one.sessions for one in found.found})
    assert told == Counter((group, stage, seen & bits) for group, stage, seen in expected)


def sessions_in(found: Sightings) -> int:
    """Count them."""
    return sum(one.sessions for one in found.found)


def test_a_session_in_progress_is_not_counted(store: Store) -> None:
    """Nobody knows yet whether who is in the form will leave it."""
    store.write([event("SESSION_CREATED", NOON), done("SESSION_VIEWED", NOON)])
    assert sessions_in(store.sightings(Cohort())) == 0
    store.settle(NOON + IDLE_TIMEOUT, 10)
    assert sessions_in(store.sightings(Cohort())) == 1


def test_sightings_keep_to_the_cohort_and_to_the_newest(store: Store) -> None:
    """Project and time are as for any figure, and a bound takes the newest."""
    events = [
        event("SESSION_CREATED", NOON + n * MINUTE, session_id=f"s-{n}", project_id="ab"[n % 2])
        for n in range(6)
    ]
    settled(store, events)
    assert sessions_in(store.sightings(Cohort(project="a"))) == 3
    assert sessions_in(store.sightings(Cohort(since=NOON + 4 * MINUTE))) == 2
    assert sessions_in(store.sightings(Cohort(projects=frozenset({"b"})))) == 3
    newest = store.sightings(Cohort(), "project", newest=3).found
    assert {one.group: one.sessions for one in newest} == {"a": 1, "b": 2}


def test_what_a_bit_stands_for_outlives_the_catalogue(place: Place, tmp_path: Path) -> None:
    """A pair that comes to the catalogue takes no other's place in what is stored."""
    place.clear()
    paired = [event("SESSION_CREATED", NOON), event("FRONT_SESSION_START", NOON)]
    with closing(place.open()) as store:
        settled(store, paired)
        before = store.sightings(Cohort()).found
    own = tmp_path / "own.toml"
    own.write_text(OWN)
    with closing(place.open(catalogue=load_catalogue(own))) as store:
        assert len(store.sightings(Cohort()).numbers.names) == len(Numbers(CATALOGUE).names) + 2
    with closing(place.open()) as store:
        assert store.sightings(Cohort()).found == before
