"""Several collectors on one database come to what one alone would have come to."""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from urllib.parse import urlsplit

from tests.support.events import IDLE_TIMEOUT, MINUTE, NOON, SESSION, event
from tests.support.postgresql import Server
from tests.support.waiting import PATIENCE, exhaust, wait_until

from journeytrace.catalogue import builtin_catalogue
from journeytrace_collector.core.change import Change, Followup, Parcel, Tally
from journeytrace_collector.core.measure import Measure
from journeytrace_collector.core.model import Event
from journeytrace_collector.core.retention import NS_PER_DAY
from journeytrace_collector.core.sessionize import distinct, fold
from journeytrace_collector.health import Health
from journeytrace_collector.outbox.effects import effects
from journeytrace_collector.outbox.exporter import Exporter
from journeytrace_collector.store.postgresql import PostgresqlStore

CATALOGUE = builtin_catalogue()
NAMES = ("SESSION_CREATED", "STEP1_ENTERED", "FACE_COMPARE", "STEP_VIEW", "API_CALL", "APPROVED")
DUE = NOON + 10 * MINUTE + IDLE_TIMEOUT


class Telling(Exporter):
    """Lets a parcel leave for each new event, and one for each settlement."""

    def parcels(self, change: Change) -> list[Parcel]:
        news = [(s, e.event_id) for s in change.sessions for e in s.fresh]
        news += [(s, b"settled") for s in change.sessions if s.settlement]
        return [Parcel("audit", what, s.after.session_id) for s, what in news]


def followed(store: PostgresqlStore) -> PostgresqlStore:
    """Count and tell what happens in a store, as a collector does."""
    measure = Measure(CATALOGUE)
    measure.restore(store.counters())
    store.follow(effects(measure, {"audit": Telling()}, Health()))
    return store


def a_load(sessions: int = 40) -> list[list[Event]]:
    """Give batches of events, every event in two of them, each session in many."""
    rng = random.Random(7)
    events = [
        event(name, NOON + n * 1000 + m, session_id=f"s-{n}", project_id="acme", duration=5)
        for n in range(sessions)
        for m, name in enumerate(NAMES)
    ]
    twice = events * 2
    rng.shuffle(twice)
    return [twice[n : n + 12] for n in range(0, len(twice), 12)]


def together(*jobs: Callable[[], object]) -> None:
    """Run jobs in threads that begin at the same moment; raise what one of them raised."""
    ready = threading.Barrier(len(jobs))

    def run(job: Callable[[], object]) -> None:
        ready.wait(PATIENCE)
        job()

    with ThreadPoolExecutor(len(jobs)) as pool:
        for done in [pool.submit(run, job) for job in jobs]:
            done.result(PATIENCE)


def write_all(store: PostgresqlStore, batches: Sequence[Sequence[Event]]) -> None:
    """Write batch after batch."""
    for batch in batches:
        store.write(batch)


def settle_all(store: PostgresqlStore) -> None:
    """Settle until nothing is left."""
    exhaust("settling", lambda: store.settle(DUE, 3))


def total(*stores: PostgresqlStore) -> dict[object, float]:
    """Give the sum of the stores' counters, but for what is measured in floats."""
    tally = Tally()
    for store in stores:
        for (name, labels), value in store.counters().rises.items():
            tally.add(name, labels, value)
    return {series: value for series, value in tally.rises.items() if series[0][-4:] != "_sum"}


def told(server: Server, url: str) -> Counter[tuple[object, ...]]:
    """Give what is in the outbox."""
    return Counter(server.execute("SELECT session_id, payload FROM outbox", url))


def test_two_collectors_come_to_what_one_comes_to(
    server: Server, url: str, open_store: Callable[..., PostgresqlStore]
) -> None:
    """Same sessions, same sum of counters, same outbox, whoever got which batch when."""
    batches = a_load()
    alone_url = server.fresh()
    alone = followed(open_store("alone", alone_url))
    write_all(alone, batches)
    settle_all(alone)

    one, two = followed(open_store("one")), followed(open_store("two"))
    together(lambda: write_all(one, batches[::2]), lambda: write_all(two, batches[1::2]))
    together(lambda: settle_all(one), lambda: settle_all(two))

    expected = fold(distinct([e for b in batches for e in b]).values(), CATALOGUE)
    for session_id, state in expected.items():
        known = two.session(session_id)
        assert known is not None
        assert known.state == state
        assert known == alone.session(session_id)
    assert total(one, two) == total(alone)
    assert told(server, url) == told(server, alone_url)


