"""What the API says of a number of sessions, and what the dashboards should show for it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from importlib.metadata import version
from typing import Any

import pytest

from journeytrace_collector.cli.client import AdminClient, Event, Funnel, Outbox, Summary

Answer = dict[str, Any]
"""Values by the labels that tell them apart, sorted and joined; ``""``: there are none."""

Row = dict[str, Any]


@dataclass
class Facts:
    """What was sent beside whole sessions, and what the collector answered."""

    rejected: int
    ignored: int
    duplicates: int


@dataclass
class World:
    """All that the API says, of one project or of all."""

    sessions: list[Summary]
    """Newest first."""
    events: dict[str, list[Event]]
    """By session, in order of time."""
    funnel: Funnel
    outbox: Outbox
    facts: Facts
    now: float
    """The collector's time, in seconds."""
    instance: str
    seconds: float = 0
    """The range over which Prometheus is asked."""
    one: Summary = field(init=False)
    """The session whose detail is looked at."""

    def __post_init__(self) -> None:
        rejected = [s for s in self.sessions if s["decision"] == "REJECTED"]
        self.one = max(rejected, key=lambda s: s["events"])

    def per_hour(self, counts: Counter[str]) -> Answer:
        """Turn counts into counts an hour."""
        return {label: count * 3600 / self.seconds for label, count in counts.items()}

    def settled(self) -> list[Summary]:
        """Give the sessions that came to rest, and have not changed since."""
        assert not any(session["revision"] for session in self.sessions)
        return [session for session in self.sessions if session["settled_at"]]

    def decisions(self) -> Iterator[tuple[str, str]]:
        """Give the decisions as they were made: the first, and each that differs from the last."""
        for events in self.events.values():
            last = None
            for event in events:
                if event["source"] == "BE" and event["name"] in {"APPROVED", "REJECTED", "PENDING"}:
                    decided = (event["name"], event["reason"] or "none given")
                    if decided != last:
                        yield decided
                    last = decided

    def all_events(self) -> Iterator[Event]:
        """Give the events of all sessions."""
        return (event for events in self.events.values() for event in events)

    def impact(self, *impacts: str) -> list[Event]:
        """Give the events that had one of these impacts."""
        return [event for event in self.all_events() if event["impact"] in impacts]


async def ask(client: AdminClient, project: str | None, **more: Any) -> World:
    """Ask the API for all of it; `project` None: of all projects."""
    sessions = (await client.sessions({}, 0))["sessions"]
    if project is not None:
        sessions = [session for session in sessions if session["project_id"] == project]
    ids = [session["session_id"] for session in sessions]
    return World(
        sessions=sessions,
        events={session_id: await client.events(session_id) for session_id in ids},
        funnel=await client.funnel({} if project is None else {"project": project}),
        outbox=await client.outbox(100),
        **more,
    )


Expected = Callable[[World], Sequence[Answer] | Sequence[list[Row]]]
"""The answers that a panel's queries should give, in their order; of SQL: its rows, each with the
columns that are compared."""


def _one(value: float) -> list[Answer]:
    return [{"": value}]


def _share(part: int, whole: int) -> list[Answer]:
    return _one(part / whole)


def _completion(world: World) -> Sequence[Answer]:
    settled = world.settled()
    return _share(sum(s["status"] == "COMPLETED" for s in settled), len(settled))


def _approved(world: World) -> Sequence[Answer]:
    made = [decision for decision, _ in world.decisions()]
    return _share(made.count("APPROVED"), len(made))


def _conversion(world: World) -> Sequence[Answer]:
    steps = world.funnel["steps"]
    return [
        {step["stage"]: place for place, step in enumerate(steps)},
        {step["stage"]: step["sessions"] for step in steps},
        {step["stage"]: step["of_before"] for step in steps},
        {step["stage"]: step["of_all"] for step in steps},
    ]


