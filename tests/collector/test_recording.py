"""What people do goes the way of all events."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from tests.support.events import NOON, event

from journeytrace.catalogue import builtin_catalogue
from journeytrace_collector.core.decode import Decoder
from journeytrace_collector.core.fields import BadFieldError
from journeytrace_collector.core.review import Rules, SessionMovedOnError, version_of
from journeytrace_collector.errors import OverloadedError, VerdictNotAllowedError
from journeytrace_collector.ingest import Ingest
from journeytrace_collector.recording import Record, Recorder
from journeytrace_collector.store.sqlite import SqliteStore

CATALOGUE = builtin_catalogue()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    """A store with one session, s-1."""
    with closing(SqliteStore(tmp_path / "data", CATALOGUE, 1)) as store:
        store.write([event("SESSION_CREATED", session_id="s-1")])
        yield store


@pytest.fixture
def ingest(store: SqliteStore) -> Iterator[Ingest]:
    """The one writer."""
    with closing(Ingest(store, 2**20)) as ingest:
        yield ingest


@pytest.fixture
def record(ingest: Ingest) -> Record:
    """What the desk is given."""
    record = Recorder(lambda: NOON + 5)
    record.open(ingest, Decoder(CATALOGUE, carry_logged=True))
    return record


def test_it_is_on_disk_with_who_did_it_and_what_they_said(
    store: SqliteStore, record: Record
) -> None:
    """An act of a person is an event of source OP as soon as the call returns."""
    asyncio.run(record("NOTE_ADDED", "s-1", "ann", {"journey.private.text": "hello"}))

    (found,) = store.events("s-1", "OP")
    assert (found.name, found.stage, found.at) == ("NOTE_ADDED", "REVIEW", NOON + 5)
    assert '"journey.actor.id":"ann"' in found.metadata
    assert '"journey.private.text":"hello"' in found.metadata


def test_the_same_is_recorded_once_only_where_it_says_so(
    store: SqliteStore, record: Record
) -> None:
    """Two acts are two events, unless they have one id."""

    async def look() -> None:
        for _ in range(2):
            await record("SESSION_VIEWED", "s-1", "ann", event_id=b"12345678")
            await record("NOTE_ADDED", "s-1", "ann")

    asyncio.run(look())

    assert sorted(found.name for found in store.events("s-1", "OP")) == [
        "NOTE_ADDED",
        "NOTE_ADDED",
        "SESSION_VIEWED",
    ]


def test_the_desk_cannot_speak_for_the_services(store: SqliteStore, record: Record) -> None:
    """An event that services record is no act of a person."""
    with pytest.raises(BadFieldError):
        asyncio.run(record("APPROVED", "s-1", "ann"))

    assert not store.events("s-1", "OP")


def test_what_is_not_kept_raises(ingest: Ingest, record: Record) -> None:
    """Whoever would show what cannot be recorded is told so."""
    ingest.close()

    with pytest.raises(OverloadedError):
        asyncio.run(record("SESSION_VIEWED", "s-1", "ann"))


def test_who_saw_another_session_is_told_so(store: SqliteStore, record: Record) -> None:
    """What was expected is compared as it is kept, also of what is no verdict."""
    known = store.session("s-1")
    assert known is not None
    version = version_of(known.state)
    asyncio.run(record("NOTE_ADDED", "s-1", "ann", expected=version))
    store.write([event("STEP_VIEW", NOON + 1, session_id="s-1")])

    for name in ("NOTE_ADDED", "VERDICT_APPROVED"):
        with pytest.raises(SessionMovedOnError, match="STEP_VIEW"):
            asyncio.run(record(name, "s-1", "ann", expected=version))

    assert [one.name for one in store.events("s-1", "OP")] == ["NOTE_ADDED"]


def test_whoever_records_a_verdict_is_under_the_rules(ingest: Ingest, store: SqliteStore) -> None:
    """Where two people decide nothing that the collector runs decides alone."""
    record = Recorder(lambda: NOON + 5, lambda _: Rules(two_people=True))
    record.open(ingest, Decoder(CATALOGUE))
    with pytest.raises(VerdictNotAllowedError):
        asyncio.run(record("VERDICT_REJECTED", "s-1", "ann"))

    asyncio.run(record("VERDICT_PROPOSED", "s-1", "ann", {"journey.decision": "REJECTED"}))
    (proposed,) = store.events("s-1", "OP")
    named = {"journey.verdict.proposal": proposed.event_id.hex()}
    asyncio.run(record("VERDICT_REJECTED", "s-1", "ben", named))

    known = store.session("s-1")
    assert known is not None
    assert known.state.verdict is not None
    assert known.state.verdict.person == "ben"
