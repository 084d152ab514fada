"""Carrying the current journey into another thread."""

from __future__ import annotations

import inspect
from functools import wraps
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, cast

from opentelemetry.context import attach, detach, get_current

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

__all__ = ["wrap"]

P = ParamSpec("P")
R = TypeVar("R")


def wrap(function: Callable[P, R]) -> Callable[P, R]:
    """Give `function` so that each call of it, in whatever thread, has the journey current here.

    The whole OpenTelemetry context of this moment is current in the call: the journey, the host's
    span, the baggage. So wrap where you hand the function over, not where it is defined. Unlike a
    context of `contextvars.copy_context`, one wrapped function can run in several threads at once.
    A generator's body runs after the call, and so without it. To another process only the session
    id goes: see `Journey.resume`.

    Args:
        function: sync or async. An async one has the context for as long as it is awaited.
    """
    context = get_current()
    if inspect.iscoroutinefunction(function):
        called = cast("Callable[P, Awaitable[object]]", function)

        @wraps(function)
        async def run_async(*args: P.args, **kwargs: P.kwargs) -> Any:
            token = attach(context)
            try:
                return await called(*args, **kwargs)
            finally:
                detach(token)

        return cast("Callable[P, R]", run_async)

    @wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        token = attach(context)
        try:
            return function(*args, **kwargs)
        finally:
            detach(token)

    return run
