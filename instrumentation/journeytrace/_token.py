"""The token that a service hands to the page of one session."""

from __future__ import annotations

import math
import os
import time
from typing import TYPE_CHECKING

from journeytrace import _settings
from journeytrace._diagnostics import Problem, report
from journeytrace.browser import (
    AUDIENCE,
    KEY_VARIABLE,
    MAX_MINUTES,
    BadTokenError,
    Key,
    mint,
    read,
    read_keys,
)

if TYPE_CHECKING:
    from journeytrace._emit import Emitter

__all__ = ["known_keys", "token_for"]

_USUAL_MINUTES = 30


def token_for(emitter: Emitter, minutes: object, project: object, previous: object) -> str:
    """Give the token; empty: no key is known. See `Journey.browser_token`."""
    keys = known_keys()
    if not keys:
        return ""
    now = int(time.time())
    # A token lives for whole seconds, and never longer than it is believed.
    issued, lasts = now, math.floor(_minutes(minutes) * 60)
    started = _started(previous, emitter.session_id, keys)
    claims: dict[str, object] = {
        "sub": emitter.session_id,
        "aud": AUDIENCE,
        "iat": issued,
        "exp": issued + lasts,
        "start": emitter.started or now if started is None else started,
    }
    if isinstance(project, str) and project:
        claims["project"] = str.__str__(project)
    elif project is None and emitter.project:
        claims["project"] = emitter.project
    elif project is not None:
        report(Problem.BAD_ARGUMENT, "project", "of browser_token is no text and was left out")
    return mint(keys[0], claims)


def known_keys() -> tuple[Key, ...]:
    """Give the keys of this service, the first signs; none, which is reported: there is no usable
    one."""
    keys = _settings.current().browser_keys
    if keys:
        return keys
    text = os.environ.get(KEY_VARIABLE, "")
    try:
        if text.strip():
            return read_keys(text)
        wrong = "is empty, and configure was given no browser_key"
    except ValueError as error:
        wrong = str(error)
    report(Problem.NO_BROWSER_KEY, KEY_VARIABLE, f"{wrong}: browser_token gives an empty text")
    return ()


def _minutes(minutes: object) -> float:
    # A bool is an int to Python, and never meant.
    if type(minutes) in {int, float} and 1 <= minutes <= MAX_MINUTES:  # type: ignore[operator]
        return minutes  # type: ignore[return-value]
    report(Problem.BAD_ARGUMENT, "minutes", f"of browser_token are none from 1 to {MAX_MINUTES}")
    return _USUAL_MINUTES


def _started(previous: object, session_id: str, keys: tuple[Key, ...]) -> int | float | None:
    """Give the start of the session by an earlier token; None: it is none of this session's."""
    if previous is None or previous == "":
        return None
    try:
        if isinstance(previous, str):
            claims = read(str.__str__(previous), keys)
            started = claims.get("start", claims.get("iat"))
            same = claims.get("aud") == AUDIENCE and claims.get("sub") == session_id
            if same and (type(started) is int or type(started) is float) and 0 <= started < 1 << 40:
                return started
    except BadTokenError:
        pass
    message = "of browser_token is no token of this session, so its events begin now"
    report(Problem.BAD_ARGUMENT, "previous", message)
    return None
