"""The journey of one session: what services import and call."""

from __future__ import annotations

import reprlib
from contextlib import contextmanager
from time import time
from typing import TYPE_CHECKING, Final
from uuid import uuid4

from opentelemetry import baggage as otel_baggage
from opentelemetry.context import attach, create_key, detach, get_value, set_value

from journeytrace import _settings, conventions
from journeytrace._check import Check
from journeytrace._described import Details, details_of, fields_of, with_fields
from journeytrace._diagnostics import Problem, report, report_fault, report_lost
from journeytrace._emit import Emitter
from journeytrace._metadata import clean
from journeytrace._names import Event
from journeytrace._plain_calls import checked_plainly, recorded_plainly
from journeytrace.errors import InvalidSessionIdError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from opentelemetry.context import Context

    from journeytrace._names import Reason
    from journeytrace.conventions import Impact, Result, Source

__all__ = ["Journey", "check", "mark_host", "session_in"]

_KEY: Final = create_key("journeytrace.journey")


class Journey:
    """One user's run through the form. Made by `start`, `resume`, `current` or `from_baggage`.

    A journey that has no usable session is false, and its methods do nothing but count. No method
    raises or blocks; all may be called from any thread. The library holds no lock that a signal
    handler or a forked child could find taken; an SDK behind it has locks of its own. Without an
    OpenTelemetry SDK nothing is sent.
    """

    __slots__ = ("_emitter",)

    def __init__(self, emitter: Emitter | None = None) -> None:
        self._emitter = emitter

    @classmethod
    def start(
        cls,
        /,
        *,
        project: str | None = None,
        user_id: str | None = None,
        email: str | None = None,
        submission_id: str | None = None,
        flow_id: str | None = None,
        retention_days: int | None = None,
        session_id: str | None = None,
        clock: Callable[[], int] | None = None,
        attributes: Mapping[str, object] | None = None,
        **metadata: object,
    ) -> Journey:
        """Begin a journey: record SESSION_CREATED.

        Args:
            project: id of the project that the form belongs to. None: not known.
            user_id: the host's own id of the user. None: not known.
            email: the user's address. None: not known.
            submission_id: the submission. None: there is none yet.
            flow_id: id of the verification flow. None: not known yet.
            retention_days: days until the session is erased: 30, 90, 180 or 365. None: 30.
            session_id: id of the session. None: a new random UUID.
            clock: gives nanoseconds since the epoch, for replays and tests. None: real time.
            attributes: metadata whose names are no Python identifiers.
            metadata: whatever is worth keeping with the event.
        """
        journey = cls.resume(str(uuid4()) if session_id is None else session_id, clock=clock)
        try:
            details = Details(
                submission_id=submission_id,
                flow_id=flow_id,
                user_id=user_id,
                email=email,
                project=project,
            )
            days = _retention(retention_days)
            known = None if days is None else {conventions.RETENTION_DAYS: days}
            journey._record(Event.SESSION_CREATED, details, attributes, metadata, known)  # noqa: SLF001
            if (emitter := journey._emitter) is not None:  # noqa: SLF001
                emitter.started = int(time())
                emitter.project = fields_of("start", details).get(conventions.PROJECT_ID)
        except Exception as error:
            report_fault(error)
        return journey

    @classmethod
    def resume(cls, session_id: str, *, clock: Callable[[], int] | None = None) -> Journey:
        """Go on with a journey that any process began; records nothing.

        Args:
            session_id: 1 to 128 printable characters; of a UUID any usual spelling. With anything
                else the journey is false.
            clock: gives nanoseconds since the epoch, for replays and tests. None: real time.
        """
        try:
            return cls(_emitter(session_id, clock))
        except Exception as error:
            report_fault(error)
        return cls()

    @classmethod
    def current(cls) -> Journey:
        """Give the journey that `activate` made current here; a false one if there is none."""
        try:
            journey = get_value(_KEY)
            if isinstance(journey, Journey):
                return journey
        except Exception as error:
            report_fault(error)
        return _NONE

    @classmethod
    def from_baggage(cls) -> Journey:
        """Go on with the journey whose id came in as baggage; a false one if none did.

        The other side opted in by ``activate(baggage=True)``. It is not done by default: baggage
        comes from whoever sent the request.
        """
        try:
            session_id = otel_baggage.get_baggage(conventions.SESSION_ID)
            if session_id is not None:
                return cls.resume(str(session_id))
        except Exception as error:
            report_fault(error)
        return _NONE

    @property
    def session_id(self) -> str:
        """The id in its one spelling; empty for a journey without a session."""
        return self._emitter.session_id if self._emitter else ""

    @property
    def trace_id(self) -> str:
        """The trace id as 32 hex digits, as Tempo takes it; empty without a session."""
        return self._emitter.trace_id if self._emitter else ""

    def __bool__(self) -> bool:
        return self._emitter is not None

    def __repr__(self) -> str:
        return f"<Journey {self.session_id or 'without a session'}>"

    @recorded_plainly
    def record(
        self,
        event: Event | str,
        /,
        *,
        source: Source | str | None = None,
        stage: str | None = None,
        impact: Impact | str | None = None,
        result: Result | str | None = None,
        reason: Reason | str | None = None,
        error_code: str | None = None,
        submission_id: str | None = None,
        flow_id: str | None = None,
        user_id: str | None = None,
        email: str | None = None,
        project: str | None = None,
        attributes: Mapping[str, object] | None = None,
        **metadata: object,
    ) -> None:
        """Record that something happened just now.

        For source, stage and impact, None means what the catalogue says: the library's or, of an
        event that it does not know, the collector's.

        Args:
            event: a name of the catalogue, or one of your own: 1 to 128 printable characters.
            source: who saw it.
            stage: where in the journey it belongs.
            impact: what the user felt.
            result: how a check ended. None: not a check, or not known.
            reason: why a decision was REJECTED or PENDING.
            error_code: the code shown to the user.
            submission_id: the submission, once there is one. The session keeps it, as it keeps
                the next four: the value of its newest event that has one.
            flow_id: id of the verification flow.
            user_id: the host's own id of the user.
            email: the user's address.
            project: id of the project that the form belongs to.
            attributes: metadata whose names are no Python identifiers.
            metadata: whatever is worth keeping: strings, numbers, booleans, or sequences of one of
                these. None is skipped.
        """
        details = details_of(
            source,
            stage,
            impact,
            result,
            reason,
            error_code,
            submission_id,
            flow_id,
            user_id,
            email,
            project,
        )
        self._record(event, details, attributes, metadata)

    @checked_plainly
    def check(
        self,
        event: Event | str,
        /,
        *,
        source: Source | str | None = None,
        stage: str | None = None,
        impact: Impact | str | None = None,
        error_code: str | None = None,
        submission_id: str | None = None,
        flow_id: str | None = None,
        user_id: str | None = None,
        email: str | None = None,
        project: str | None = None,
        attributes: Mapping[str, object] | None = None,
        **metadata: object,
    ) -> Check:
        """Give a check to be used by ``with``, by ``async with`` or as a decorator.

        The parameters are those of `record`, but `impact` and `error_code` hold only if it fails.
        Without an `impact`, one that `fail` fails has the catalogue's, one that raises has NONE.
        """
        details = details_of(
            source,
            stage,
            impact,
            None,
            None,
            error_code,
            submission_id,
            flow_id,
            user_id,
            email,
            project,
        )
        return Check(self._emitter, event, details, attributes, metadata)

    def approve(
        self,
        *,
        submission_id: str | None = None,
        flow_id: str | None = None,
        user_id: str | None = None,
        email: str | None = None,
        project: str | None = None,
        attributes: Mapping[str, object] | None = None,
        **metadata: object,
    ) -> None:
        """Decide APPROVED. The parameters are those of `record`."""
        details = details_of(
            None, None, None, None, None, None, submission_id, flow_id, user_id, email, project
        )
        self._record(Event.APPROVED, details, attributes, metadata)

    def reject(
        self,
        reason: Reason | str,
        *,
        error_code: str | None = None,
        submission_id: str | None = None,
        flow_id: str | None = None,
        user_id: str | None = None,
        email: str | None = None,
        project: str | None = None,
        attributes: Mapping[str, object] | None = None,
        **metadata: object,
    ) -> None:
        """Decide REJECTED, for `reason`, with the code shown to the user (None: none was)."""
        details = details_of(
            None,
            None,
            None,
            None,
            reason,
            error_code,
            submission_id,
            flow_id,
            user_id,
            email,
            project,
        )
        self._record(Event.REJECTED, details, attributes, metadata)

    def hold(
        self,
        reason: Reason | str,
        *,
        error_code: str | None = None,
        submission_id: str | None = None,
        flow_id: str | None = None,
        user_id: str | None = None,
        email: str | None = None,
        project: str | None = None,
        attributes: Mapping[str, object] | None = None,
        **metadata: object,
    ) -> None:
        """Decide PENDING, for `reason`, with the code shown to the user (None: none was)."""
        details = details_of(
            None,
            None,
            None,
            None,
            reason,
            error_code,
            submission_id,
            flow_id,
            user_id,
            email,
            project,
        )
        self._record(Event.PENDING, details, attributes, metadata)

    def identify(
        self,
        *,
        user_id: str | None = None,
        email: str | None = None,
        submission_id: str | None = None,
        flow_id: str | None = None,
        project: str | None = None,
    ) -> None:
        """Say whose session this is, as soon as that is known. None leaves a field as it is.

        It records nothing by itself: the next event that this object begins carries the fields, and
        the session keeps them. A check that has begun before does not, for what counts is the
        newest event, by the time of its beginning; nor do events of other objects and processes.
        If no event is to follow, give the fields to `record` instead.

        Args:
            user_id: the host's own id of the user.
            email: the user's address.
            submission_id: the submission.
            flow_id: id of the verification flow.
            project: id of the project that the form belongs to.
        """
        try:
            if self._emitter is None:
                report_lost("identify")
                return
            details = Details(
                submission_id=submission_id,
                flow_id=flow_id,
                user_id=user_id,
                email=email,
                project=project,
            )
            self._emitter.identify(fields_of("identify", details))
        except Exception as error:
            report_fault(error)

    def browser_token(
        self, *, minutes: float = 30, project: str | None = None, previous: str | None = None
    ) -> str:
        """Give the token by which the page of this session sends its events to the collector.

        Hand it to nobody but the user whose session it is. It allows to tell what happens on the
        screen, in this session, and nothing else. Empty: there is no key to sign it with, see
        `configure`, or no session; then the page records nothing.

        Args:
            minutes: how long it is good for, from 1 to 60; pages fetch another before it ends.
            project: id of the project that the form belongs to. None: what `start` was told; where
                the journey was resumed, the token names none.
            previous: the token that the page has, if it has one. What it says of the session's
                start is kept, if it is a token of this session: events that wait in the page since
                then keep their times. None: a session that was not started by this object begins
                now, and no event of its page is taken for older than a minute before.
        """
        if self._emitter is None:
            report_lost("browser_token")
            return ""
        try:
            from journeytrace._token import token_for  # noqa: PLC0415 - most services need none

            return token_for(self._emitter, minutes, project, previous)
        except Exception as error:
            report_fault(error)
        return ""

    @contextmanager
    def activate(self, *, baggage: bool = False) -> Iterator[Journey]:
        """Make this the current journey within the ``with`` block, for this thread or task.

        Args:
            baggage: also put the session id into OpenTelemetry's baggage, which travels in the
                header of every outgoing request, to whomever it goes.
        """
        context = set_value(_KEY, self)
        if baggage and self:
            context = otel_baggage.set_baggage(conventions.SESSION_ID, self.session_id, context)
        token = attach(context)
        try:
            yield self
        finally:
            detach(token)

    def _record(
        self,
        event: Event | str,
        details: Details,
        attributes: Mapping[str, object] | None,
        metadata: dict[str, object],
        fields: Mapping[str, str | int] | None = None,
    ) -> None:
        try:
            emitter = self._emitter
            if emitter is None:
                report_lost(event)
                return
            settings = _settings.current()
            described = settings.describe(event, details)
            if described is None:
                return
            if fields:
                described = with_fields(described, fields)
            kept = clean(described, attributes, metadata)
            emitter.record(settings.tracer, described, kept)
        except Exception as error:
            report_fault(error)


