"""The store of many machines: one PostgreSQL database (14 or later) that collectors share.

Row locks settle who does what (DESIGN section 11); there is no leader. Each collector has a name of
its own in the database, for its counters and for the parcels that it is delivering. It keeps that
name for as long as its connection lasts, so poolers that share connections between transactions
will not do.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Final, TypeVar

import msgspec
import psycopg

from journeytrace.catalogue import Catalogue
from journeytrace_collector.core.change import Change, Effects, Followup, Parcel, Tally
from journeytrace_collector.core.forgetting import digest
from journeytrace_collector.core.model import Event
from journeytrace_collector.core.overview import Outcome
from journeytrace_collector.core.retention import Period, Retention, changes
from journeytrace_collector.core.sessionize import NEVER
from journeytrace_collector.core.sighting import Numbers
from journeytrace_collector.errors import StartError, StoreUnavailableError
from journeytrace_collector.insight.conformance import NO_RULES, Rules
from journeytrace_collector.insight.loss import Sightings
from journeytrace_collector.store import (
    bound,
    counting,
    invitations,
    periods,
    postgresql_erasing,
    postgresql_ledger,
    postgresql_outbox,
    sightings,
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
from journeytrace_collector.store.idling import idle
from journeytrace_collector.store.ledger import remembered
from journeytrace_collector.store.listing import HASTE, NUMBERS, Ask, Listing
from journeytrace_collector.store.postgresql_connections import Connection, Connections, one_line
from journeytrace_collector.store.postgresql_schema import migrate, numbered
from journeytrace_collector.store.postgresql_tables import Overtaken, PostgresqlTables
from journeytrace_collector.store.sql import POSTGRESQL, Sql
from journeytrace_collector.store.texts import storable, storable_json, storable_text
from journeytrace_collector.store.writing import EVENT_FIELDS, Writing

__all__ = ["PostgresqlStore"]

T = TypeVar("T")

# What `listing` has counted is better than what the server guesses: a bitmap would be made of all
# that an index has, where a few rows of it are enough.
_LIST: Final = (
    "SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off; SET LOCAL jit = off"
)
_SORT: Final = "SET LOCAL enable_sort = {}"
_TEXTS: Final = ("search", "user", "project", "reason", "error_code", "stage", "reached")
"""What a list can be asked for in anybody's words."""
_LEFT_TO_SCRUB: Final = (
    "SELECT 1 FROM erasure WHERE scrub_due AND (SELECT session_no FROM erasing LIMIT 1) IS NOT NULL"
)
_ATTEMPTS: Final = 100
"""Each attempt that is overtaken finds more of its sessions made: in practice two are enough."""


