"""What a function can give back before its work is done, and how to tell when it is."""

from __future__ import annotations

import inspect
import sys
from collections.abc import AsyncGenerator, Awaitable, Coroutine, Generator
from types import CoroutineType, GeneratorType
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar, cast

if TYPE_CHECKING:
    from collections.abc import Callable

    End: TypeAlias = Callable[[BaseException | None], None]

__all__ = ["is_unfinished", "until_done"]

R = TypeVar("R")


def is_unfinished(result: object) -> bool:
    """Whether the work behind `result` is yet to be done: it is an awaitable or a generator."""
    return inspect.isawaitable(result) or isinstance(result, Generator | AsyncGenerator)


def until_done(result: R, end: End) -> R | None:
    """Give what the host gets for `result`, so that `end` is called when the work is done.

    `end` gets the exception that ended it; None: there was none. It is never called if nobody
    awaits a coroutine, or if a future is never done.

    Returns:
        Something that serves as `result` does. None: nobody can tell when this one is done.
    """
    if not inspect.isawaitable(result):
        return None
    follower: object = None
    if _is_future(result):
        _watch(result, end)
        follower = result
    elif isinstance(result, Coroutine | GeneratorType):
        follower = _named(_awaiting(result, end), result)
    elif not hasattr(result, "__aenter__") and not hasattr(result, "__aiter__"):
        follower = _Awaited(result, end)
    return cast("R | None", follower)


def _is_future(result: object) -> bool:
    # Importing asyncio takes longer than all of this library, and nobody has a future without it.
    asyncio = sys.modules.get("asyncio")
    return asyncio is not None and asyncio.isfuture(result)


def _watch(future: Any, end: End) -> None:
    """Call `end` when the future is done; a host may do more with one than await it."""

    def done(future: Any) -> None:
        if future.cancelled():
            end(sys.modules["asyncio"].CancelledError())
        elif hasattr(future, "_exception"):
            # Asking for `exception()` would keep asyncio from logging one that nobody retrieves.
            end(future._exception)  # noqa: SLF001
        else:
            end(future.exception())

    if future.done():
        done(future)
    else:
        future.add_done_callback(done)


def _named(coroutine: Any, like: object) -> object:
    """Let tracebacks and warnings name the host's function, not ours."""
    if isinstance(like, CoroutineType | GeneratorType):
        coroutine.__name__, coroutine.__qualname__ = like.__name__, like.__qualname__
    return coroutine


async def _awaiting(work: Any, end: End) -> object:
    try:
        result: object = await work
    except BaseException as error:
        end(error)
        raise
    end(None)
    return result


class _Awaited:
    """An awaitable of the host's own class, which tells of the first time that it is awaited."""

    __slots__ = ("_awaitable", "_end")

    def __init__(self, awaitable: Awaitable[object], end: End) -> None:
        self._awaitable = awaitable
        self._end: End | None = end

    def __await__(self) -> Generator[Any, Any, object]:
        end, self._end = self._end, None
        return (_awaiting(self._awaitable, end) if end else self._awaitable).__await__()

    def __getattr__(self, name: str) -> object:
        return getattr(self._awaitable, name)
