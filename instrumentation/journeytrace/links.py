"""Sessions that began with a link: somebody was invited at the desk, and comes to this form.

::

    journey = links.take_over(token)     # what the page found in its address and sent here
    if not journey:
        ...                              # 401: it is no invitation, or a stale one

The collector opens the link, and leads to the form with the session's id and a token in the
fragment of the address, which no server is ever told. So the page sends the token on, and by that
its server goes on with the session.
"""

from __future__ import annotations

from hashlib import sha256
from time import time
from typing import TYPE_CHECKING, Final

from journeytrace import conventions
from journeytrace._described import Details
from journeytrace._diagnostics import Problem, report, report_fault
from journeytrace._journey import Journey
from journeytrace._names import Event
from journeytrace._token import known_keys
from journeytrace.browser import AUDIENCE, MAX_TOKEN, BadTokenError, read

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["take_over"]

_LEEWAY_SECONDS: Final = 60
"""By which the clocks of two machines may differ."""


def take_over(
    token: str | bytes,
    *,
    user_id: str | None = None,
    email: str | None = None,
    clock: Callable[[], int] | None = None,
) -> Journey:
    """Begin the journey that a link has led to: record SESSION_CREATED, once however often.

    The key is that of `Journey.browser_token`, which the collector shares. A journey is false, as
    one without a session is, if the token was not signed by it or is past its time: then nobody was
    invited. Never raises.

    Args:
        token: as the page found it in its address.
        user_id: the host's own id of the user. None: not known.
        email: the user's address. None: not known.
        clock: gives nanoseconds since the epoch, for replays and tests. None: real time.
    """
    try:
        return _taken_over(token, Details(user_id=user_id, email=email), clock)
    except Exception as error:
        report_fault(error)
    return Journey()


def _taken_over(token: object, details: Details, clock: Callable[[], int] | None) -> Journey:
    keys = known_keys()
    if not keys or not isinstance(token, str | bytes) or len(token) > MAX_TOKEN:
        return Journey()
    try:
        claims = read(token, keys)
    except BadTokenError as error:
        # It comes from outside: one subject for all, so that nobody fills the log.
        report(Problem.BAD_ARGUMENT, "token", f"of take_over {error}")
        return Journey()
    session_id, project, until = claims.get("sub"), claims.get("project"), claims.get("exp")
    now = time() if clock is None else clock() / 1e9
    fresh = isinstance(until, int | float) and now < until + _LEEWAY_SECONDS
    if claims.get("aud") != AUDIENCE or not isinstance(session_id, str) or not fresh:
        report(Problem.BAD_ARGUMENT, "token", "of take_over is past its time or for something else")
        return Journey()
    journey = Journey.resume(session_id, clock=clock)
    emitter = journey._emitter  # noqa: SLF001 - as `Journey.start` does
    if emitter is None:
        return journey
    started = claims.get("start")
    emitter.started = int(started if isinstance(started, int | float) else now)
    if isinstance(project, str):
        details = details._replace(project=project)
        emitter.project = project
    # However often somebody comes back: the same event.
    once = sha256(b"journey.taken_over:" + emitter.session_id.encode()).hexdigest()[:16]
    created = {conventions.EVENT_ID: once}
    journey._record(Event.SESSION_CREATED, details, None, {}, created)  # noqa: SLF001 - likewise
    return journey
