"""Stand-ins for those who read documents and compare faces: they answer what the user chose."""

from __future__ import annotations

import asyncio
from typing import Final, Literal, TypeAlias

__all__ = ["Scenario", "compare_faces", "ip_risk", "read_document"]

Scenario: TypeAlias = Literal["good", "blurry", "unreadable", "lookalike"]

_SECONDS: Final = 0.4
"""That a provider takes."""


async def ip_risk(address: str) -> int:
    """Say how risky an address is, from 0 to 100."""
    await asyncio.sleep(_SECONDS)
    return 3 if address else 50


async def read_document(picture: bytes, scenario: Scenario, attempt: int) -> float:
    """Say how well the picture of a document can be read, from 0 to 1."""
    await asyncio.sleep(_SECONDS)
    blurred = scenario == "unreadable" or (scenario == "blurry" and attempt == 1)
    return 0.96 if picture and not blurred else 0.41


async def compare_faces(picture: bytes, scenario: Scenario) -> float:
    """Say how alike the faces on selfie and document are, from 0 to 1."""
    await asyncio.sleep(_SECONDS)
    return 0.97 if picture and scenario != "lookalike" else 0.74
