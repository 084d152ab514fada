"""What invented analysts do with the demo's sessions, whom they invite, and whom lists know."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from hashlib import sha256
from typing import Any, Final
from uuid import UUID, uuid5

from journeytrace import conventions as names
from journeytrace_collector.core.invitations import browser_hash
from journeytrace_collector.demo.journeys import Journey
from journeytrace_collector.demo.people import PROJECTS

__all__ = ["JOURNEY", "Act", "entries", "invitations", "listed", "reviews"]

_MINA: Final = "mina.cho@example.com"
_OMAR: Final = "omar.diallo@example.com"
_LISTED: Final = ("held, score or policy", "approved after retakes")
"""Of these kinds the first one's name stands on a list."""
_TOPICS: Final = ("sanction", "role.pep")
_STRANGERS: Final = (
    ("Ilya Invented", "1959-02-01", "crime.fraud"),
    ("Greta Nobody", "1964-07-12", "role.pep"),
    ("Paulo Nenhum", "1971-11-30", "sanction"),
)
JOURNEY: Final = "onboarding"
"""What people are invited to."""
_INVITED: Final = UUID("5b1c1a52-0d5f-4d46-9d56-6b3b6d2f7a10")


@dataclass(frozen=True, slots=True)
class Act:
    """Something that somebody does at the desk."""

    name: str
    session_id: str
    actor: str
    said: dict[str, Any] = field(default_factory=dict)


def listed(journeys: Sequence[Journey]) -> list[Journey]:
    """Give whose names lists know."""
    found = (next((one for one in journeys if one.kind == kind), None) for kind in _LISTED)
    return [one for one in found if one is not None]


def entries(journeys: Sequence[Journey]) -> str:
    """Write the list: FollowTheMoney entities, one a line. Nobody on it exists."""
    people = [
        (f"{one.person.given} {one.person.family}", str(born), one.person.country, topic)
        for one, topic, born in zip(
            listed(journeys),
            _TOPICS,
            # The first is the very person. Of the second the day is not known.
            (listed(journeys)[0].person.born if listed(journeys) else "", ""),
            strict=False,
        )
    ]
    people += [(name, born, "XX", topic) for name, born, topic in _STRANGERS]
    return "".join(
        json.dumps(
            {
                "id": f"demo-{number}",
                "schema": "Person",
                "caption": name,
                "properties": {
                    "name": [name],
                    "topics": [topic],
                    "birthDate": [born] if born else [],
                    "nationality": [country.lower()] if country != "XX" else [],
                },
                "datasets": ["invented"],
            }
        )
        + "\n"
        for number, (name, born, country, topic) in enumerate(people, 1)
    )


def reviews(journeys: Sequence[Journey], today: date) -> Iterator[Act]:
    """Tell what analysts make of the sessions that wait for one, and of some others."""
    kinds: dict[str, list[str]] = {}
    for journey in journeys:
        kinds.setdefault(journey.kind, []).append(journey.person.session_id)

    def first(kind: str, number: int = 0) -> Iterator[str]:
        yield from kinds.get(kind, [])[number : number + 1]

    for one in first("held, countries differ"):
        yield Act("SESSION_VIEWED", one, _MINA)
        words = "Lives abroad since May; the contract of the flat is in the file."
        yield Act("NOTE_ADDED", one, _MINA, {names.PRIVATE_TEXT: words})
        text = "Phone and document are of different countries for a good reason."
        yield Act("VERDICT_APPROVED", one, _MINA, {names.VERDICT_TEXT: text})
    for one in first("held, countries differ", 1):
        yield Act("SESSION_ASSIGNED", one, _MINA, {names.SESSION_ASSIGNEE: _OMAR})
        yield Act(
            "TASK_OPENED",
            one,
            _MINA,
            {
                names.TASK_ID: "address",
                names.PRIVATE_TITLE: "Ask for a proof of address",
                names.TASK_ASSIGNEE: _OMAR,
                names.TASK_DUE: (today + timedelta(days=1)).isoformat(),
            },
        )
    for one in first("held, face review", 1):
        text = "Not the person of the document: the ears differ."
        yield Act("SESSION_VIEWED", one, _OMAR)
        yield Act("VERDICT_REJECTED", one, _OMAR, {names.VERDICT_TEXT: text})
    for one in first("rejected, same data"):
        text = "Applied before under her maiden name; both papers are genuine."
        yield Act("SESSION_VIEWED", one, _OMAR)
        yield Act("VERDICT_APPROVED", one, _OMAR, {names.VERDICT_TEXT: text})
    for one in first("approved"):
        yield Act("VERDICT_CONFIRMED", one, _MINA, {names.DECISION: "APPROVED"})
    for one in first("blocked at the door"):
        task = {
            names.TASK_ID: "caller",
            names.PRIVATE_TITLE: "Call back: she asks why",
            names.TASK_DUE: (today - timedelta(days=1)).isoformat(),
        }
        yield Act("TASK_OPENED", one, _OMAR, task)


def invitations(now: datetime) -> Iterator[Act]:
    """Tell whom they invited: nobody has opened, somebody has, it was revoked, it has expired."""
    for standing in ("waits", "opened", "revoked", "expired"):
        session_id = str(uuid5(_INVITED, standing))
        end = now + timedelta(hours=-1 if standing == "expired" else 24)
        which = {
            names.PROJECT_ID: PROJECTS[0],
            names.INVITATION_ID: sha256(session_id.encode()).hexdigest(),
            names.INVITATION_JOURNEY: JOURNEY,
            names.INVITATION_EXPIRES_AT: end.isoformat(timespec="seconds").replace("+00:00", "Z"),
            names.INVITATION_CHANNEL: "link",
        }
        yield Act("SESSION_INVITED", session_id, _MINA, which)
        its = {names.INVITATION_ID: which[names.INVITATION_ID]}
        if standing == "opened":
            its[names.INVITATION_BROWSER] = browser_hash("demo", its[names.INVITATION_ID])
            yield Act("INVITATION_OPENED", session_id, "invited", its)
        elif standing == "revoked":
            yield Act("INVITATION_REVOKED", session_id, _MINA, its)
