"""Time as an argument."""

from collections.abc import Callable
from typing import TypeAlias

__all__ = ["Clock"]

Clock: TypeAlias = Callable[[], int]
"""Gives ns since the epoch, UTC. In production `time.time_ns`; tests pass their own."""
