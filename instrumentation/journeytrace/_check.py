"""Checks: events with a duration that pass unless somebody, or an exception, says otherwise."""

from __future__ import annotations

import inspect
from functools import partial, wraps
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, cast

from journeytrace import _settings
from journeytrace._described import NOTHING, Details, details_of
from journeytrace._diagnostics import Problem, report, report_fault, report_lost
from journeytrace._metadata import clean
from journeytrace._running import RunningCheck
from journeytrace._unfinished import is_unfinished, until_done

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from types import TracebackType
    from typing import Self

    from opentelemetry.trace import Span

    from journeytrace._emit import Emitter
    from journeytrace._names import Event, Reason
    from journeytrace._values import Value
    from journeytrace.conventions import Impact, Result, Source

__all__ = ["Check"]

P = ParamSpec("P")
R = TypeVar("R")


class Check(RunningCheck):
    """One check of a journey: a context manager, sync or async, and a decorator.

    Made by `Journey.check` and `journeytrace.check`. It passes unless `fail` is called or an
    exception leaves its body; the exception goes on unchanged. A crash is no judgement: it fails
    the check with impact NONE, unless `fail` was called before or the check was made with an impact
    for failures, which in turn does not hold for what is no `Exception`, such as the cancelling of
    a task. The exception's class goes out as ``error.type``, its message and stack trace only if
    `configure` asks for them. The check does not become the host's current span, so the host's own
    spans stay in the host's trace.

    One object serves one check at a time; a decorated function makes one for each call.
    """

    __slots__ = (
        "_attributes",
        "_clean",
        "_entered",
        "_event",
        "_given",
        "_journey",
        "_span",
    )

    def __init__(  # noqa: PLR0917 - on the path of every check, where keywords cost
        self,
        journey: Emitter | Callable[[], Emitter | None] | None,
        event: object,
        details: Details,
        attributes: Mapping[str, object] | None,
        metadata: dict[str, Any],
        clean: dict[str, Value] | None = None,
    ) -> None:
        # What gives the journey when it is entered, or that itself.
        self._journey = journey
        self._event = event
        self._details = details
        self._attributes = attributes
        self._given = metadata
        # The same, if it is known that all of it can be sent; None: that is to be seen.
        self._clean = clean
        self._entered = False
        self._span: Span | None = None

    def fail(
        self,
        *,
        error_code: str | None = None,
        impact: Impact | str | None = None,
        submission_id: str | None = None,
        flow_id: str | None = None,
        user_id: str | None = None,
        email: str | None = None,
        project: str | None = None,
        attributes: Mapping[str, object] | None = None,
        **metadata: object,
    ) -> None:
        """Say that the check failed; the last call counts.

        Args:
            error_code: the code shown to the user. None: the one given to the check, or none.
            impact: what the user felt. None: the one given to the check, or the catalogue's.
            submission_id: the submission, which the session keeps, as it keeps the next four.
            flow_id: id of the verification flow.
            user_id: the host's own id of the user.
            email: the user's address.
            project: id of the project that the form belongs to.
            attributes: metadata whose names are no Python identifiers.
            metadata: whatever is worth keeping with the event.
        """
        try:
            if span := self._open("fail"):
                self._fail(
                    span,
                    self._details.impact if impact is None else impact,
                    self._details.error_code if error_code is None else error_code,
                )
                self._identify(span, _fields(submission_id, flow_id, user_id, email, project))
                self._add(span, attributes, metadata)
        except Exception as error:
            report_fault(error)

    def set(
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
        """Add metadata to the check, and what the session keeps; `fail` explains the parameters."""
        try:
            if span := self._open("set"):
                self._identify(span, _fields(submission_id, flow_id, user_id, email, project))
                self._add(span, attributes, metadata)
        except Exception as error:
            report_fault(error)

    def observe(
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
        """Record an event that happened during the check, as a span event of it.

        The parameters are those of `Journey.record`.
        """
        try:
            if span := self._open("observe"):
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
                self._observe(span, event, details, attributes, metadata)
            elif self._entered:
                report_lost(event)
        except Exception as error:
            report_fault(error)

    def __call__(self, function: Callable[P, R]) -> Callable[P, R]:
        """Make every call of `function`, sync or async, a check of its own.

        If the call gives an awaitable, the check lasts until that has been awaited, or a future is
        done. One that gives a generator, or an awaitable that can also be entered or iterated over,
        runs without a check, for nobody can tell when its work is done.
        """
        if _is_async(function):
            called = cast("Callable[P, Awaitable[object]]", function)

            @wraps(function)
            async def run_async(*args: P.args, **kwargs: P.kwargs) -> Any:
                with self._fresh():
                    return await called(*args, **kwargs)

            return cast("Callable[P, R]", run_async)
        if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
            # Its body runs after the call, where nobody knows for how long.
            message = "is a generator function, which cannot be a check; it runs without one"
            report(Problem.CHECK_MISUSED, function, message)
            return cast("Callable[P, R]", function)

        @wraps(function)
        def run(*args: P.args, **kwargs: P.kwargs) -> R:
            with self._fresh() as check:
                return check._until_done(function(*args, **kwargs), function)  # noqa: SLF001

        return run

    def __enter__(self) -> Self:
        try:
            if self._entered:
                report(Problem.CHECK_MISUSED, self._event, "was entered twice at once")
                self.__exit__(None, None, None)
            self._entered = True
            emitter = self._journey
            if callable(emitter):
                emitter = emitter()
            if emitter is None:
                report_lost(self._event)
                return self
            self._emitter = emitter
            settings = _settings.installed or _settings.current()
            event, details = self._event, self._details
            known = details is NOTHING and isinstance(event, str) and settings.passed.get(event)
            described = known or settings.describe_check(event, details)
            if described is None:
                return self
            metadata = self._clean
            if metadata is None:
                metadata = clean(described, self._attributes, self._given)
            self._metadata = metadata
            if emitter.fields:
                described = emitter.identified(described, metadata)
            self._described = described
            self._observed = 0
            at = None if emitter.clock is None else emitter.now()
            # It says PASS from the start: nobody sees a span before its end, and most checks pass.
            self._span = emitter.start(settings.tracer, described, metadata, at)
        except Exception as error:
            report_fault(error)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        span, self._span = self._span, None
        self._entered = False
        if span is None:
            return
        if error is not None:
            self._end(span, error)
            return
        try:
            emitter = self._emitter
            span.end(None if emitter.clock is None else emitter.now())
        except Exception as fault:
            report_fault(fault)

    async def __aenter__(self) -> Self:
        return self.__enter__()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.__exit__(kind, error, trace)

    def _fresh(self) -> Check:
        return Check(
            self._journey, self._event, self._details, self._attributes, self._given, self._clean
        )

    def _until_done(self, result: R, function: object) -> R:
        """Leave the with block without an end if the work behind `result` is yet to be done."""
        span = self._span
        try:
            if span is None or not is_unfinished(result):
                return result
            self._span = None
            lasting = until_done(result, partial(self._end, span))
            if lasting is not None:
                return lasting
            message = (
                f"gave a {type(result).__name__}, which cannot be a check; it runs without one"
            )
            report(Problem.CHECK_MISUSED, function, message)
        except Exception as error:
            report_fault(error)
        return result

    def _open(self, method: str) -> Span | None:
        """Give its span; None if it does not run, reported if that is the caller's fault."""
        if not self._entered:
            report(Problem.CHECK_MISUSED, method, "was called on a check outside its with block")
        return self._span


def _fields(
    submission_id: str | None,
    flow_id: str | None,
    user_id: str | None,
    email: str | None,
    project: str | None,
) -> Details:
    return Details(
        submission_id=submission_id, flow_id=flow_id, user_id=user_id, email=email, project=project
    )


def _is_async(function: object) -> bool:
    # Of an object its `__call__` counts, as it does for web frameworks, which ask before they call.
    call = getattr(type(function), "__call__", None)  # noqa: B004 - not whether it can be called
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(call)