def test_sessions_that_are_new_to_both_are_made_once(
    open_store: Callable[..., PostgresqlStore],
) -> None:
    """Collectors that meet on the same new sessions neither fail nor count twice."""
    one, two = open_store("one"), open_store("two")
    new = []

    def write(store: PostgresqlStore, reverse: bool) -> None:
        for n in range(30):
            batch = [event("STEP_VIEW", session_id=f"{n}-{m}") for m in range(20)]
            new.append(store.write(batch[::-1] if reverse else batch).new)

    together(lambda: write(one, False), lambda: write(two, True))
    assert sum(new) == 600


def test_erasing_beside_writing_and_delivery_makes_no_ring(
    open_store: Callable[..., PostgresqlStore],
) -> None:
    """Retention, writes, settling and delivery on the same sessions at once: all come through."""
    one, two = followed(open_store("one")), followed(open_store("two"))
    batches = a_load(20)

    def tend() -> None:
        for _ in range(40):
            two.erase(NOON + 31 * NS_PER_DAY, 50)
            two.settle(DUE, 3)
            two.delivered([row.id for row in two.waiting("audit", 8)])

    together(lambda: write_all(one, batches), tend)
    exhaust("erasing", lambda: two.erase(NOON + 31 * NS_PER_DAY, 50))
    assert two.open_sessions(NOON) == {}
    assert two.waiting("audit", 9) == []


def test_each_parcel_is_in_one_hand_at_a_time_and_in_order(
    open_store: Callable[..., PostgresqlStore],
) -> None:
    """Collectors that empty one outbox together hand over each parcel once and in order."""
    one, two, three = (followed(open_store(name)) for name in ("one", "two", "three"))
    batches = a_load()
    write_all(one, batches)
    guard = threading.Lock()
    in_hand: set[str | None] = set()
    delivered: list[tuple[str | None, int]] = []

    def deliver(store: PostgresqlStore) -> None:
        for rows in iter(lambda: store.waiting("audit", 8), []):
            sessions = {row.parcel.session_id for row in rows}
            with guard:
                assert not in_hand & sessions
                in_hand.update(sessions)
                delivered.extend((row.parcel.session_id, row.id) for row in rows)
            store.waiting("audit", 8)
            with guard:
                in_hand.difference_update(sessions)
            store.delivered([row.id for row in rows])

    together(*(lambda store=store: deliver(store) for store in (one, two, three)))
    ids = [row_id for _, row_id in delivered]
    assert sorted(ids) == sorted(set(ids))
    assert one.outbox() == {}
    for session_id in {session_id for session_id, _ in delivered}:
        mine = [row_id for found, row_id in delivered if found == session_id]
        assert mine == sorted(mine)


def parcels(*session_ids: str | None) -> Callable[[Change], Followup]:
    """Let a parcel leave for each of these, whatever changed."""
    made = [Parcel("audit", str(n).encode(), s) for n, s in enumerate(session_ids)]
    return lambda _: Followup(Tally(), made)


def test_a_lease_holds_the_rest_of_the_session_too(
    open_store: Callable[..., PostgresqlStore],
) -> None:
    """While one of a session's parcels is out, another collector gets those of others alone."""
    one, two = open_store("one"), open_store("two")
    one.follow(parcels("a", "b", "a", "c"))
    one.write([event("STEP_VIEW")])
    assert [row.parcel.session_id for row in one.waiting("audit", 1)] == ["a"]
    assert [row.parcel.session_id for row in two.waiting("audit", 9)] == ["b", "c"]
    assert [row.parcel.session_id for row in one.waiting("audit", 9)] == ["a", "a"]
    one.delivered([row.id for row in one.waiting("audit", 1)])
    assert two.waiting("audit", 1)[0].parcel.session_id == "b"


