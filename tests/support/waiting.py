"""Waits with a bound: each ends by itself and says what it waited for."""

from __future__ import annotations

import re
import subprocess
import threading
import time
from collections.abc import Callable
from typing import IO, Any, TypeVar

__all__ = ["PATIENCE", "Lines", "end_child", "exhaust", "join", "wait_until"]

PATIENCE = 60.0
"""Seconds. On a busy machine nothing here takes as long; what does will never come."""
_T = TypeVar("_T")


def wait_until(
    what: str, look: Callable[[], _T | None], seconds: float = PATIENCE, pause: float = 0.02
) -> _T:
    """Look again and again until there is something true to see, and give it.

    `pause` is the time between two looks, in seconds. Raises `AssertionError`, which names `what`.
    """
    end = time.monotonic() + seconds
    while True:
        # Asked before each look: one that was slow is not the reason to give up on the next.
        late = time.monotonic() >= end
        if found := look():
            return found
        assert not late, f"waited {seconds:.0f} s for {what}"
        time.sleep(pause)


def exhaust(what: str, step: Callable[[], object], most: int = 10_000) -> None:
    """Take one step after the other until one has nothing left to do, which it says by a false."""
    for _ in range(most):
        if not step():
            return
    raise AssertionError(f"not done after {most} steps: {what}")


def join(*threads: threading.Thread, seconds: float = PATIENCE) -> None:
    """Wait until all threads have ended."""
    end = time.monotonic() + seconds
    for thread in threads:
        thread.join(max(0.0, end - time.monotonic()))
    running = [thread.name for thread in threads if thread.is_alive()]
    assert not running, f"waited {seconds:.0f} s for the end of {', '.join(running)}"


def end_child(child: subprocess.Popen[Any], seconds: float = PATIENCE) -> None:
    """Ask a child process to end; one that does not is killed, which fails the test."""
    child.terminate()
    try:
        child.wait(seconds)
    except subprocess.TimeoutExpired as error:
        child.kill()
        child.wait(seconds)
        raise AssertionError(f"waited {seconds:.0f} s for the end of {child.args!r}") from error


class Lines:
    """What a child process writes to one of its streams, read in a thread as it comes."""

    def __init__(self, stream: IO[str] | None) -> None:
        assert stream is not None, "the stream is not a pipe"
        self._stream = stream
        self._lines: list[str] = []
        self._reader = threading.Thread(target=self._read, name="a child's output", daemon=True)
        self._reader.start()

    def _read(self) -> None:
        with self._stream as lines:
            for line in lines:
                self._lines.append(line)

    def find(self, pattern: str, seconds: float = PATIENCE) -> re.Match[str] | None:
        """Wait for a line in which `pattern` is found; None: the stream ended without one."""

        def look() -> tuple[re.Match[str] | None] | None:
            # In this order: lines that come in between are seen the next time.
            ended = not self._reader.is_alive()
            found = next(filter(None, (re.search(pattern, line) for line in self._lines)), None)
            return (found,) if found or ended else None

        try:
            return wait_until(f"a line with {pattern!r}", look, seconds)[0]
        except AssertionError as error:
            error.add_note("so far:\n" + "".join(self._lines))
            raise

    def text(self, seconds: float = PATIENCE) -> str:
        """Wait for the end of the stream, and give all that was written."""
        join(self._reader, seconds=seconds)
        return "".join(self._lines)
