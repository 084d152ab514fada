"""Whom the local matcher tells apart, and how fast: ``python -m benchmarks.bench_screening``.

Precision and recall are those of the labelled pairs in ``tests/data/screening``: 300 whose labels
were written before the matcher, and 60 that were written after it and measured once.
"""

from __future__ import annotations

import asyncio
import json
import random
import tempfile
from collections import Counter, defaultdict
from pathlib import Path
from time import process_time
from typing import Any

from journeytrace_collector.core.screening import Category
from journeytrace_exporters.screening.local.lists import Limits, ListFile
from journeytrace_exporters.screening.local.match import Person, likeness
from journeytrace_exporters.screening.local.screener import LocalScreener
from journeytrace_exporters.screening.screener import Query

DATA = Path(__file__).parents[1] / "tests" / "data" / "screening"
THRESHOLD = 0.8
PEOPLE = 100_000
SEARCHES = 200


def main() -> None:
    """Print precision and recall by slice, then what a list of 100,000 people costs."""
    for name in ("pairs", "held-out"):
        lines = (DATA / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
        told_apart(name, [json.loads(line) for line in lines])
    asyncio.run(costs())


def told_apart(name: str, pairs: list[dict[str, Any]]) -> None:
    """Print what becomes of labelled pairs."""
    counted: defaultdict[str, Counter[tuple[bool, bool]]] = defaultdict(Counter)
    for pair in pairs:
        found = likeness(_person(pair["query"]), _person(pair["entry"])).score >= THRESHOLD
        counted[pair["slice"]][pair["match"], found] += 1
        counted["all"][pair["match"], found] += 1
    for part, one in counted.items():
        precision = one[True, True] / (one[True, True] + one[False, True])
        recall = one[True, True] / (one[True, True] + one[True, False])
        print(
            f"{name}: {part}: {one.total()} pairs, precision {precision:.2f}, recall {recall:.2f}"
        )


def _person(said: dict[str, str]) -> Person:
    dates = (said["birth_date"],) if "birth_date" in said else ()
    return Person((said["name"],), dates, (said["country"],) if "country" in said else ())


async def costs() -> None:
    """Print the CPU time of reading a list and of searching it."""
    chance = random.Random(7)
    parts = ["".join(chance.choices("abdeghiklmnoprstuvz", k=7)) for _ in range(5_000)]
    names = [" ".join(chance.sample(parts, 3)) for _ in range(PEOPLE)]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "list.jsonl"
        with path.open("w", encoding="utf-8") as file:
            for number, name in enumerate(names):
                said = {"name": [name], "topics": ["sanction"]}
                entry = {"id": f"e{number}", "schema": "Person", "properties": said}
                file.write(json.dumps(entry) + "\n")
        covers = frozenset({Category.SANCTIONS})
        files = [ListFile("generated", path, covers)]
        local = LocalScreener(files, THRESHOLD, Limits(1 << 30, PEOPLE))
        begun = process_time()
        await local.version()
        print(f"reading {PEOPLE:,} people: {process_time() - begun:.1f} s of CPU")
        begun = process_time()
        for name in chance.sample(names, SEARCHES):
            assert (await local.screen(Query((name,)))).hits
        each = (process_time() - begun) / SEARCHES * 1_000
        print(f"one search of them: {each:.1f} ms of CPU")


if __name__ == "__main__":
    main()