def test_what_joins_a_line_as_it_is_held_back_waits_too(
    server: Server, url: str, open_store: Callable[..., PostgresqlStore]
) -> None:
    """A parcel that was being added while its line was put off does not overtake that line."""
    one = open_store("one")
    one.follow(parcels("a", "a", "b"))
    one.write([event("STEP_VIEW")])
    first, second, _ = one.waiting("audit", 9)
    one.put_off({first.id: NOON})
    # What another collector commits just then has not seen that.
    server.execute("UPDATE outbox SET failures = 0, retry_at = NULL WHERE payload = '1'", url)
    assert [row.parcel.session_id for row in one.waiting("audit", 9)] == ["b"]
    assert [row.parcel.session_id for row in one.waiting("audit", 9, skip=0.01)] == ["b"]
    assert [row.id for row in one.again("audit", 9, NOON)] == [first.id]
    one.put_off({first.id: NOON + 1})
    assert [row.id for row in one.again("audit", 9, NOON + 1)] == [first.id, second.id]
    one.delivered([first.id])
    assert [row.parcel.session_id for row in one.waiting("audit", 9)] == ["a", "b"]


def test_a_lease_that_ran_out_is_taken_over(open_store: Callable[..., PostgresqlStore]) -> None:
    """What a collector that died had been handed goes to another when its time is up."""
    one, two = open_store("one"), open_store("two")
    one.follow(parcels("a", "a"))
    one.write([event("STEP_VIEW")])
    assert len(one.waiting("audit", 1, lease=0)) == 1
    assert len(two.waiting("audit", 9)) == 2
    assert one.waiting("audit", 9) == []


def test_parcels_without_a_session_keep_to_their_collectors_order(
    open_store: Callable[..., PostgresqlStore],
) -> None:
    """Of such parcels each collector's own are a line of their own."""
    one, two = open_store("one"), open_store("two")
    for store in (one, two):
        store.follow(parcels(None, None))
        store.write([event("STEP_VIEW", session_id=str(id(store)))])
    assert len(one.waiting("audit", 1)) == 1
    assert len(two.waiting("audit", 9)) == 2


def test_counters_are_each_collectors_own(open_store: Callable[..., PostgresqlStore]) -> None:
    """A collector shows what it counted itself, and 0 of what only others have."""
    one, two = open_store("one"), open_store("two")
    tally = Tally()
    tally.add("hits", ("a",), 2)
    one.follow(lambda _: Followup(tally))
    one.write([event("STEP_VIEW")])
    assert one.counters().rises == {("hits", ("a",)): 2}
    assert two.counters().rises == {("hits", ("a",)): 0}


def test_a_period_that_one_begins_holds_for_all(
    open_store: Callable[..., PostgresqlStore],
) -> None:
    """From the moment that the choice is kept, in what another collector writes and shows."""
    one, two = open_store("one"), open_store("two")
    one.keep_for({}, NOON)
    two.keep_for({}, NOON)
    assert one.choose_period("acme", 365, "ann", NOON)
    two.write([event("SESSION_CREATED", NOON, project_id="acme")])
    two.erase(NOON + 31 * NS_PER_DAY, 9)
    known = two.session(SESSION)
    assert known is not None
    assert known.retention.days(known.state) == 365


def test_a_period_waits_for_those_who_hold_to_the_one_before(
    server: Server, url: str, open_store: Callable[..., PostgresqlStore]
) -> None:
    """A session that is being written beside the choice is erased as it is told: by the new one."""
    one, two = open_store("one"), open_store("two")
    one.keep_for({}, NOON)
    choosing = ThreadPoolExecutor(1)
    asked: list[Future[bool]] = []
    waits = "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = '{}'"

    def choose_meanwhile(_: Change) -> Followup:
        asked.append(choosing.submit(two.choose_period, "acme", 365, "ann", NOON))
        waiting = waits.format(urlsplit(url).path[1:])
        wait_until("the choice waits", lambda: asked[0].done() or server.execute(waiting, url))
        return Followup(Tally(), [])

    one.follow(choose_meanwhile)
    one.write([event("SESSION_CREATED", NOON, project_id="acme")])
    assert asked[0].result(PATIENCE)
    choosing.shutdown()
    two.erase(NOON + 31 * NS_PER_DAY, 9)
    known = two.session(SESSION)
    assert known is not None
    assert known.retention.days(known.state) == 365
