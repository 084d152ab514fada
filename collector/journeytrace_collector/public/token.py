"""What a browser's token says, and whether it says it now: pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from journeytrace.browser import AUDIENCE, MAX_MINUTES, BadTokenError, Key, read
from journeytrace.errors import InvalidSessionIdError
from journeytrace.identity import normalise_session_id
from journeytrace_collector.core.fields import MAX_FIELD
from journeytrace_collector.public.refusal import Outcome, RefusedError

__all__ = ["Claims", "check_token"]

_AHEAD: Final = 60
"""Seconds that the clock of who mints may be ahead."""
_LATEST: Final = 1 << 40
"""Seconds since 1970 that fit wherever a time is kept."""


@dataclass(frozen=True, slots=True)
class Claims:
    """For what a browser may speak."""

    session_id: str
    project: str | None
    """None: the token names none."""
    started: int
    """When its session began, in ns."""


def check_token(token: bytes, keys: Sequence[Key], now: int) -> Claims:
    """Give what a token allows at `now`, in ns.

    Raises:
        RefusedError: it allows nothing, or no longer.
    """
    try:
        claims = read(token, keys)
        seconds = now / 1e9
        _check_audience(claims.get("aud"))
        issued, expires = _time(claims, "iat"), _time(claims, "exp")
        _check_life(issued, expires, seconds)
        started = min(_time(claims, "start"), issued) if "start" in claims else issued
        found = Claims(_session(claims), _project(claims), round(started * 1_000) * 1_000_000)
    except BadTokenError as error:
        raise RefusedError(Outcome.TOKEN, f"the token {error}") from None
    if seconds >= expires:
        raise RefusedError(Outcome.EXPIRED, "the token has expired: fetch another")
    return found


def _check_audience(said: Any) -> None:
    if said != AUDIENCE and not (isinstance(said, list) and AUDIENCE in said):
        raise BadTokenError(f"is for somebody else: its `aud` must be {AUDIENCE}")


def _check_life(issued: float, expires: float, now: float) -> None:
    if issued > now + _AHEAD:
        raise BadTokenError("was issued (`iat`) in the future")
    if not 0 < expires - issued <= MAX_MINUTES * 60:
        raise BadTokenError(f"must live for at most {MAX_MINUTES} minutes (`exp` - `iat`)")


def _time(claims: Mapping[str, Any], name: str) -> float:
    value = claims.get(name)
    # Neither a bool nor infinity, which JSON's reader takes.
    if (type(value) is int or type(value) is float) and 0 <= value < _LATEST:
        return value
    raise BadTokenError(f"must say `{name}`, in seconds since 1970")


def _session(claims: Mapping[str, Any]) -> str:
    said = claims.get("sub")
    try:
        if isinstance(said, str):
            return normalise_session_id(said)
    except InvalidSessionIdError:
        pass
    raise BadTokenError("must say the session's id as `sub`")


def _project(claims: Mapping[str, Any]) -> str | None:
    said = claims.get("project")
    if said is None or said == "":
        return None
    if not isinstance(said, str) or len(said) > MAX_FIELD or not said.isprintable():
        raise BadTokenError(f"has a `project` that is no text of at most {MAX_FIELD} characters")
    return said