def _drop_off(world: World) -> Sequence[Answer]:
    dropped = Counter(s["stage"] for s in world.settled() if s["status"] == "DROPPED")
    return [
        {"": dropped[step["stage"]] / step["sessions"]} if step["sessions"] else {}
        for step in world.funnel["steps"]
    ]


def _reasons(decision: str) -> Expected:
    return lambda world: [Counter(why for made, why in world.decisions() if made == decision)]


def _open_by_stage(world: World) -> Sequence[Answer]:
    found = Counter(s["stage"] for s in world.sessions if s["status"] == "IN_PROGRESS")
    stages = [None, *(step["stage"] for step in world.funnel["steps"])]
    return [{"": found[stage]} for stage in stages]


def _blocking(world: World) -> Sequence[Answer]:
    blocked = Counter(event["name"] for event in world.impact("BLOCKED"))
    runs = Counter(event["name"] for event in world.all_events())
    assert len(blocked) <= 15, "the panel shows the first 15"
    return [blocked, {name: count / runs[name] for name, count in blocked.items()}]


def _received(world: World) -> Sequence[Answer]:
    # Those that are passive, too, which sessions do not count.
    events = len(list(world.all_events()))
    return [world.per_hour(Counter(accepted=events, duplicate=world.facts.duplicates))]


def _outbox(world: World) -> Sequence[Answer]:
    states = ((d, state) for d in world.outbox["destinations"] for state in ("waiting", "parked"))
    return [{" ".join(sorted((d["name"], state))): d[state] for d, state in states}]  # type: ignore[literal-required]


def _oldest(world: World) -> Sequence[Answer]:
    return [
        {
            one["name"]: pytest.approx(
                world.now - datetime.fromisoformat(one["oldest_at"]).timestamp(), abs=20
            )
            for one in world.outbox["destinations"]
            if one["oldest_at"]
        }
    ]


def _found(world: World) -> list[list[Row]]:
    words = Counter(str(s[key]) for s in world.sessions for key in ("status", "decision"))
    del words["None"]
    return [[{"Found": len(world.sessions), **words}]]


def _list(world: World) -> list[list[Row]]:
    same = ("session_id", "email", "user_id", "last_event", "status", "last_error_code")
    return [
        [
            {key: session[key] for key in same}  # type: ignore[literal-required]
            | {"decision": session["decision"] or "—", "project_id": session["project_id"]}
            | {"reason": session["reason"], "submission_id": session["submission_id"] or "—"}
            for session in world.sessions
        ]
    ]


def _card(world: World) -> list[list[Row]]:
    one = world.one
    shown = {
        "Status": one["status"],
        "Decision": one["decision"],
        "Reason": one["reason"],
        "Most recent error code": one["last_error_code"] or "—",
        "Highest stage": one["stage"],
        "Last event": one["last_event"],
        "Events": str(one["events"]),
        "Retries": str(one["impacts"]["RETAKE"]),
    }
    return [[shown]]


def _facts(world: World) -> list[list[Row]]:
    same = ("session_id", "submission_id", "user_id", "email", "project_id", "revision", "trace_id")
    return [[{key: world.one[key] for key in same}]]  # type: ignore[literal-required]


def _timeline(world: World) -> list[list[Row]]:
    same = ("name", "source", "stage", "impact", "result", "reason", "error_code")
    # Of an event without a duration the board says nothing, where the API has 0.
    return [
        [
            {key: event[key] for key in same} | {"duration_ms": event["duration_ms"] or None}  # type: ignore[literal-required]
            for event in world.events[world.one["session_id"]]
        ]
    ]


def _stages(world: World) -> list[list[Row]]:
    events = [event for event in world.events[world.one["session_id"]] if event["stage"]]
    sides = {"FE": "On the screen (FE)", "BE": "On the server (BE)"}
    return [
        [{side: event["stage"]} for event in events if event["source"] == source]
        for source, side in sides.items()
    ]


