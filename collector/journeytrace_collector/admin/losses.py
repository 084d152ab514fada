"""Lost beacons told apart from lost users, as programs and people are told it."""

from __future__ import annotations

from typing import Final

from journeytrace.catalogue import Catalogue
from journeytrace_collector.core.attempts import Per
from journeytrace_collector.core.sighting import Sighted
from journeytrace_collector.insight.loss import LossGroup, loss_groups
from journeytrace_collector.store.base import Cohort, Store

__all__ = ["MOST_GROUPS", "loss_of"]

MOST_GROUPS: Final = 10
"""Told one by one; all others are one."""


def loss_of(
    store: Store, cohort: Cohort, catalogue: Catalogue, by: str | None = None
) -> list[LossGroup] | None:
    """Tell what screen and server saw of a cohort; None: it is of people.

    `by`: apart by one of `insight.loss.BY`. It waits for the store.
    """
    if cohort.per is Per.PERSON:
        return None
    found, chosen, numbers = store.sightings(cohort, by)
    most = None if by is None else MOST_GROUPS
    groups = loss_groups(found, chosen, numbers, catalogue.ordered_stages, most)
    if groups or by is not None:
        return groups
    # Where nobody has come to rest there is one group all the same, of nobody.
    return loss_groups([Sighted(None, None, 0, 0)], chosen, numbers, catalogue.ordered_stages)