class PostgresqlStore:
    """Implements `Store`."""

    def __init__(
        self,
        url: str,
        catalogue: Catalogue,
        idle_timeout: int,
        limits: SessionLimits | None = None,
        rules: Rules = NO_RULES,
        *,
        collector_id: str,
    ) -> None:
        """Connect, and bring the tables up to date; `idle_timeout` in ns, `rules` are checked of
        what settles.

        `collector_id` is this collector's name among those that share the database.

        Raises:
            StartError: the database cannot be reached or used, or another collector has the name.
        """
        self._idle_timeout = idle_timeout
        self._stages = catalogue.ordered_stages
        self._collector_id = storable_text(collector_id)
        self._writing = Writing(catalogue, idle_timeout, limits)
        self._writing.rules = rules
        self._tables = PostgresqlTables(idle_timeout, self._writing)
        self._numbers = Numbers(catalogue)
        self._effects: Effects | None = None
        self._versions: frozenset[tuple[str, str]] = frozenset()
        self._connections = Connections(url, self._collector_id)
        try:
            with self._connections.transaction() as connection:
                migrate(connection, catalogue, idle_timeout)
                self._numbers = numbered(connection, catalogue)
                self._tables.sighting = self._numbers
                self._writing.salt = postgresql_erasing.salt(connection)
        except (StoreUnavailableError, psycopg.Error) as error:
            self.close()
            raise StartError(f"store: {one_line(error)}") from None
        except StartError:
            self.close()
            raise

    def keep_for(self, days: Mapping[str, int], now: int) -> None:
        """See `Store.keep_for`."""
        with self._transaction() as connection:
            known = self._hold_periods(connection)
            begins = now if connection.execute("SELECT 1 FROM sessions LIMIT 1").fetchone() else 0
            retention = self._begin(connection, changes(known, days, begins))
        self._writing.retention = retention

    def choose_period(self, project: str, days: int, actor: str, now: int) -> bool:
        """See `Store.choose_period`."""
        project, actor = storable_text(project), storable_text(actor)
        with self._transaction() as connection:
            found = periods.chosen(self._hold_periods(connection), project, days, actor, now)
            if found is None:
                return False
            period, act = found
            retention = self._begin(connection, [period])
            self._tables.note_acts([act])
        self._writing.retention = retention
        return True

    def _hold_periods(self, connection: Connection) -> Retention:
        """Let nobody write but us, once all who hold to the periods as they are have committed."""
        connection.execute("LOCK TABLE retention_periods IN ACCESS EXCLUSIVE MODE")
        return Retention(_read_periods(connection))

    def _begin(self, connection: Connection, begun: Iterable[Period]) -> Retention:
        """Add periods to those that there are, and give all."""
        begun = list(begun)
        cursor = connection.cursor()
        cursor.executemany(periods.ADD.format("%s"), begun)
        retention = Retention(_read_periods(connection))
        for period in begun:
            sql = periods.begun_in(period, POSTGRESQL)
            rows = connection.execute(sql.text.encode(), sql.values).fetchall()
            expiring = periods.expiring(self._writing, retention, rows)
            cursor.executemany(periods.EXPIRES.format("%s"), expiring)
        return retention

    def periods(self) -> list[Period]:
        """See `Store.periods`."""
        with self._connections.reading() as reader:
            return _read_periods(reader)

    def follow(self, effects: Effects) -> None:
        """See `Store.follow`."""
        self._effects = effects

    def write(self, events: Sequence[Event], carried: Carried = NOTHING_CARRIED) -> Written:
        """See `Store.write`."""
        events = [_readable(event) for event in events]
        try:
            return self._write(events, carried)
        except (UnicodeEncodeError, psycopg.DataError):
            return self._write(storable(events), carried)

    def _write(self, events: Sequence[Event], carried: Carried) -> Written:
        fresh = carried.versions - self._versions

        def write(connection: Connection) -> tuple[Written, Callable[[], None]]:
            change, written = self._writing.write(self._tables, events, carried)
            return written, self._follow_up(connection, change, fresh)

        written, committed = self._attempt(write)
        committed()
        self._versions = remembered(self._versions, fresh)
        return written

    def catch_up(self) -> bool:
        """See `Store.catch_up`: several collectors share the rows, so none is ever behind."""
        return False

    def settle(self, now: int, limit: int, at: int | None = None) -> int:
        """See `Store.settle`."""

        def settle(connection: Connection) -> tuple[int, Callable[[], None]]:
            change, settled = self._writing.settle(
                self._tables, self._tables.due(now, limit), now, at
            )
            self._tables.settle(settled)
            return len(settled), self._follow_up(connection, change)

        count, committed = self._attempt(settle)
        committed()
        return count

    def _attempt(self, work: Callable[[Connection], T]) -> T:
        """Do it in a transaction, and once more whenever another collector was quicker."""
        for attempt in range(_ATTEMPTS):
            try:
                with self._transaction(again=attempt > 0) as connection:
                    done = work(connection)
            except Overtaken:
                continue
            return done
        raise StoreUnavailableError("other collectors keep making the same new sessions")

    def erase(self, now: int, limit: int) -> int:
        """See `Store.erase`."""
        with self._transaction() as connection:
            expired = self._tables.expired(now, limit)
            change, rows = erase(self._tables, self._writing.salt, expired, now, limit)
            committed = self._follow_up(connection, change)
        committed()
        return rows

    def forget(self, subject: Subject, actor: str, now: int, limit: int) -> Erased:
        """See `Store.forget`."""
        with self._transaction() as connection:
            found = self._tables.of_subject(_storable(subject), limit)
            change = forget(self._tables, self._writing.salt, found, storable_text(actor), now)
            if found:
                postgresql_erasing.set_scrub_due(connection)
            committed = self._follow_up(connection, change)
        committed()
        return Erased(len(found), sum(row.events for row in found))

    def scrub(self) -> bool:
        """See `Store.scrub`."""
        with self._connections.reading() as connection:
            if connection.execute(_LEFT_TO_SCRUB).fetchone():
                return False
            if postgresql_erasing.claim_scrub(connection):
                try:
                    postgresql_erasing.vacuum(connection)
                except psycopg.Error:
                    postgresql_erasing.set_scrub_due(connection)
                    raise
        return True

    def erasable(self, subject: Subject) -> Erased:
        """See `Store.erasable`."""
        with self._connections.reading() as reader:
            return postgresql_erasing.erasable(reader, _storable(subject))

    def of_subject(self, subject: Subject, limit: int, after: str = "") -> list[Known]:
        """See `Store.of_subject`."""
        sql = subjects.page_of(_storable(subject), limit, after, POSTGRESQL)
        with self._connections.reading() as reader:
            rows = reader.execute(sql.text.encode(), sql.values)
            return [self._writing.known(*row) for row in rows]

    def note(self, acts: Sequence[Act]) -> None:
        """See `Store.note`."""
        with self._transaction():
            self._tables.note_acts([_storable_act(act) for act in acts])

    def acts(self, limit: int, query: ActQuery = EVERY_ACT) -> list[Act]:
        """See `Store.acts`."""
        with self._connections.reading() as reader:
            return postgresql_erasing.acts(reader, limit, _storable_acts(query))

    def tasks(self, query: TaskQuery) -> list[TaskRow]:
        """See `Store.tasks`."""
        sql = tasks.listed(_storable_tasks(query), POSTGRESQL)
        with self._connections.reading() as reader:
            return [tasks.row_of(row) for row in reader.execute(sql.text.encode(), sql.values)]

    def digest(self, session_id: str) -> bytes:
        """See `Store.digest`."""
        return digest(self._writing.salt, session_id)

    def invited(self, digest: bytes) -> str | None:
        """See `Store.invited`."""
        rows = self._ask(invitations.owner(digest, POSTGRESQL))
        return rows[0][0] if rows else None

    def invitations(self, query: InvitationQuery, now: int) -> list[Invited]:
        """See `Store.invitations`."""
        rows = self._ask(invitations.listed(query, now, POSTGRESQL))
        return [invitations.invited_of(row) for row in rows]

    def delivered(self, ids: Sequence[int]) -> None:
        """See `Store.delivered`."""
        with self._transaction() as connection:
            postgresql_outbox.delete_parcels(connection, ids)

    def put_off(self, until: Mapping[int, int]) -> None:
        """See `Store.put_off`."""
        with self._transaction() as connection:
            postgresql_outbox.put_off(connection, until)

    def put(self, parcels: Sequence[Parcel], at: int) -> None:
        """See `Store.put`."""
        with self._transaction() as connection:
            postgresql_outbox.add_parcels(connection, self._collector_id, parcels, at)

    def park(self, id: int, reason: str) -> None:  # noqa: A002 - see `Store.park`
        """See `Store.park`."""
        with self._transaction() as connection:
            postgresql_outbox.park(connection, id, storable_text(reason))

    def requeue(self, ids: Sequence[int] | None = None) -> int:
        """See `Store.requeue`."""
        with self._transaction() as connection:
            return postgresql_outbox.requeue(connection, ids)

    def discard(self, ids: Sequence[int] | None = None) -> int:
        """See `Store.discard`."""
        with self._transaction() as connection:
            return postgresql_outbox.discard(connection, ids)

    def erase_parcels(self, before: int, limit: int) -> list[OutboxRow]:
        """See `Store.erase_parcels`."""
        with self._transaction() as connection:
            return postgresql_outbox.erase_parcels(connection, before, limit)

    def advance(self, marks: watermarks.Marks) -> None:
        """See `Store.advance`."""
        with self._transaction() as connection:
            # In one order, so that two collectors never wait for each other.
            rows = [(*partition, at) for partition, at in sorted(marks.items())]
            connection.cursor().executemany(watermarks.advance(POSTGRESQL), rows)

    def retire(self, topics: Sequence[str]) -> None:
        """See `Store.retire`."""
        with self._transaction() as connection:
            gone = [(topic,) for topic in sorted(topics)]
            connection.cursor().executemany(watermarks.retire(POSTGRESQL), gone)

    def watermarks(self) -> dict[tuple[str, int], int]:
        """See `Store.watermarks`."""
        return watermarks.marks_of(self._ask(Sql(watermarks.READ)))

    def sessions(self, query: SessionQuery, now: int) -> Page:
        """See `Store.sessions`."""
        with self._asking() as ask:
            found = bound.answer(self._listing(query, now), ask)
        sessions = [self._writing.known(*row[2:]) for row in found.rows]
        return Page(sessions, found.next, found.searched_until)

    def count(self, query: SessionQuery, now: int, *, hasty: bool = False) -> Counted:
        """See `Store.count`."""
        (counted,) = self.counts([query], now, hasty=hasty)
        return counted

    def counts(
        self, queries: Sequence[SessionQuery], now: int, *, hasty: bool = False
    ) -> list[Counted]:
        """See `Store.counts`."""
        haste = HASTE if hasty else 1
        how: dict[str, Any] = {"columns": NUMBERS, "haste": haste, "shared": len(queries) > 1}
        listings = [self._listing(one, now, **how) for one in queries]
        with self._asking() as ask:
            found = [bound.answer(listing, ask) for listing in listings]
        return [Counted(len(one.rows), one.next is not None) for one in found]

    def _listing(self, query: SessionQuery, now: int, **how: Any) -> Listing:
        asked = _storable_query(query)
        return Listing(asked, now, self._idle_timeout, POSTGRESQL, stages=self._stages, **how)

    @contextmanager
    def _asking(self) -> Iterator[Ask]:
        """Ask for lists that are about the same sessions: what is the same is asked once."""
        answers: dict[Sql, list[tuple[Any, ...]]] = {}
        with self._connections.reading() as reader, reader.transaction():
            reader.execute(_LIST)
            walks = False

            def ask(sql: Sql, *, walking: bool) -> list[tuple[Any, ...]]:
                nonlocal walks
                if sql not in answers:
                    if walking is not walks:
                        reader.execute(_SORT.format("off" if walking else "on").encode())
                        walks = walking
                    answers[sql] = reader.execute(sql.text.encode(), sql.values).fetchall()
                return answers[sql]

            yield ask

    def session(self, session_id: str) -> Known | None:
        """See `Store.session`."""
        sql = (
            "SELECT state, settled_at, revision, violates FROM sessions"
            f" WHERE session_id = %s AND created_at < {NEVER}"
        )
        with self._connections.reading() as reader:
            row = reader.execute(sql.encode(), (storable_text(session_id),)).fetchone()
        return self._writing.known(*row) if row else None

    def events(self, session_id: str, source: str | None = None) -> list[Event]:
        """See `Store.events`."""
        sql = (
            f"SELECT session_id, {', '.join('events.' + name for name in EVENT_FIELDS)}"
            " FROM sessions JOIN events ON session_no = no"
            " WHERE session_id = %s AND source = coalesce(%s, source) ORDER BY at, event_id"
        )
        with self._connections.reading() as reader:
            rows = reader.execute(sql.encode(), (storable_text(session_id), source))
            return [Event(*row) for row in rows]

    def waiting(
        self,
        destination: str,
        limit: int,
        lease: float = LEASE_SECONDS,
        *,
        now: int = 0,
        skip: float = 0.0,
    ) -> list[OutboxRow]:
        """See `Store.waiting`."""
        to = postgresql_outbox.HandOut(destination, self._collector_id, limit, lease, now)
        with self._connections.reading() as connection:
            return postgresql_outbox.waiting(connection, to, skip)

    def again(
        self, destination: str, limit: int, now: int, lease: float = LEASE_SECONDS
    ) -> list[OutboxRow]:
        """See `Store.again`."""
        to = postgresql_outbox.HandOut(destination, self._collector_id, limit, lease, now)
        with self._connections.reading() as connection:
            return postgresql_outbox.again(connection, to)

    def parked(self, limit: int) -> list[OutboxRow]:
        """See `Store.parked`."""
        with self._connections.reading() as reader:
            return postgresql_outbox.parked(reader, limit)

    def outbox(self) -> dict[str, OutboxState]:
        """See `Store.outbox`: that of all collectors together."""
        with self._connections.reading() as reader:
            return postgresql_outbox.outbox(reader)

    def counters(self) -> Tally:
        """See `Store.counters`."""
        with self._connections.reading() as reader:
            return postgresql_ledger.read_counters(reader, self._collector_id)

    def versions(self) -> dict[tuple[str, str], int]:
        """See `Store.versions`."""
        with self._connections.reading() as reader:
            return postgresql_ledger.read_versions(reader)

    def open_sessions(self, now: int) -> dict[tuple[str | None, str | None], int]:
        """See `Store.open_sessions`: those of all collectors together."""
        inside = idle("after", now - self._idle_timeout, POSTGRESQL)
        sql = (
            "SELECT project_id, stage, count(*) FROM sessions"
            f" WHERE phase = 'OPEN' AND {inside.text} AND created_at < {NEVER}"
            " GROUP BY project_id, stage"
        )
        with self._connections.reading() as reader:
            rows = reader.execute(sql.encode(), inside.values)
            return {(project, stage): count for project, stage, count in rows}

    def outcomes(self, cohort: Cohort, now: int) -> list[Outcome]:
        """See `Store.outcomes`."""
        asked = _storable_cohort(cohort)
        sql = counting.outcomes(asked, now, self._idle_timeout, POSTGRESQL, self._stages)
        return counting.read_outcomes(self._ask(sql))

    def blocks(self, cohort: Cohort) -> dict[str, int]:
        """See `Store.blocks`."""
        return dict(self._ask(counting.blocks(_storable_cohort(cohort), POSTGRESQL, self._stages)))

    def sample(
        self, queries: Sequence[SessionQuery], now: int, most: int, *, tells: bool
    ) -> Sample:
        """See `Store.sample`."""
        asked = [_storable_query(query) for query in queries]
        sampling = Sampling(self._ask, POSTGRESQL, self._stages, self._idle_timeout, now)
        return sampling.sample(asked, most, tells=tells)

    def sightings(
        self, cohort: Cohort, by: str | None = None, newest: int | None = None
    ) -> Sightings:
        """See `Store.sightings`."""
        asked = _storable_cohort(cohort)
        return sightings.counted(asked, self._numbers, POSTGRESQL, self._ask, by=by, newest=newest)

    def projects(self, limit: int) -> list[str]:
        """See `Store.projects`."""
        return [name for (name,) in self._ask(counting.projects(limit, POSTGRESQL))]

    def _ask(self, sql: Sql) -> list[tuple[Any, ...]]:
        with self._connections.reading() as reader, reader.transaction():
            # Compiling would take longer than what it saves.
            reader.execute("SET LOCAL jit = off")
            return reader.execute(sql.text.encode(), sql.values).fetchall()

    def close(self) -> None:
        """See `Store.close`."""
        self._connections.close()

    @contextmanager
    def _transaction(self, *, again: bool = False) -> Iterator[Connection]:
        with self._connections.transaction() as connection:
            self._tables.begin(connection, again=again)
            yield connection

    def _follow_up(
        self, connection: Connection, change: Change, fresh: Collection[tuple[str, str]] = ()
    ) -> Callable[[], None]:
        """Write what was saved and what follows from a change, with versions that are new.

        What it gives is to be called after the commit.
        """
        followup = self._effects(change) if self._effects else Followup(Tally())

        def follow() -> None:
            me, at = self._collector_id, change.at
            postgresql_ledger.raise_counters(connection, me, followup.tally, at)
            postgresql_outbox.add_parcels(connection, me, followup.parcels, at)
            if fresh:
                postgresql_ledger.note_versions(connection, fresh, at)

        self._tables.flush(after=follow)
        return followup.committed


