"""The first page of the session list with 100,000 sessions stored, for every filter there is."""

from __future__ import annotations

import random
import time
from itertools import product
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from urllib.parse import urlencode

import requests
from tests.support.events import IDLE_TIMEOUT, MINUTE, event

from benchmarks.load import child
from journeytrace.catalogue import builtin_catalogue
from journeytrace_collector.core.derive import rfc3339
from journeytrace_collector.core.model import Event
from journeytrace_collector.store import SqliteStore
from journeytrace_collector.store.base import SEARCH_FIELDS

SESSIONS = 100_000
DAYS = 7
REPEATS = 3
TARGET_MS = 50

_ENDS = ("FINAL_PAGE_VIEW", "FINAL_PAGE_VIEW", "PAGE_HIDDEN", "ERROR_PAGE_VIEWED", "STEP_VIEW")
_DECISIONS = ("APPROVED", "APPROVED", "APPROVED", "REJECTED", "PENDING", None)


def journey(number: int, at: int, rng: random.Random) -> list[Event]:
    common = {"session_id": f"018f3b5e-0000-7000-8000-{number:012x}", "source": "BE"}
    user = {"user_id": f"user-{number}", "email": f"{rng.choice('abcdefgh')}.{number}@example.com"}
    events = [
        event("SESSION_CREATED", at, project_id=rng.choice(("acme", "zebra")), **user, **common)
    ]
    if rng.random() < 0.7:
        events.append(event("SUBMISSION_CREATED", at + 1, submission_id=f"sub-{number}", **common))
    if decision := rng.choice(_DECISIONS):
        events.append(event(decision, at + 2, **common))
    return [*events, event(rng.choice(_ENDS), at + 3, **common)]


def fill(folder: Path, now: int) -> None:
    rng = random.Random(1)
    store = SqliteStore(folder, builtin_catalogue(), IDLE_TIMEOUT)
    step = DAYS * 1440 * MINUTE // SESSIONS
    for first in range(0, SESSIONS, 1_000):
        numbers = range(first, first + 1_000)
        store.write([e for n in numbers for e in journey(n, now - (SESSIONS - n) * step, rng)])
    store.close()


def queries(now: int) -> list[dict[str, str]]:
    statuses = ("", "IN_PROGRESS", "COMPLETED", "DROPPED", "ERROR")
    decisions = ("", "APPROVED", "REJECTED", "PENDING", "NONE")
    oldest, middle = rfc3339(now - DAYS * 1440 * MINUTE), rfc3339(now - 4 * 1440 * MINUTE)
    ranges: tuple[dict[str, str], ...] = (
        {},
        {"since": middle},
        {"until": middle},
        {"since": oldest, "until": middle},
    )
    # From one match over a few per cent to everything, by every field.
    words = ("018f3b5e", "018f3b5e-0000-7000-8000-0000000000ff", "user-", "user-77", "sub-9")
    searches: list[dict[str, str]] = [{}, *({"search": text} for text in words)]
    for text in ("a.", "b.12345@", "acme", "PAGE_HIDDEN", "SESSION_CREATED", "nothing like it"):
        searches += [{"search": text, "field": field} for field in SEARCH_FIELDS]
    plain = product(statuses, decisions, ranges, searches)
    return [
        {k: v for k, v in {"status": s, "decision": d, **r, **q}.items() if v}
        for s, d, r, q in plain
    ]


def main() -> None:
    now = time.time_ns()
    with TemporaryDirectory() as folder:
        fill(Path(folder), now)
        with (
            child("benchmarks.collector", folder) as (_, addresses),
            requests.Session() as client,
        ):
            url = f"http://{addresses.split()[1]}/api/v1/sessions"
            times = []
            for query in queries(now):
                tries = [_ask(client, f"{url}?{urlencode(query)}") for _ in range(REPEATS)]
                times.append((median(tries), query))
    times.sort(key=lambda item: item[0])
    worst, query = times[-1]
    print(
        f"list: {len(times)} filters over {SESSIONS:,} sessions, first page in"
        f" {times[len(times) // 2][0]:.1f} ms (median), {worst:.1f} ms (worst: {query})"
        f" (target < {TARGET_MS} ms)"
    )


def _ask(client: requests.Session, url: str) -> float:
    start = time.perf_counter()
    client.get(url).raise_for_status()
    return (time.perf_counter() - start) * 1000


if __name__ == "__main__":
    main()