def _names(values: Iterable[str | None]) -> Counter[str]:
    return Counter(value or "" for value in values)


def _projects(world: World) -> list[Answer]:
    by: dict[str, list[Summary]] = {}
    for session in world.sessions:
        by.setdefault(session["project_id"] or "(none)", []).append(session)
    settled = {name: [s for s in found if s["settled_at"]] for name, found in by.items()}
    decided = {name: [s for s in found if s["decision"]] for name, found in by.items()}
    return [
        {name: len(found) for name, found in by.items()},
        {
            name: sum(s["status"] == "COMPLETED" for s in found) / len(found)
            for name, found in settled.items()
        },
        {
            name: sum(s["decision"] == "APPROVED" for s in found) / len(found)
            for name, found in decided.items()
        },
        {
            name: sum(s["impacts"]["BLOCKED"] for s in found) / len(found)
            for name, found in by.items()
        },
    ]


EXPECTED: dict[str, Expected] = {
    "Journeys: Sessions started": lambda w: _one(len(w.sessions)),
    "Journeys: Completion": _completion,
    "Journeys: Approved, of all decisions": _approved,
    "Journeys: Open at the end of the range": lambda w: _one(
        sum(session["status"] == "IN_PROGRESS" for session in w.sessions)
    ),
    "Journeys: Sessions started over time": lambda w: [
        w.per_hour(_names(session["project_id"] for session in w.sessions))
    ],
    "Journeys: How sessions ended": lambda w: [
        w.per_hour(_names(session["status"] for session in w.settled()))
    ],
    "Journeys: Projects": _projects,
    "Journeys: Funnel": lambda w: [{"": step["sessions"]} for step in w.funnel["steps"]],
    "Journeys: Step conversion": _conversion,
    "Journeys: Drop-off by stage": _drop_off,
    "Journeys: Drop-off over time": _drop_off,
    "Journeys: Decisions over time": lambda w: [
        w.per_hour(_names(decision for decision, _ in w.decisions()))
    ],
    "Journeys: Reasons of REJECTED": _reasons("REJECTED"),
    "Journeys: Reasons of PENDING": _reasons("PENDING"),
    "Journeys: Impacts over time": lambda w: [
        w.per_hour(_names(event["impact"] for event in w.impact("BLOCKED", "RETAKE")))
    ],
    "Journeys: Retries a session": lambda w: _share(len(w.impact("RETAKE")), len(w.sessions)),
    "Journeys: Checks that block most": _blocking,
    "Journeys: Open sessions by stage": _open_by_stage,
    "Journeys: Sessions that changed after they had ended": lambda w: [
        {} if not any(session["revision"] for session in w.sessions) else {"?": 0}
    ],
    "Collector health: Turned away": lambda w: _one(w.facts.rejected),
    "Collector health: Came twice": lambda w: _share(
        w.facts.duplicates, w.facts.duplicates + len(list(w.all_events()))
    ),
    "Collector health: Parked": lambda w: _one(len(w.outbox["parked"])),
    "Collector health: Erased": lambda _: _one(0),
    "Collector health: Events received": _received,
    "Collector health: Records without an event": lambda w: [
        w.per_hour(Counter(rejected=w.facts.rejected, ignored=w.facts.ignored))
    ],
    "Collector health: Waiting for the store": lambda _: _one(0),
    "Collector health: Waiting to leave": _outbox,
    "Collector health: Oldest delivery": _oldest,
    "Collector health: Collectors": lambda w: [
        {" ".join(sorted((w.instance, version("journeytrace")))): 1}
    ],
    "Sessions: Found": _found,
    "Sessions: Sessions": _list,
    "Session detail: Summary": _card,
    "Session detail: Who and when": _facts,
    "Session detail: Stages": _stages,
    "Session detail: Timeline": _timeline,
}
"""By dashboard and panel. A panel that is not here says in its description why the API would tell
something else, or nothing."""
