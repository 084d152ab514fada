"""Checks that a journey plans, with how long each kind takes and which of them fail."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from journeytrace import Event
from journeytrace_collector.demo.walk import Check, Value

__all__ = ["SOUND", "Faults", "planned"]

Faults = Mapping[Event, str]
"""Which checks fail, and with which error code."""

SOUND: Final[Faults] = {}
"""Every check passes."""

# Seconds that a check takes, quickest and slowest; what is not listed answers from memory.
_TIMES: Final[Mapping[Event, tuple[float, float]]] = {
    Event.ID_RECOGNITION: (0.7, 2.4),
    Event.ID_LIVENESS_VERIFICATION: (0.5, 1.6),
    Event.ACTIVE_LIVENESS_VERIFICATION: (0.8, 2.2),
    Event.LIVENESS_VERIFICATION: (0.4, 1.3),
    Event.FACE_COMPARE: (0.3, 0.9),
    Event.SELFIE_DUPLICATE_CHECK: (0.4, 1.8),
    Event.CODEF_VERIFICATION: (1.2, 4.0),
    Event.MEX_CURP_VERIFICATION: (0.9, 3.0),
    Event.BANK_NAMECHECK_REQUEST: (0.6, 2.5),
    Event.BANK_OCCUPANCY_REQUEST: (0.9, 3.2),
    Event.TURNSTILE_TOKEN_CHECK: (0.15, 0.5),
    Event.IP_RISK_CHECK: (0.05, 0.35),
}


def planned(event: Event, faults: Faults, **attributes: Value) -> Check:
    """Give a check that fails if `faults` says so."""
    quickest, slowest = _TIMES.get(event, (0.004, 0.050))
    return Check(event, attributes, quickest, slowest, faults.get(event))
