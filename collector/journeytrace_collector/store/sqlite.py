"""The store of one machine: a single SQLite file in WAL mode."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from journeytrace.catalogue import Catalogue
from journeytrace_collector.core.change import Change, Effects, Parcel, Tally
from journeytrace_collector.core.forgetting import digest
from journeytrace_collector.core.model import Event
from journeytrace_collector.core.overview import Outcome
from journeytrace_collector.core.retention import Period, Retention, changes
from journeytrace_collector.core.sessionize import NEVER
from journeytrace_collector.errors import StartError, StoreUnavailableError
from journeytrace_collector.insight.conformance import NO_RULES, Rules
from journeytrace_collector.insight.loss import Sightings
from journeytrace_collector.store import (
    bound,
    counting,
    invitations,
    periods,
    sightings,
    sqlite_erasing,
    sqlite_ledger,
    sqlite_outbox,
    subjects,
    tasks,
    watermarks,
)
from journeytrace_collector.store.base import (
    EVERY_ACT,
    LEASE_SECONDS,
    NOTHING_CARRIED,
    Act,
    ActQuery,
    Carried,
    Cohort,
    Counted,
    Erased,
    InvitationQuery,
    Invited,
    Known,
    OutboxRow,
    OutboxState,
    Page,
    Sample,
    SessionLimits,
    SessionQuery,
    Subject,
    TaskQuery,
    TaskRow,
    Written,
)
from journeytrace_collector.store.courses import Sampling
from journeytrace_collector.store.erasing import erase, forget
from journeytrace_collector.store.folder import take_folder
from journeytrace_collector.store.idling import idle
from journeytrace_collector.store.ledger import remembered
from journeytrace_collector.store.listing import HASTE, NUMBERS, Listed, Listing
from journeytrace_collector.store.migrations import pending_steps
from journeytrace_collector.store.migrations.refold import LACKING, UNSEEN, refold, sight
from journeytrace_collector.store.sql import SQLITE, Sql
from journeytrace_collector.store.sqlite_behind import Behind
from journeytrace_collector.store.sqlite_tables import SqliteTables
from journeytrace_collector.store.texts import storable
from journeytrace_collector.store.writing import EVENT_FIELDS, Writing

__all__ = ["SqliteStore"]

FILE_NAME: Final = "journeys.sqlite"

ROWS_AT_ONCE: Final = 500
"""Rows that are behind and are written together: some 10 ms."""

_PRAGMAS: Final = """
PRAGMA journal_mode = WAL;
PRAGMA synchronous = FULL; -- an answer of success must survive a power cut, not only a crash
PRAGMA wal_autocheckpoint = 8000; -- pages; fewer, larger checkpoints write less in all
PRAGMA journal_size_limit = 67108864;
PRAGMA cache_size = -65536; -- KiB
PRAGMA secure_delete = FAST; -- see sqlite_erasing
"""


class SqliteStore:
    """Implements `Store`. One process owns the folder; reads never wait for the writer."""

    def __init__(
        self,
        folder: Path,
        catalogue: Catalogue,
        idle_timeout: int,
        limits: SessionLimits | None = None,
        rules: Rules = NO_RULES,
    ) -> None:
        """Open or create the store; `idle_timeout` in ns, `rules` are checked of what settles.

        Raises:
            StartError: the folder cannot be used, another process has it, or the file is no store.
        """
        self._idle_timeout = idle_timeout
        self._stages = catalogue.ordered_stages
        self._writing = Writing(catalogue, idle_timeout, limits)
        self._writing.rules = rules
        self._effects: Effects | None = None
        self._versions: frozenset[tuple[str, str]] = frozenset()
        self._turn = threading.Lock()
        """Whose turn it is to use the writing connection."""
        self._path = folder / FILE_NAME
        self._lock = take_folder(folder, FILE_NAME)
        with ExitStack() as undone:
            undone.callback(os.close, self._lock)
            try:
                self._writer = sqlite3.connect(
                    # Waiting longer for somebody's lock would outlast the sender's patience.
                    self._path,
                    timeout=1,
                    isolation_level=None,
                    check_same_thread=False,
                )
                undone.callback(self._writer.close)
                self._writer.executescript(_PRAGMAS)
                self._migrate(catalogue)
                # What a collector that was killed has left in the log.
                sqlite_erasing.empty_log(self._writer)
                self._writing.salt = sqlite_erasing.salt(self._writer)
                self._numbers = sightings.numbered(
                    self._writer.execute, SQLITE.placeholder, catalogue
                )
                self._behind = Behind(self._writer, self._writing)
                self._tables = SqliteTables(
                    self._writer, idle_timeout, self._writing, self._behind, self._numbers
                )
                self._writer.execute("BEGIN IMMEDIATE")
                self._behind.catch_up()
                self._writer.execute("COMMIT")
            except sqlite3.Error as error:
                raise StartError(f"{self._path}: cannot be used as a store: {error}") from error
            undone.pop_all()

    def _migrate(self, catalogue: Catalogue) -> None:
        (version,) = self._writer.execute("PRAGMA user_version").fetchone()
        if missing := pending_steps("sqlite", version, str(self._path)):
            self._writer.executescript(f"BEGIN; {';'.join(missing)};")
            if 0 < version < LACKING:
                refold(self._writer.execute, SQLITE.placeholder, catalogue)
            if 0 < version < UNSEEN:
                sight(self._writer.execute, SQLITE.placeholder, catalogue)
            self._writer.execute(f"PRAGMA user_version = {version + len(missing)}")
            self._writer.execute("COMMIT")

    def keep_for(self, days: Mapping[str, int], now: int) -> None:
        """See `Store.keep_for`."""
        with self._transaction():
            known = Retention(self._read_periods())
            begins = now if self._writer.execute("SELECT 1 FROM sessions").fetchone() else 0
            retention = self._begin(changes(known, days, begins))
        self._writing.retention = retention

    def choose_period(self, project: str, days: int, actor: str, now: int) -> bool:
        """See `Store.choose_period`."""
        with self._transaction():
            found = periods.chosen(Retention(self._read_periods()), project, days, actor, now)
            if found is None:
                return False
            period, act = found
            retention = self._begin([period])
            self._tables.note_acts([act])
        self._writing.retention = retention
        return True

    def _begin(self, begun: Iterable[Period]) -> Retention:
        """Add periods to those that there are, and give all."""
        begun = list(begun)
        if begun:
            self._behind.write_some(len(self._behind))
            self._behind.forget_all()
        execute, executemany = self._writer.execute, self._writer.executemany
        executemany(periods.ADD.format("?"), begun)
        retention = Retention(self._read_periods())
        for period in begun:
            sql = periods.begun_in(period, SQLITE)
            rows = execute(sql.text, sql.values)
            executemany(
                periods.EXPIRES.format("?"), periods.expiring(self._writing, retention, rows)
            )
        return retention

    def _read_periods(self) -> list[Period]:
        return [periods.period_of(row) for row in self._writer.execute(periods.READ)]

    def periods(self) -> list[Period]:
        """See `Store.periods`."""
        with self._reading() as reader:
            return [periods.period_of(row) for row in reader.execute(periods.READ)]

    def follow(self, effects: Effects) -> None:
        """See `Store.follow`."""
        self._effects = effects

    def write(self, events: Sequence[Event], carried: Carried = NOTHING_CARRIED) -> Written:
        """See `Store.write`."""
        try:
            return self._write(events, carried)
        except UnicodeEncodeError:
            return self._write(storable(events), carried)

    def _write(self, events: Sequence[Event], carried: Carried) -> Written:
        with self._transaction():
            change, written = self._writing.write(self._tables, events, carried)
            committed = self._follow_up(change)
            if fresh := carried.versions - self._versions:
                sqlite_ledger.note_versions(self._writer, fresh, change.at)
        committed()
        self._versions = remembered(self._versions, fresh)
        return written

    def catch_up(self) -> bool:
        """See `Store.catch_up`."""
        if not self._behind:
            return False
        with self._transaction():
            self._behind.write_some(ROWS_AT_ONCE)
        return bool(self._behind)

    def settle(self, now: int, limit: int, at: int | None = None) -> int:
        """See `Store.settle`."""
        with self._transaction():
            due = self._tables.due(now, limit)
            change, settled = self._writing.settle(self._tables, due, now, at)
            self._tables.settle(settled)
            committed = self._follow_up(change)
        committed()
        return len(settled)

    def erase(self, now: int, limit: int) -> int:
        """See `Store.erase`."""
        with self._transaction(secure=True):
            expired = self._tables.expired(now, limit)
            change, rows = erase(self._tables, self._writing.salt, expired, now, limit)
            committed = self._follow_up(change)
        committed()
        return rows

    def forget(self, subject: Subject, actor: str, now: int, limit: int) -> Erased:
        """See `Store.forget`."""
        with self._transaction(secure=True):
            found = self._tables.of_subject(subject, limit)
            change = forget(self._tables, self._writing.salt, found, actor, now)
            if found:
                sqlite_erasing.set_scrub_due(self._writer, due=True)
            committed = self._follow_up(change)
        committed()
        return Erased(len(found), sum(row.events for row in found))

    def scrub(self) -> bool:
        """See `Store.scrub`."""
        with self._reading() as reader:
            if not sqlite_erasing.scrub_due(reader):
                return True
            if reader.execute("SELECT 1 FROM erasing").fetchone():
                return False
            small = sqlite_erasing.is_small(reader)
        for step in (sqlite_erasing.overwrite_free_pages, sqlite_erasing.clear_blank):
            more = not small
            while more:
                # Requests take their turn between two steps.
                with self._transaction():
                    more = step(self._writer)
        with self._using():
            if small:
                self._writer.execute("VACUUM")
            if not sqlite_erasing.empty_log(self._writer):
                return False
        with self._transaction():
            sqlite_erasing.set_scrub_due(self._writer, due=False)
        return True

    def erasable(self, subject: Subject) -> Erased:
        """See `Store.erasable`."""
        self._write_all()
        with self._reading() as reader:
            return sqlite_erasing.erasable(reader, subject)

    def of_subject(self, subject: Subject, limit: int, after: str = "") -> list[Known]:
        """See `Store.of_subject`."""
        sql = subjects.page_of(subject, limit, after, SQLITE)
        self._write_all()
        with self._reading() as reader:
            return [self._writing.known(*row) for row in reader.execute(sql.text, sql.values)]

    def note(self, acts: Sequence[Act]) -> None:
        """See `Store.note`."""
        with self._transaction():
            self._tables.note_acts(acts)

    def acts(self, limit: int, query: ActQuery = EVERY_ACT) -> list[Act]:
        """See `Store.acts`."""
        with self._reading() as reader:
            return sqlite_erasing.acts(reader, limit, query)

    def tasks(self, query: TaskQuery) -> list[TaskRow]:
        """See `Store.tasks`."""
        sql = tasks.listed(query, SQLITE)
        with self._reading() as reader:
            return [tasks.row_of(row) for row in reader.execute(sql.text, sql.values)]

    def digest(self, session_id: str) -> bytes:
        """See `Store.digest`."""
        return digest(self._writing.salt, session_id)

    def invited(self, digest: bytes) -> str | None:
        """See `Store.invited`."""
        rows = self._ask(invitations.owner(digest, SQLITE))
        return rows[0][0] if rows else None

    def invitations(self, query: InvitationQuery, now: int) -> list[Invited]:
        """See `Store.invitations`."""
        rows = self._ask(invitations.listed(query, now, SQLITE))
        return [invitations.invited_of(row) for row in rows]

    def delivered(self, ids: Sequence[int]) -> None:
        """See `Store.delivered`."""
        with self._transaction():
            sqlite_outbox.delete_parcels(self._writer, ids)

    def put_off(self, until: Mapping[int, int]) -> None:
        """See `Store.put_off`."""
        with self._transaction():
            sqlite_outbox.put_off(self._writer, until)

    def put(self, parcels: Sequence[Parcel], at: int) -> None:
        """See `Store.put`."""
        with self._transaction():
            sqlite_outbox.add_parcels(self._writer, parcels, at)

    def park(self, id: int, reason: str) -> None:  # noqa: A002 - see `Store.park`
        """See `Store.park`."""
        with self._transaction():
            sqlite_outbox.park(self._writer, id, reason)

    def requeue(self, ids: Sequence[int] | None = None) -> int:
        """See `Store.requeue`."""
        with self._transaction():
            return sqlite_outbox.requeue(self._writer, ids)

    def discard(self, ids: Sequence[int] | None = None) -> int:
        """See `Store.discard`."""
        with self._transaction():
            return sqlite_outbox.discard(self._writer, ids)

    def erase_parcels(self, before: int, limit: int) -> list[OutboxRow]:
        """See `Store.erase_parcels`."""
        with self._transaction():
            return sqlite_outbox.erase_parcels(self._writer, before, limit)

    def advance(self, marks: watermarks.Marks) -> None:
        """See `Store.advance`."""
        with self._transaction():
            rows = ((*partition, at) for partition, at in marks.items())
            self._writer.executemany(watermarks.advance(SQLITE), rows)

    def retire(self, topics: Sequence[str]) -> None:
        """See `Store.retire`."""
        with self._transaction():
            self._writer.executemany(watermarks.retire(SQLITE), [(topic,) for topic in topics])

    def watermarks(self) -> dict[tuple[str, int], int]:
        """See `Store.watermarks`."""
        return watermarks.marks_of(self._ask(Sql(watermarks.READ)))

    def sessions(self, query: SessionQuery, now: int) -> Page:
        """See `Store.sessions`."""
        found = self._list(Listing(query, now, self._idle_timeout, stages=self._stages))
        sessions = [self._writing.known(*row[2:]) for row in found.rows]
        return Page(sessions, found.next, found.searched_until)

    def count(self, query: SessionQuery, now: int, *, hasty: bool = False) -> Counted:
        """See `Store.count`."""
        haste = HASTE if hasty else 1
        listing = Listing(
            query, now, self._idle_timeout, columns=NUMBERS, haste=haste, stages=self._stages
        )
        found = self._list(listing)
        return Counted(len(found.rows), found.next is not None)

    def counts(
        self, queries: Sequence[SessionQuery], now: int, *, hasty: bool = False
    ) -> list[Counted]:
        """See `Store.counts`."""
        return [self.count(query, now, hasty=hasty) for query in queries]

    def _list(self, listing: Listing) -> Listed:
        with self._reading_rows() as reader:

            def ask(sql: Sql, *, walking: bool) -> list[tuple[Any, ...]]:  # noqa: ARG001 - told
                return reader.execute(sql.text, sql.values).fetchall()

            return bound.answer(listing, ask)

    def session(self, session_id: str) -> Known | None:
        """See `Store.session`."""
        sql = (
            "SELECT state, settled_at, revision, violates FROM sessions"
            f" WHERE session_id = ? AND created_at < {NEVER}"
        )
        with self._reading() as reader:
            row = reader.execute(sql, (session_id,)).fetchone()
        if row is None:
            return None
        known = self._writing.known(*row)
        # Its row may be behind its events; who remembers it is not.
        state = self._behind.state(session_id)
        return replace(known, state=state) if state else known

    def events(self, session_id: str, source: str | None = None) -> list[Event]:
        """See `Store.events`."""
        sql = (
            f"SELECT session_id, {', '.join('events.' + name for name in EVENT_FIELDS)}"
            " FROM sessions JOIN events ON session_no = no"
            " WHERE session_id = ? AND source = coalesce(?, source) ORDER BY at, event_id"
        )
        with self._reading() as reader:
            return [Event(*row) for row in reader.execute(sql, (session_id, source))]

    def waiting(
        self,
        destination: str,
        limit: int,
        lease: float = LEASE_SECONDS,  # noqa: ARG002 - nobody else could take them
        *,
        now: int = 0,
        skip: float = 0.0,
    ) -> list[OutboxRow]:
        """See `Store.waiting`."""
        with self._reading() as reader:
            return sqlite_outbox.waiting(reader, destination, limit, now, skip)

    def again(
        self,
        destination: str,
        limit: int,
        now: int,
        lease: float = LEASE_SECONDS,  # noqa: ARG002 - as above
    ) -> list[OutboxRow]:
        """See `Store.again`."""
        with self._reading() as reader:
            return sqlite_outbox.again(reader, destination, limit, now)

    def parked(self, limit: int) -> list[OutboxRow]:
        """See `Store.parked`."""
        with self._reading() as reader:
            return sqlite_outbox.parked(reader, limit)

    def outbox(self) -> dict[str, OutboxState]:
        """See `Store.outbox`."""
        with self._reading() as reader:
            return sqlite_outbox.outbox(reader)

    def counters(self) -> Tally:
        """See `Store.counters`."""
        with self._reading() as reader:
            return sqlite_ledger.read_counters(reader)

    def versions(self) -> dict[tuple[str, str], int]:
        """See `Store.versions`."""
        with self._reading() as reader:
            return sqlite_ledger.read_versions(reader)

    def open_sessions(self, now: int) -> dict[tuple[str | None, str | None], int]:
        """See `Store.open_sessions`."""
        inside = idle("after", now - self._idle_timeout, SQLITE)
        sql = (
            "SELECT project_id, stage, count(*) FROM sessions INDEXED BY sessions_idle"
            f" WHERE phase = 'OPEN' AND {inside.text} AND created_at < {NEVER}"
            " GROUP BY project_id, stage"
        )
        with self._reading_rows() as reader:
            rows = reader.execute(sql, inside.values)
            return {(project, stage): count for project, stage, count in rows}

    def outcomes(self, cohort: Cohort, now: int) -> list[Outcome]:
        """See `Store.outcomes`."""
        sql = counting.outcomes(cohort, now, self._idle_timeout, SQLITE, self._stages)
        return counting.read_outcomes(self._ask(sql))

    def blocks(self, cohort: Cohort) -> dict[str, int]:
        """See `Store.blocks`."""
        return dict(self._ask(counting.blocks(cohort, SQLITE, self._stages)))

    def sample(
        self, queries: Sequence[SessionQuery], now: int, most: int, *, tells: bool
    ) -> Sample:
        """See `Store.sample`."""
        sampling = Sampling(self._ask, SQLITE, self._stages, self._idle_timeout, now)
        return sampling.sample(queries, most, tells=tells)

    def sightings(
        self, cohort: Cohort, by: str | None = None, newest: int | None = None
    ) -> Sightings:
        """See `Store.sightings`."""
        return sightings.counted(cohort, self._numbers, SQLITE, self._ask, by=by, newest=newest)

    def projects(self, limit: int) -> list[str]:
        """See `Store.projects`."""
        return [name for (name,) in self._ask(counting.projects(limit, SQLITE))]

    def _ask(self, sql: Sql) -> list[tuple[Any, ...]]:
        with self._reading_rows() as reader:
            return reader.execute(sql.text, sql.values).fetchall()

    def close(self) -> None:
        """See `Store.close`."""
        # The next one could fold them as well, and would have to before it is ready.
        with suppress(StoreUnavailableError):
            self._write_all()
        # Not while the disk is scrubbed, by a thread that nobody waits for: SQLite would crash.
        with self._turn:
            self._writer.close()
        os.close(self._lock)

    @contextmanager
    def _transaction(self, *, secure: bool = False) -> Iterator[None]:
        """Keep what is done inside, or nothing of it; `secure`: write zeros over all that goes."""
        with self._using():
            try:
                if secure:
                    self._writer.execute("PRAGMA secure_delete = ON")
                self._writer.execute("BEGIN IMMEDIATE")
                yield
                self._behind.finish()
                self._writer.execute("COMMIT")
                self._behind.committed()
            except BaseException:
                self._behind.rolled_back()
                raise
            finally:
                if self._writer.in_transaction:
                    self._writer.execute("ROLLBACK")
                if secure:
                    self._writer.execute("PRAGMA secure_delete = FAST")

    @contextmanager
    def _using(self) -> Iterator[None]:
        try:
            with self._turn:
                yield
        except sqlite3.ProgrammingError:
            raise
        except sqlite3.DatabaseError as error:
            raise StoreUnavailableError(str(error)) from error

    def _write_all(self) -> None:
        # At once: step by step it would never end where more comes in meanwhile.
        if self._behind:
            with self._transaction():
                self._behind.write_some(len(self._behind))

    @contextmanager
    def _reading_rows(self) -> Iterator[sqlite3.Connection]:
        """Read rows of sessions. While few are behind they are written first, so that a list that
        is asked for after an answer tells of what was answered for; else it is behind by a second.
        """
        if len(self._behind) <= ROWS_AT_ONCE:
            # Lists go on when the disk is full.
            with suppress(StoreUnavailableError):
                self.catch_up()
        with self._reading() as reader:
            yield reader

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        # One connection a query: no thread shares one, and opening takes well under 1 ms.
        uri = f"{self._path.absolute().as_uri()}?mode=ro"
        try:
            with closing(sqlite3.connect(uri, uri=True)) as reader:
                yield reader
        except sqlite3.ProgrammingError:
            raise
        except sqlite3.DatabaseError as error:
            raise StoreUnavailableError(str(error)) from error

    def _follow_up(self, change: Change) -> Callable[[], None]:
        """Write what follows from a change; what it gives is to be called after the commit."""
        if self._effects is None:
            return lambda: None
        followup = self._effects(change)
        sqlite_ledger.raise_counters(self._writer, followup.tally, change.at)
        sqlite_outbox.add_parcels(self._writer, followup.parcels, change.at)
        return followup.committed
