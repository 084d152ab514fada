"""How often the shipped alerts are false, and how small a spike they see.

``python -m benchmarks.bench_alerts`` plays 36 months of installations of 1 to 100 projects in which
nothing is wrong, and then spikes of many sizes at many volumes. Rules are evaluated every tenth
minute. ``--write docs/alerts`` writes the plot, too.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Final

import numpy as np

from benchmarks.alert_plot import plot
from benchmarks.alert_rules import held, silence, spikes
from benchmarks.alert_traffic import traffic
from journeytrace_dashboards.alerts.settings import DEFAULTS

SETTINGS: Final = replace(DEFAULTS, interval=timedelta(minutes=10))
DAYS: Final = 37
"""A week to learn what is usual, and a month that counts."""
LEARNT: Final = timedelta(days=7) // SETTINGS.interval
VOLUMES: Final = (5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000)
USUAL: Final = (0.02, 0.10)
SEEN: Final = 0.9
"""Share of spikes that are told, from which on a spike counts as seen."""


def false_alarms(projects: int, *, rough: bool, seed: int) -> Counter[str]:
    """Count what is told, and by which alert, in a month in which nothing is wrong."""
    drawn = traffic(projects, DAYS, rough=rough, seed=seed, settings=SETTINGS)
    found: Counter[str] = Counter()
    of = np.tile(drawn.sessions, (len(drawn.found) // projects, 1))
    judged = spikes(drawn.found, of, drawn.once, projects, SETTINGS)
    for told in (judged.told, judged.everywhere):
        times = held(told[:, LEARNT:], SETTINGS)[0]
        for row in times.nonzero()[0]:
            found[drawn.names[row * len(drawn.found) // len(times)]] += int(times[row])
    alone, everywhere = silence(drawn.sessions, SETTINGS)
    for told in (alone, everywhere[None]):
        found["JourneyNoSessions"] += int(held(told[:, LEARNT:], SETTINGS)[0].sum())
    return found


def seen(volume: float, usual: float, share: float, *, trials: int, hours: int, seed: int) -> float:
    """Give the part of spikes told within `hours`, at so many sessions an hour."""
    dice = np.random.default_rng(seed)
    per_hour = timedelta(hours=1) // SETTINGS.interval
    quiet, spike = 3 * 24 * per_hour, hours * per_hour
    sessions = dice.poisson(volume / per_hour, (trials, quiet + spike)).astype(float)
    shares = np.where(np.arange(quiet + spike) < quiet, usual, share)
    found = dice.binomial(sessions.astype(int), shares).astype(float)
    # Each trial is an installation of its own: nothing is summed.
    judged = spikes(found, sessions, np.ones(trials, bool), 1, SETTINGS)
    shown = held(judged.told, SETTINGS)[1]
    return float(shown[:, quiet:].any(axis=1).mean())


def smallest(volume: float, usual: float, hours: int) -> float | None:
    """Find the smallest share that is seen, to a hundredth; None: not even 100 %."""
    low, high = usual, 1.0
    if seen(volume, usual, 1.0, trials=40, hours=hours, seed=1) < SEEN:
        return None
    while high - low > 0.01:
        share = (low + high) / 2
        if seen(volume, usual, share, trials=40, hours=hours, seed=1) >= SEEN:
            high = share
        else:
            low = share
    return high


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=6, help="months for each row of the table")
    parser.add_argument("--write", type=Path, metavar="DIR", help="where the plot is put")
    asked = parser.parse_args()
    began = time.monotonic()
    print("| projects | traffic | months | false alarms | a month |")
    print("|---|---|---|---|---|")
    total: Counter[str] = Counter()
    for projects in (1, 10, 100):
        for rough in (False, True):
            found: Counter[str] = Counter()
            for seed in range(asked.seeds):
                found += false_alarms(projects, rough=rough, seed=seed)
            total += found
            kind = "over-dispersed" if rough else "Poisson"
            count = found.total()
            print(
                f"| {projects} | {kind} | {asked.seeds} | {count} | {count / asked.seeds:.2f} |",
                flush=True,
            )
    print(
        f"in all: {total.total()}, {dict(total)} ({time.monotonic() - began:.0f} s)\n", flush=True
    )
    lines: dict[str, list[tuple[float, float]]] = {}
    print(
        "| sessions an hour | "
        + " | ".join(f"usual {u:.0%}, in {h} h" for u in USUAL for h in (1, 6))
        + " |"
    )
    print("|---" * (1 + 2 * len(USUAL)) + "|")
    for volume in VOLUMES:
        cells = []
        for usual in USUAL:
            for hours in (1, 6):
                least = smallest(volume, usual, hours)
                cells.append("—" if least is None else f"{least:.0%}")
                if least is not None:
                    lines.setdefault(f"usual {usual:.0%}, within {hours} h", []).append(
                        (volume, least)
                    )
        print(f"| {volume:,} | " + " | ".join(cells) + " |", flush=True)
    if asked.write:
        (asked.write / "smallest-spike.svg").write_text(plot(lines), "utf-8")


if __name__ == "__main__":
    main()