def _storable_query(query: SessionQuery) -> SessionQuery:
    event = query.event
    if event is not None and event.name is not None:
        event = replace(event, name=storable_text(event.name))
    texts = ((name, getattr(query, name)) for name in _TEXTS)
    changed: dict[str, Any] = {name: storable_text(text) for name, text in texts if text}
    if query.projects is not None:
        changed["projects"] = frozenset(map(storable_text, query.projects))
    return replace(query, event=event, **changed)


def _storable_cohort(cohort: Cohort) -> Cohort:
    project = storable_text(cohort.project) if cohort.project else cohort.project
    allowed = cohort.projects and frozenset(map(storable_text, cohort.projects))
    return replace(cohort, project=project, projects=allowed)


def _storable(subject: Subject) -> Subject:
    return replace(subject, value=storable_text(subject.value))


def _storable_act(act: Act) -> Act:
    project = None if act.project is None else storable_text(act.project)
    return replace(act, actor=storable_text(act.actor), project=project)


def _storable_acts(query: ActQuery) -> ActQuery:
    texts: dict[str, Any] = {
        name: storable_text(text) for name in ("actor", "act") if (text := getattr(query, name))
    }
    return replace(query, **texts)


def _storable_tasks(query: TaskQuery) -> TaskQuery:
    assignee = None if query.assignee is None else storable_text(query.assignee)
    allowed = query.projects and frozenset(map(storable_text, query.projects))
    return replace(query, assignee=assignee, projects=allowed)


def _read_periods(connection: Connection) -> list[Period]:
    return [periods.period_of(row) for row in connection.execute(periods.READ)]


def _readable(event: Event) -> Event:
    """Give an event whose metadata the database can look into, whatever escapes they hold."""
    if "\\u" not in event.metadata:
        return event
    return msgspec.structs.replace(event, metadata=storable_json(event.metadata))
