"""How many of the screen's beacons are lost, looked at now and then: a gauge for Prometheus."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

from journeytrace.conventions import BEACON_LOSS_RATIO, OTHER, SESSIONS_STARTED_TOTAL
from journeytrace_collector.background import keep_doing
from journeytrace_collector.clock import Clock
from journeytrace_collector.core.retention import NS_PER_DAY
from journeytrace_collector.health import Health
from journeytrace_collector.insight.loss import beacon_loss, loss_groups
from journeytrace_collector.store.base import Cohort, Store

__all__ = ["Beacons"]

SECONDS_BETWEEN: Final = 300.0
NEWEST: Final = 50_000
"""Sessions that are looked at, at most: so it costs the same however many there are."""


class Beacons:
    """Watches the loss of beacons, over the sessions of a day."""

    def __init__(self, store: Store, clock: Clock, health: Health, stages: Sequence[str]) -> None:
        """Look into `store`; `stages` are the ordered ones, first to last."""
        self._store = store
        self._clock = clock
        self._health = health
        self._stages = stages

    async def run(self) -> None:
        """Look again and again, until cancelled."""
        await keep_doing("beacons", self._step, self._health)

    async def _step(self) -> float:
        await asyncio.to_thread(self.look)
        return SECONDS_BETWEEN

    def look(self) -> None:
        """Look once; it waits for the store.

        A project without counters of its own was one too many when it came, so it is "other" here
        too. Where too few sessions are known there is no value.
        """
        rises = self._store.counters().rises
        known = {labels[0] for name, labels in rises if name == SESSIONS_STARTED_TOTAL.name}
        day = Cohort(since=self._clock() - NS_PER_DAY)
        sightings = self._store.sightings(day, "project", NEWEST)
        labelled = [
            one._replace(group=group if (group := one.group or "") in known else OTHER)
            for one in sightings.found
        ]
        found = sightings._replace(found=labelled)
        groups = loss_groups(found, self._stages, "project", most=len(labelled))
        losses = {(one.name or "",): beacon_loss(one.steps) for one in groups}
        self._health.show(
            BEACON_LOSS_RATIO, {labels: loss for labels, loss in losses.items() if loss is not None}
        )
