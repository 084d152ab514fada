"""A verdict is compared with its session while that is held, and else nothing is stored."""

from __future__ import annotations

import threading
from contextlib import closing

import pytest
from tests.contract.conftest import Place
from tests.contract.test_store_people import Follower
from tests.support.events import IDLE_TIMEOUT, MINUTE, NOON, SESSION, done, event
from tests.support.postgresql import Server
from tests.support.waiting import PATIENCE, join

from journeytrace.catalogue import builtin_catalogue
from journeytrace.conventions import VERDICTS_TOTAL
from journeytrace_collector.core.model import Event
from journeytrace_collector.core.review import (
    Guard,
    Rules,
    SessionMovedOnError,
    Version,
    version_of,
)
from journeytrace_collector.errors import MovedOnError, VerdictNotAllowedError
from journeytrace_collector.store import Store
from journeytrace_collector.store.base import Carried, Subject
from journeytrace_collector.store.postgresql import PostgresqlStore

CREATED = event("SESSION_CREATED", project_id="acme")
REJECTED = event("REJECTED", NOON + MINUTE, reason="AGE_LIMIT")


def seen(store: Store) -> Version:
    """Give the version of the session that a store holds."""
    known = store.session(SESSION)
    assert known is not None
    return version_of(known.state)


def write(store: Store, one: Event, version: Version | None, rules: Rules | None = None) -> None:
    """Write an event of a person who saw this version."""
    guard = Guard(version, lambda _: rules or Rules())
    store.write([one], Carried(logged=[one], guard=guard))


def test_a_session_that_has_moved_on_is_not_decided(store: Store) -> None:
    """Nothing of the verdict is kept: no event, no counter, nothing to be told; it hears why."""
    follower = Follower()
    store.follow(follower)
    store.write([CREATED])
    version = seen(store)
    store.write([REJECTED])
    changes = len(follower.changes)
    with pytest.raises(SessionMovedOnError) as caught:
        write(store, done("VERDICT_APPROVED", NOON + 2 * MINUTE), version)
    assert caught.value.news == (REJECTED,)
    assert caught.value.version == seen(store)
    assert store.events(SESSION) == [CREATED, REJECTED]
    rises = store.counters().rises
    assert not any(value for (name, _), value in rises.items() if name == VERDICTS_TOTAL.name)
    assert len(follower.changes) == changes


def test_looking_is_nothing_new(store: Store) -> None:
    """Views and notes of others keep nobody from deciding, and it is counted from what to what."""
    store.follow(Follower())
    store.write([CREATED, REJECTED])
    version = seen(store)
    store.write([done("SESSION_VIEWED", NOON + 2 * MINUTE, "ben"), done("NOTE_ADDED", by="eve")])
    write(store, done("VERDICT_APPROVED", NOON + 3 * MINUTE), version)
    assert [one.name for one in store.events(SESSION, "OP")][-1] == "VERDICT_APPROVED"
    labels = ("acme", "REJECTED", "APPROVED")
    assert store.counters().rises[VERDICTS_TOTAL.name, labels] == 1
    with pytest.raises(MovedOnError):
        write(store, done("VERDICT_REJECTED", NOON + 4 * MINUTE, "ben"), version)


def test_the_same_verdict_again_is_the_same(store: Store) -> None:
    """One that comes twice under its id is kept once, and is no conflict with itself."""
    store.write([CREATED])
    version, verdict = seen(store), done("VERDICT_APPROVED", NOON + 1)
    for _ in range(2):
        write(store, verdict, version)
    assert store.events(SESSION, "OP") == [verdict]


def test_a_later_verdict_holds_whatever_the_clock_says(store: Store) -> None:
    """It is kept, and told to those who follow, as no older than the one before it."""
    follower = Follower()
    store.follow(follower)
    store.write([CREATED])
    write(store, done("VERDICT_APPROVED", NOON + MINUTE), seen(store))
    write(store, done("VERDICT_REJECTED", NOON, "ben"), seen(store))
    *_, last = store.events(SESSION, "OP")
    assert (last.name, last.at) == ("VERDICT_REJECTED", NOON + MINUTE + 1)
    assert follower.changes[-1].logged == [last]


def test_two_people_are_asked_for_where_the_verdict_is_kept(store: Store) -> None:
    """The rules of the session's own project are those that count."""
    store.write([CREATED])
    guard = Guard(seen(store), lambda project: Rules(two_people=project == "acme"))
    verdict = done("VERDICT_APPROVED", NOON + 1)
    with pytest.raises(VerdictNotAllowedError, match="two people"):
        store.write([verdict], Carried(guard=guard))
    assert store.events(SESSION) == [CREATED]


def test_what_was_erased_is_not_decided(store: Store) -> None:
    """Who had it open hears that it is gone, and does not bring it back."""
    store.write([CREATED])
    version = seen(store)
    store.forget(Subject("session_id", SESSION), "adm", NOON, 10)
    with pytest.raises(SessionMovedOnError) as caught:
        write(store, done("VERDICT_APPROVED", NOON + 1), version)
    assert caught.value.version is None
    assert store.events(SESSION) == []


def test_collectors_that_share_a_database_take_one_verdict(server: Server) -> None:
    """Of verdicts that several collectors take at one moment one is kept, the rest is told."""
    url = server.fresh()
    catalogue = builtin_catalogue()
    names = ("one", "two", "three", "four")
    stores = [PostgresqlStore(url, catalogue, IDLE_TIMEOUT, collector_id=name) for name in names]
    stores[0].write([CREATED])
    version = seen(stores[0])
    begin = threading.Barrier(len(stores))
    refused: list[str] = []

    def decide(number: int) -> None:
        verdict = done("VERDICT_APPROVED", NOON + number, f"analyst-{number}")
        begin.wait(PATIENCE)
        try:
            write(stores[number], verdict, version)
        except SessionMovedOnError as error:
            refused.append(error.news[0].name)

    threads = [
        threading.Thread(target=decide, args=(number,), daemon=True)
        for number in range(len(stores))
    ]
    for thread in threads:
        thread.start()
    join(*threads)
    kept = stores[0].events(SESSION, "OP")
    for store in stores:
        store.close()
    assert len(kept) == 1
    assert refused == ["VERDICT_APPROVED"] * (len(stores) - 1)


def test_states_of_an_earlier_version_are_read(place: Place) -> None:
    """A verdict that was written before its words were kept is still the one that it was."""
    with closing(place.open()) as store:
        store.write([CREATED, done("VERDICT_APPROVED", NOON + 1)])
    place.execute("UPDATE sessions SET state = replace(state, ',null,false]', ']')")
    with closing(place.open()) as store:
        known = store.session(SESSION)
        assert known is not None
        verdict = known.state.verdict
    assert verdict is not None
    assert (verdict.person, verdict.decision, verdict.text) == ("ann", "APPROVED", None)