_NONE: Final = Journey()


def check(
    event: Event | str,
    /,
    *,
    source: Source | str | None = None,
    stage: str | None = None,
    impact: Impact | str | None = None,
    error_code: str | None = None,
    submission_id: str | None = None,
    flow_id: str | None = None,
    user_id: str | None = None,
    email: str | None = None,
    project: str | None = None,
    attributes: Mapping[str, object] | None = None,
    **metadata: object,
) -> Check:
    """Give a check of whatever journey is current when it is entered; see `Journey.check`."""
    details = details_of(
        source,
        stage,
        impact,
        None,
        None,
        error_code,
        submission_id,
        flow_id,
        user_id,
        email,
        project,
    )
    return Check(_current_emitter, event, details, attributes, metadata)


def mark_host(journey: Journey) -> None:
    """Put the id of the journey's session on the host's current span."""
    try:
        if journey._emitter is not None:  # noqa: SLF001 - the same module
            journey._emitter.mark_host()  # noqa: SLF001
    except Exception as error:
        report_fault(error)


def session_in(context: Context | None) -> str:
    """Give the session id of the journey that is active in a context; empty: none is."""
    journey = get_value(_KEY, context)
    return journey.session_id if isinstance(journey, Journey) else ""


def _current_emitter() -> Emitter | None:
    return Journey.current()._emitter  # noqa: SLF001 - the same module


def _emitter(session_id: object, clock: Callable[[], int] | None) -> Emitter | None:
    try:
        if isinstance(session_id, str):
            return Emitter(session_id, clock)
        wrong = f"is of type {type(session_id).__name__}"
    except InvalidSessionIdError as error:
        wrong = str(error)
    # One subject for all: ids come from outside, and must not be able to fill the log.
    report(
        Problem.BAD_SESSION_ID,
        "session id",
        f"{reprlib.repr(session_id)} cannot be one: it {wrong}",
    )
    return None


def _retention(days: object) -> int | None:
    if days is None:
        return None
    if type(days) is int and days in conventions.RETENTION_DAYS_ALLOWED:
        return days
    allowed = ", ".join(map(str, conventions.RETENTION_DAYS_ALLOWED))
    report(Problem.BAD_ARGUMENT, days, f"is no retention in days; write one of {allowed}")
    return None
