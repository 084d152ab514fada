"""When a page's events happened, though nobody knows its clock: pure. All times are in ns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

__all__ = ["corrected"]

_BEFORE: Final = 60 * 1_000_000_000
"""How long before its session a page's events may begin: the page comes first."""


def corrected(sent: Sequence[int], sent_at: int | None, received: int, started: int) -> list[int]:
    """Give the times of one batch by the collector's clock, in the order of those that were sent.

    None is before the session's start less a minute, none after the arrival. Of two that are the
    same by the page's clock, or that these bounds would make the same, the first of the batch comes
    first: what is given differs by a nanosecond at least.

    Args:
        sent: what each event says, by the page's clock.
        sent_at: what the page's clock said when it sent the batch. None: it did not say. Then its
            clock is believed as long as it can be right, else the newest event counts as sent.
        received: the arrival.
        started: the session's start; one after the arrival counts as the arrival.
    """
    if not sent:
        return []
    earliest = min(started, received) - _BEFORE
    if sent_at is None:
        believed = earliest <= min(sent) and max(sent) <= received
        sent_at = received if believed else max(sent)
    found = [0] * len(sent)
    order = sorted(range(len(sent)), key=lambda n: sent[n])
    last = earliest - 1
    for n in order:
        last = found[n] = max(last + 1, received - (sent_at - sent[n]))
    latest = received
    for n in reversed(order):
        found[n] = min(latest, found[n])
        latest = found[n] - 1
    return found
