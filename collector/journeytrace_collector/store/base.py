"""What the collector asks of a store. Every implementation passes tests/contract/."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, NamedTuple, Protocol

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from journeytrace.conventions import Decision, Status
from journeytrace_collector.core.attempts import Per
from journeytrace_collector.core.change import Effects, Parcel, Tally
from journeytrace_collector.core.invitations import Standing
from journeytrace_collector.core.marks import OneEvent
from journeytrace_collector.core.model import Event
from journeytrace_collector.core.overview import Outcome
from journeytrace_collector.core.retention import NO_PERIODS, Period, Retention
from journeytrace_collector.core.review import Guard
from journeytrace_collector.core.rights import Rights
from journeytrace_collector.core.sessionize import SessionState
from journeytrace_collector.core.tasks import Task
from journeytrace_collector.insight.loss import Sightings
from journeytrace_collector.insight.tally import Course
from journeytrace_collector.store.watermarks import Marks

__all__ = [
    "EVERY_ACT",
    "EVERY_PROJECT",
    "LEASE_SECONDS",
    "MOST_VERSIONS",
    "NOTHING_CARRIED",
    "OUTBOX_BYTES",
    "SEARCH_FIELDS",
    "Act",
    "ActQuery",
    "Carried",
    "Cohort",
    "Counted",
    "Cursor",
    "Erased",
    "InvitationQuery",
    "Invited",
    "Known",
    "OutboxRow",
    "OutboxState",
    "Page",
    "Sample",
    "Scope",
    "Seen",
    "SessionLimits",
    "SessionQuery",
    "Store",
    "Subject",
    "TaskMark",
    "TaskQuery",
    "TaskRow",
    "Written",
]

SEARCH_FIELDS: Final = (
    "session_id",
    "user_id",
    "email",
    "submission_id",
    "project_id",
    "last_event",
    "support_code",
)
"""What a text search can name."""

Cursor = tuple[int, int]
"""(created_at in ns, the store's number of the session): the last row of a page."""


@dataclass(frozen=True, slots=True)
class SessionQuery:
    """Which sessions to list, newest first: those that meet all of this. None anywhere: any.

    A session that has not begun is in no list.

    Each condition is about the session as its summary shows it, but for `event`: that is about one
    event of the session, which has to meet all of it alone. Where it says that a text may be empty,
    that means sessions without one.
    """

    status: Status | None = None
    decision: Decision | None = None
    undecided: bool = False
    """Only sessions without a decision; not together with `decision`."""
    project: str | None = None
    """As it is spelled. May be empty."""
    projects: frozenset[str] | None = None
    """Only sessions of these, as they are spelled: what has no project is in none of them."""
    reason: str | None = None
    """Of the decision. May be empty."""
    error_code: str | None = None
    """The last one. May be empty."""
    stage: str | None = None
    """The highest ordered one that was reached. May be empty."""
    reached: str | None = None
    """Came at least to this stage: see `core.funnel`."""
    event: OneEvent | None = None
    """Only sessions that have such an event."""
    rule: str | None = None
    """Only sessions that violate this rule."""
    since: int | None = None
    """Created at or after this time, in ns."""
    until: int | None = None
    """Created before this time, in ns."""
    user: str | None = None
    """Of the person with this id, as it is spelled."""
    codes: tuple[str, ...] = ()
    """Only sessions with one of these support codes; none: any."""
    per: Per = Per.SESSION
    """PERSON: of each person only the session that counts among those of this project and this
    time: see `core.attempts`. The other conditions are about that one."""
    search: str | None = None
    """Only sessions of which a field begins with this text, whatever its case. A support code is
    read as `identity.read_support_code` does."""
    fields: tuple[str, ...] = ("session_id", "user_id", "email", "submission_id", "support_code")
    """The fields that `search` looks at, of `SEARCH_FIELDS`."""
    exact: frozenset[str] = frozenset()
    """Those of them that have to be the very text, whatever its case, and not only begin with it:
    who finds by beginnings can spell out a value that they may not see."""
    limit: int = 50
    after: Cursor | None = None
    """Continue after this row."""


@dataclass(frozen=True, slots=True)
class Cohort:
    """Which sessions to count. None anywhere: any."""

    project: str | None = None
    """Of this project; empty: of none."""
    since: int | None = None
    """Created at or after this time, in ns."""
    until: int | None = None
    """Created before this time, in ns."""
    projects: frozenset[str] | None = None
    """Only of these projects, whatever else is asked; sessions without a project are not among
    them. None: of all."""
    per: Per = Per.SESSION
    """PERSON: of each person only the session that counts among all these: see `core.attempts`."""


@dataclass(frozen=True, slots=True)
class Page:
    """One page of sessions."""

    sessions: list[Known]
    next: Cursor | None
    """Where the next page starts; None: there is none."""
    searched_until: int | None = None
    """When the last session was created that was looked at, in ns: what matches is rare, and the
    page ends early, with the rest on the next ones. None: the page is as long as it can be."""


@dataclass(frozen=True, slots=True)
class Counted:
    """How many sessions match."""

    number: int
    more: bool
    """Whether there can be more of them: nobody went on to look."""


@dataclass(frozen=True, slots=True)
class Carried:
    """What a write carries beside its events, for those who follow changes."""

    traces: Sequence[ExportTraceServiceRequest] = ()
    """See `Change.traces`."""
    logged: Sequence[Event] = ()
    """See `Change.logged`."""
    rejected: int = 0
    """Records that were not taken."""
    ignored: int = 0
    """Records that are no journey events."""
    at: int = 0
    """The collector's time in ns, for a write without events."""
    rights: Sequence[Rights] = ()
    """Of the sender of each event, in their order; empty: none of them is bound to projects."""
    versions: frozenset[tuple[str, str]] = frozenset()
    """(service, version) of those who sent the events."""
    guard: Guard | None = None
    """What has to hold for the one event that is written, or it is not; None: nothing."""
    parcels: Sequence[tuple[bytes, Parcel]] = ()
    """What leaves because of an event, by the id of that: it does if the event was new. It holds
    what no event may tell."""


NOTHING_CARRIED: Final = Carried()

LEASE_SECONDS: Final = 60.0
"""How long parcels are handed out for, unless somebody says otherwise."""

MOST_VERSIONS: Final = 200
"""Versions of services that are remembered, the newest: a deployment a day of seven for a month."""

OUTBOX_BYTES: Final = 8 * 1024 * 1024
"""Payload of the parcels that are handed out at once: the first of them, and what else fits."""


@dataclass(frozen=True, slots=True)
class Written:
    """What became of the events of one transaction."""

    new: int
    duplicate: int
    refused: Sequence[Event] = ()
    """Events over the limits of their session: neither stored nor counted as events. They may be
    other objects than were given, and read as they would have been stored; their ids tell them."""
    foreign: Sequence[Event] = ()
    """Events on sessions of projects that their sender may not speak for: nor are these."""
    forgotten: int = 0
    """Events of sessions that were erased: nothing is made of them."""


@dataclass(frozen=True, slots=True)
class SessionLimits:
    """What one session may weigh, apart from what people do with it.

    The event that completes a session and those that change its decision have room in reserve, so
    that the end of a noisy session is known all the same.
    """

    events: int = 10_000
    size: int = 16 * 1024 * 1024
    """Bytes of metadata as UTF-8, in all."""
    reserve: float = 0.1
    """The part of both that is added for what completes or decides."""

    def allow(self, events: int, size: int, *, reserved: bool) -> bool:
        """Whether a session may grow to this; `reserved`: by an event that has the reserve."""
        room = 1 + self.reserve * reserved
        return events <= self.events * room and size <= self.size * room


@dataclass(frozen=True, slots=True)
class Known:
    """A session as it is stored."""

    state: SessionState
    settled_at: int | None = None
    """When it settled first, in ns; None: it has not."""
    revision: int = 0
    """How often it settled again because it had changed."""
    retention: Retention = NO_PERIODS
    """How long sessions are kept."""
    violates: tuple[str, ...] = ()
    """The rules that it violated when it was checked last: when it came to rest, or when people did
    something since that a rule asks for."""


class Seen(NamedTuple):
    """A session of a sample."""

    course: Course
    told: Sequence[str]
    """Metadata that may tell what it is of, in the order of its events: see `insight.groups`."""
    meets: tuple[bool, ...]
    """Whether it meets each of the queries."""
    chosen: tuple[bool, ...]
    """Whether it is in the sample of each: one that meets it and is not was read for another."""


class Sample(NamedTuple):
    """Sessions that meet one of several queries, or some of them."""

    of: list[int]
    """How many meet each of the queries; an estimate, if not all were looked at."""
    sampled: list[bool]
    """Whether there are some of each that were left out."""
    sessions: Iterator[Seen]
    """Read as they are asked for."""


@dataclass(frozen=True, slots=True)
class Scope:
    """Projects: some alone, or all but some."""

    only: frozenset[str] | None = None
    """None: all, and whatever has no project."""
    but: frozenset[str] = frozenset()
    """These are left out."""

    def __contains__(self, project: str | None) -> bool:
        return project not in self.but and (self.only is None or project in self.only)


EVERY_PROJECT: Final = Scope()


@dataclass(frozen=True, slots=True)
class Subject:
    """Whose data are meant, to be erased or handed over: of one session, or of one person."""

    field: Literal["session_id", "user_id", "email"]
    value: str
    """The whole of it. A session id is normalised; an e-mail address is the same in either case,
    a user id is not: one who spells it otherwise may be somebody else."""
    scope: Scope = EVERY_PROJECT
    """Only sessions of these projects."""


@dataclass(frozen=True, slots=True)
class Erased:
    """How much there was of a `Subject`."""

    sessions: int
    events: int


@dataclass(frozen=True, slots=True)
class Act:
    """What somebody did that belongs to no session."""

    at: int
    """ns"""
    actor: str
    act: str
    """What it was, in one word: see `core.acts`."""
    project: str | None = None
    digest: bytes | None = None
    """Of the session that it was about: see `core.forgetting`."""
    detail: Mapping[str, str | int] = field(default_factory=dict)
    """What else there is to say, and nothing of what sessions hold."""
    no: int = field(default=0, compare=False)
    """The store's number of it; 0: it is not kept yet."""


@dataclass(frozen=True, slots=True)
class ActQuery:
    """Which acts to list, newest first: those that meet all of this. None anywhere: any."""

    actor: str | None = None
    act: str | None = None
    since: int | None = None
    """At or after this time, in ns."""
    until: int | None = None
    """Before this time, in ns."""
    digest: bytes | None = None
    """About this session: see `Store.digest`."""
    scope: Scope = EVERY_PROJECT
    """In these projects."""
    after: int | None = None
    """Continue after the one with this number."""


EVERY_ACT: Final = ActQuery()


TaskMark = tuple[str, int, int, str]
"""(day, since when in ns, the store's number of the session, id): the last task of a page."""


@dataclass(frozen=True, slots=True)
class TaskQuery:
    """Which open tasks to list, in the order of their days. None anywhere: any."""

    assignee: str | None = None
    """Of this person. Empty: of nobody in particular."""
    before: str | None = None
    """To be done by the end of a day before this one, ``2026-06-01``."""
    projects: frozenset[str] | None = None
    """Only on sessions of these, as they are spelled: what has no project is in none of them."""
    limit: int = 50
    after: TaskMark | None = None
    """Continue after this one."""


@dataclass(frozen=True, slots=True)
class TaskRow:
    """An open task."""

    session_id: str
    project: str | None
    task: Task
    mark: TaskMark
    """Where the page continues that ends with it."""


@dataclass(frozen=True, slots=True)
class Invited:
    """A link that leads into a session, and how it stands. Times are in ns."""

    digest: bytes
    """SHA-256 of its token."""
    session_id: str
    project: str | None
    invited_at: int
    expires_at: int
    opened_at: int | None
    """None: nobody has opened it."""
    revoked_at: int | None
    """None: it was not taken back."""


@dataclass(frozen=True, slots=True)
class InvitationQuery:
    """Which invitations to list, newest first."""

    standing: Standing | None = None
    """How they stand now; None: any."""
    scope: Scope = EVERY_PROJECT
    """In these projects."""
    limit: int = 50
    after: tuple[int, bytes] | None = None
    """Continue after the one with this `invited_at` and `digest`."""


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """A parcel on its way."""

    id: int
    at: int
    """When it was put there, in ns."""
    parcel: Parcel
    reason: str | None = None
    """Why it is parked; None: it is waiting for delivery."""
    failures: int = 0
    """How often its line has failed in a row."""


@dataclass(frozen=True, slots=True)
class OutboxState:
    """How one destination is doing."""

    waiting: int
    oldest_at: int | None
    """ns; None: nothing waits."""
    parked: int
    backing_off: int = 0
    """Lines that failed and are left alone until their time has come."""
    backing_off_since: int | None = None
    """When the oldest parcel of these lines was put there, in ns; None: there is none."""


class Store(Protocol):
    """Events, sessions, counters and outbox on disk.

    The methods that change something have one caller at a time, and each is one transaction: on
    return it is on disk, and when it raises `StoreUnavailableError` nothing of it is, and the same
    call can succeed later. (A connection that breaks while a server commits leaves open which of
    the two it was. The same call is harmless then, too: what was kept is a duplicate.) Reads, and
    `waiting`, come from any thread.
    """

    def follow(self, effects: Effects) -> None:
        """From now on commit with every change what `effects` makes of it."""

    def keep_for(self, days: Mapping[str, int], now: int) -> None:
        """From `now` (ns) on keep new sessions of these projects so many days.

        What held until now is remembered, and still holds for the sessions of its time. For a
        project that is not named, what `choose_period` was told last holds (again), else the
        default. In a store without sessions the periods hold from the beginning of time, so that
        what was waiting for the first start falls under them.
        """

    def choose_period(self, project: str, days: int, actor: str, now: int) -> bool:
        """From `now` (ns) on keep new sessions of a project so many days, as `actor` has chosen.

        Empty: sessions without a project. It is kept as an act. False: it was so already, and
        nothing is kept. All who share the data hold to it from the moment that this returns.
        """

    def periods(self) -> list[Period]:
        """Give how long projects have their sessions kept, each from when on."""

    def write(self, events: Sequence[Event], carried: Carried = NOTHING_CARRIED) -> Written:
        """Keep what is new of `events` and bring its sessions up to date.

        Events of sessions that were erased are passed over, and their spans are taken out of what
        is carried. An event that is new and guarded is compared with its session while that is
        held.

        Raises:
            MovedOnError, VerdictNotAllowedError: of what is guarded nothing is kept.
        """

    def catch_up(self) -> bool:
        """Do some of what was put off to be quick, to be called while nobody waits.

        Lists may lag by what is put off, for a second or so; details, settling, erasing and
        whatever leaves never do. False: nothing is left.
        """

    def settle(self, now: int, limit: int, at: int | None = None) -> int:
        """Settle at most `limit` of the sessions that are due at `now` (ns), the longest due first.

        `at` is when it is done, in ns, where that is another time than the one by which sessions
        are due: those behind a log that is read late. None: `now`.

        Of those that became due within a minute any may be the first. Gives how many; fewer than
        `limit`: none is left.
        """

    def erase(self, now: int, limit: int) -> int:
        """Erase sessions that have expired at `now` (ns), at most `limit` rows at once.

        Sessions go first, then what `forget` and this have left of their events, then digests whose
        own time has come. Gives how many rows are gone; 0: nothing is left.
        """

    def forget(self, subject: Subject, actor: str, now: int, limit: int) -> Erased:
        """Erase at most `limit` of the sessions of `subject`, because `actor` has asked for it.

        From then on they are gone from every answer, with their parcels and exemplars, and late
        events do not bring them back. `erase` removes their events, `scrub` what the disk still
        holds of them. Fewer sessions than `limit`: none is left.
        """

    def note(self, acts: Sequence[Act]) -> None:
        """Keep what people did that belongs to no session."""

    def scrub(self) -> bool:
        """Remove from the disk what it still holds of sessions that `forget` has erased.

        It comes from any thread and can take minutes, in which everything else goes on. False:
        something is left, so it has to be called again; with nothing to do it costs nothing.
        """

    def delivered(self, ids: Sequence[int]) -> None:
        """Forget parcels that have arrived. The rest of their sessions is held back no longer."""

    def put_off(self, until: Mapping[int, int]) -> None:
        """Count a failure of these parcels' lines and leave those alone until then.

        `until` is in ns, by parcel. What joins such a line meanwhile waits with it.
        """

    def put(self, parcels: Sequence[Parcel], at: int) -> None:
        """Put parcels into the outbox at `at` (ns) that follow from no change."""

    def park(self, id: int, reason: str) -> None:  # noqa: A002 - it is the row's id
        """Take a parcel out of the line, with the reason for people to read."""

    def requeue(self, ids: Sequence[int] | None = None) -> int:
        """Put parked parcels (None: all) back to the end of the line; gives how many."""

    def discard(self, ids: Sequence[int] | None = None) -> int:
        """Forget parked parcels (None: all) for good; gives how many."""

    def erase_parcels(self, before: int, limit: int) -> list[OutboxRow]:
        """Forget at most `limit` parcels, waiting or parked, that were put there before (ns).

        Gives them without their payloads; none: nothing is left that is so old.
        """

    def advance(self, marks: Marks) -> None:
        """Note up to when partitions of a log have been stored. None ever goes back."""

    def retire(self, topics: Sequence[str]) -> None:
        """Forget the watermarks of these topics, which nobody reads any more."""

    def watermarks(self) -> dict[tuple[str, int], int]:
        """Tell up to when (ns) partitions have been stored, by topic and number; see
        `kafka.watermark`. None: events came directly.
        """

    def sessions(self, query: SessionQuery, now: int) -> Page:
        """List sessions by the status they have at `now` (ns)."""

    def count(self, query: SessionQuery, now: int, *, hasty: bool = False) -> Counted:
        """Count the sessions that `sessions` would list: as many as `query.limit`, and no further
        than one page looks; `hasty`: a tenth as far.
        """

    def counts(
        self, queries: Sequence[SessionQuery], now: int, *, hasty: bool = False
    ) -> list[Counted]:
        """Give of each query what `count` would: what several of them ask is asked once."""

    def session(self, session_id: str) -> Known | None:
        """Give one session by its normalised id; None: there is none, or it has not begun."""

    def erasable(self, subject: Subject) -> Erased:
        """Tell how much `forget` would erase."""

    def of_subject(self, subject: Subject, limit: int, after: str = "") -> list[Known]:
        """Give sessions of `subject` by their ids, after this one, begun or not."""

    def acts(self, limit: int, query: ActQuery = EVERY_ACT) -> list[Act]:
        """Give what people did, the newest first."""

    def tasks(self, query: TaskQuery) -> list[TaskRow]:
        """Give open tasks of all sessions, the day that is the earliest first; those without a day
        come last. However many sessions there are, it reads open tasks alone.
        """

    def digest(self, session_id: str) -> bytes:
        """Give by what an act names a session."""

    def invited(self, digest: bytes) -> str | None:
        """Give the session that a link leads into; `digest`: the SHA-256 of its token.

        None: there is no such link, or its session was erased.
        """

    def invitations(self, query: InvitationQuery, now: int) -> list[Invited]:
        """List invitations as they stand at `now` (ns), also to sessions that have not begun."""

    def events(self, session_id: str, source: str | None = None) -> list[Event]:
        """Give a session's events in order of (time, event id); `source`: only FE, BE or OP."""

    def waiting(
        self,
        destination: str,
        limit: int,
        lease: float = LEASE_SECONDS,
        *,
        now: int = 0,
        skip: float = 0.0,
    ) -> list[OutboxRow]:
        """Hand out the first parcels that wait for a destination, in the order of the line, as
        many as `limit` and `OUTBOX_BYTES` allow.

        Sessions that failed are left out, see `again`; of what belongs to no session, lines that
        are held back beyond `now` (ns). `skip` (0 to 1) is the part of the sessions' parcels that
        is passed over: so a few can be tried from anywhere, none before its session's first.

        For `lease` seconds from the call on no other collector on the same data is handed one of
        them, nor a later parcel of their sessions: deliver within that time or leave it. Asking
        again hands out the same ones anew. Parcels without a session keep to the order of the
        collector that put them there.
        """

    def again(
        self, destination: str, limit: int, now: int, lease: float = LEASE_SECONDS
    ) -> list[OutboxRow]:
        """Hand out parcels of sessions that were put off until `now` (ns), the longest due first.

        As in `waiting`, otherwise. None is handed out by both.
        """

    def parked(self, limit: int) -> list[OutboxRow]:
        """Give parcels that were parked, the newest first and without their payloads."""

    def outbox(self) -> dict[str, OutboxState]:
        """Tell how each destination that has parcels is doing."""

    def counters(self) -> Tally:
        """Give the counters of this collector as they stand, and the exemplar of each bucket.

        Where several share the data each has counters of its own: the sum over all of them is
        exact. Series that another one has are there, too, at 0 until this one has counted.
        """

    def versions(self) -> dict[tuple[str, str], int]:
        """Tell of (service, version) when its first event came, in ns: of the `MOST_VERSIONS`
        newest, those of all who share the data.
        """

    def open_sessions(self, now: int) -> dict[tuple[str | None, str | None], int]:
        """Count the sessions that are IN_PROGRESS at `now` (ns), by project and highest stage."""

    def outcomes(self, cohort: Cohort, now: int) -> list[Outcome]:
        """Count the sessions of `cohort` by what became of them, as it is at `now` (ns)."""

    def blocks(self, cohort: Cohort) -> dict[str, int]:
        """Count the sessions of `cohort` that had an event with the impact BLOCKED, by its name."""

    def sample(
        self, queries: Sequence[SessionQuery], now: int, most: int, *, tells: bool
    ) -> Sample:
        """Read what sessions went through that meet one of `queries`, at most `most` of each.

        They are sessions as they are at `now` (ns); `per` and pages do not count. Whatever is
        stored, the work is bounded: see `store.courses`. `tells`: whether what they are of is
        wanted.
        """

    def sightings(
        self, cohort: Cohort, by: str | None = None, newest: int | None = None
    ) -> Sightings:
        """Count the sessions of `cohort` that have come to rest by what each side saw of them.

        People are not counted, whatever the cohort says. `by`: apart by one of `insight.loss.BY`.
        `newest`: only so many of them.
        """

    def projects(self, limit: int) -> list[str]:
        """Give at most `limit` projects that sessions are of, in their order whatever the case.

        Of those that differ in case alone it may be one.
        """

    def close(self) -> None:
        """Let go of the files. Nothing may be called afterwards."""
