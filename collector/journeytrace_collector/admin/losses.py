"""Lost beacons told apart from lost users, as programs and people are told it."""

from __future__ import annotations

from journeytrace.catalogue import Catalogue
from journeytrace_collector.core.attempts import Per
from journeytrace_collector.insight.loss import LossGroup, loss_groups
from journeytrace_collector.store.base import Cohort, Store

__all__ = ["loss_of"]


def loss_of(
    store: Store, cohort: Cohort, catalogue: Catalogue, by: str | None = None
) -> list[LossGroup] | None:
    """Tell what screen and server saw of a cohort; None: it is of people.

    `by`: apart by one of `insight.loss.BY`. It waits for the store.
    """
    if cohort.per is Per.PERSON:
        return None
    sightings = store.sightings(cohort, by)
    return loss_groups(sightings, catalogue.ordered_stages, by)
