"""Things that run in an event loop of their own, for tests that do not."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, contextmanager
from pathlib import Path
from typing import Any

from tests.support.waiting import PATIENCE, join

from journeytrace_collector.settings import Address, Settings

__all__ = ["Enter", "enter_in_background", "free_settings"]

Enter = Callable[[AbstractAsyncContextManager[Any]], Any]
"""Enters a context in the other loop and gives what it gives."""


@contextmanager
def enter_in_background() -> Iterator[Enter]:
    """Run a loop in a thread; what was entered there is left when the block ends."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="a loop", daemon=True)
    thread.start()
    stack = AsyncExitStack()

    def enter(context: AbstractAsyncContextManager[Any]) -> Any:
        entering = asyncio.run_coroutine_threadsafe(stack.enter_async_context(context), loop)
        return entering.result(PATIENCE)

    try:
        yield enter
    finally:
        try:
            asyncio.run_coroutine_threadsafe(stack.aclose(), loop).result(PATIENCE)
        finally:
            loop.call_soon_threadsafe(loop.stop)
            join(thread)
            loop.close()


def free_settings(data: Path, **more: Any) -> Settings:
    """Give settings that listen on free ports of the loopback."""
    free = Address("127.0.0.1", 0)
    settings: dict[str, Any] = {"data": data, "otlp_grpc": free, "otlp_http": free, "admin": free}
    settings["desk"] = None
    return Settings(**(settings | more))
