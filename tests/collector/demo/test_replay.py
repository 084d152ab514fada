"""How the demo's journeys reach a collector."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from itertools import accumulate
from pathlib import Path

import pytest
from tests.support.running import free_settings

from journeytrace_collector.demo import replay
from journeytrace_collector.demo.journeys import make_journeys
from journeytrace_collector.process import Collector
from journeytrace_collector.store.sqlite import FILE_NAME

MINUTE = 60 * 1_000_000_000


_TIMES = "SELECT at FROM events WHERE name <> 'ANALYSIS_SUMMARY' ORDER BY received, rowid"


def test_journeys_arrive_in_order_of_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both services send as they would have: nothing is far older than what came before it."""
    monkeypatch.setattr(replay, "_FLUSH_AFTER", 50)
    journeys = make_journeys(40, seed=7)

    async def played() -> int:
        async with Collector(free_settings(tmp_path)) as collector:
            to, now = str(collector.otlp_grpc), time.time_ns()
            return await asyncio.to_thread(replay.play, journeys, to, now, lambda: True)

    sent = asyncio.run(asyncio.wait_for(played(), 60))
    with sqlite3.connect(tmp_path / FILE_NAME) as store:
        times = [at for (at,) in store.execute(_TIMES)]
    store.close()
    assert len(times) == sent
    behind = [newest - at for newest, at in zip(accumulate(times, max), times, strict=True)]
    assert max(behind) < 30 * MINUTE
    assert times[-1] - times[0] > 100 * MINUTE
