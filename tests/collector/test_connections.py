"""What connections of the HTTP ports hold, and when they let go of it."""

from __future__ import annotations

import asyncio
import gc
import socket
from contextlib import ExitStack, closing
from pathlib import Path

from journeytrace_collector.connections import Connections, bind

MOST = 2
CROWD = 30
PORTS = 2


def test_who_gives_way_before_being_let_in_is_let_go() -> None:
    """Sockets of those that give way are closed at once, even if two ports fill up in one turn of
    the loop, and with no help of the garbage collection.
    """
    gc.disable()
    try:
        # Of none it would be said that nobody was let in at all.
        assert 0 < asyncio.run(held_by_a_crowd()) <= MOST
    finally:
        gc.enable()


async def held_by_a_crowd() -> int:
    """Let a crowd in that waits at two ports already; gives the files that it holds open."""
    with ExitStack() as stack:
        listeners = [one for _ in range(PORTS) for one in await bind("127.0.0.1", 0)]
        for listener in listeners:
            stack.enter_context(closing(listener))
            for _ in range(CROWD):
                one = socket.create_connection(listener.getsockname(), timeout=5)
                stack.enter_context(closing(one))
        before = open_files()
        accepting = Connections(MOST).listen(asyncio.Protocol, listeners, None)
        for _ in range(CROWD * 10):
            await asyncio.sleep(0)
        held = open_files() - before
        for task in accepting:
            task.cancel()
        return held


def open_files() -> int:
    """Give the number of files that this process has open."""
    return len(list(Path("/proc/self/fd").iterdir()))
