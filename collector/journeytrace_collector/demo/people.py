"""Who takes part in the demo. Nobody here exists: the domains and addresses are reserved ones."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from random import Random
from typing import Final
from uuid import UUID

__all__ = ["PROJECTS", "Person", "make_person"]

_GIVEN: Final = "anna carlos chloe daniel eunji fatima hana liam lucia minh nadia omar yuki"
_FAMILY: Final = "choi dubois garcia haddad kim lopez nguyen park rossi santos schmidt tanaka"
_DOMAINS: Final = ("example.com", "example.org")
_PROJECTS: Final = ("acme-kyc", "acme-kyc", "globex-onboarding")
PROJECTS: Final = tuple(dict.fromkeys(_PROJECTS))
"""The projects that somebody's journey can belong to."""
_DEVICES: Final = (
    ("iPhone", "iOS 19", "Mobile Safari"),
    ("Galaxy S25", "Android 16", "Chrome Mobile"),
    ("Pixel 10", "Android 16", "Chrome Mobile"),
    ("Mac", "macOS 26", "Safari"),
    ("PC", "Windows 11", "Edge"),
)
_DOCUMENTS: Final = {
    "KR": ("ID_CARD", "DRIVER_LICENSE", "PASSPORT"),
    "US": ("DRIVER_LICENSE", "PASSPORT"),
    "MX": ("ID_CARD", "PASSPORT"),
    "DE": ("ID_CARD", "PASSPORT"),
    "VN": ("ID_CARD", "PASSPORT"),
    "BR": ("ID_CARD", "DRIVER_LICENSE"),
}


@dataclass(frozen=True, slots=True)
class Person:
    """One made-up user with one run through the form."""

    session_id: str
    submission_id: str
    flow_id: str
    project: str
    user_id: str
    email: str
    given: str
    family: str
    born: date
    country: str
    """Where the ID document comes from, as ISO 3166 has it."""
    document: str
    device: str
    system: str
    browser: str
    ip: str


def make_person(rng: Random) -> Person:
    """Draw somebody. The same state of `rng` gives the same person with the same ids."""
    country = rng.choice(tuple(_DOCUMENTS))
    device, system, browser = rng.choice(_DEVICES)
    number = rng.randrange(100, 1000)
    session = rng.getrandbits(128)
    return Person(
        session_id=str(UUID(int=session, version=4)),
        submission_id=f"sub-{rng.getrandbits(40):010x}",
        flow_id=f"flow-{rng.getrandbits(32):08x}",
        project=rng.choice(_PROJECTS),
        user_id=f"u-{rng.randrange(10_000, 100_000)}",
        given=(given := rng.choice(_GIVEN.split())).capitalize(),
        family=(family := rng.choice(_FAMILY.split())).capitalize(),
        email=f"{given}.{family}{number}@{rng.choice(_DOMAINS)}",
        born=date(1960, 1, 1) + timedelta(days=session % 15_000),
        country=country,
        document=rng.choice(_DOCUMENTS[country]),
        device=device,
        system=system,
        browser=browser,
        ip=f"203.0.113.{rng.randrange(1, 255)}",
    )
