"""One session: why, the card of what is known, and its events."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from journeytrace.catalogue import Catalogue
from journeytrace.conventions import PRIVATE_PREFIXES, Decision, Status
from journeytrace_collector.core.derive import Summary, rfc3339
from journeytrace_collector.core.model import Event
from journeytrace_desk.views.asked import link
from journeytrace_desk.views.timeline import LANES
from journeytrace_desk.views.times import clock, since, span, took
from journeytrace_desk.views.words import Tone, tone

__all__ = [
    "Cause",
    "Chosen",
    "Line",
    "Pair",
    "Part",
    "cause",
    "chosen",
    "fingerprint",
    "lasted",
    "line",
]

ROWS: Final = 200
"""Events on one page."""
_SHOWN_PAIRS: Final = 2
_SHOWN_VALUE: Final = 28
_DECIDED: Final[dict[Decision, Tone]] = {
    Decision.APPROVED: "good",
    Decision.REJECTED: "bad",
    Decision.PENDING: "warn",
}
_ENDED: Final[dict[Status, Tone]] = {Status.ERROR: "bad", Status.DROPPED: "warn"}
GOES_ON: Final = "The session goes on, and nothing stands in its way."


@dataclass(frozen=True, slots=True)
class Cause:
    """Why the session ended as it did."""

    lead: str
    """What it came to."""
    event: str | None
    """What stood in the way."""
    address: str | None
    """Where that is in the timeline."""
    rest: str
    """What is told of it, up to the code that was shown."""
    code: str | None
    end: str
    """What is told of the code."""
    times: int
    """How often it failed or stood in the way; 0: nothing is known."""
    at: str | None
    """When it did so last, from the start on."""
    tone: Tone


def cause(session: Summary, events: Sequence[Event]) -> Cause:
    """Describe the cause, with the way to the event that it names."""
    look = _DECIDED[session.decision] if session.decision else _ENDED.get(session.status, "plain")
    why = session.why
    if why is None:
        return Cause(GOES_ON, None, None, "", None, "", 0, None, look)
    lead, rest = why.text, ""
    for begins in (f" {why.event}", " The code shown was"):
        if begins in why.text:
            lead, _, rest = why.text.partition(begins)
            rest = rest if why.event else begins[1:] + rest
            break
    code, end = None, ""
    if why.error_code and why.error_code in rest:
        rest, code, end = rest.rpartition(why.error_code)
    same = [one for one in events if one.name == why.event and _stood_in_the_way(one)]
    named = next((one for one in same if rfc3339(one.at) == why.event_at), None)
    return Cause(
        lead=lead,
        event=why.event,
        address=_place(session.session_id, events, named) if named else None,
        rest=rest,
        code=code,
        end=end,
        times=len(same),
        at=since(named.at - events[0].at) if named else None,
        tone=look,
    )


def _stood_in_the_way(event: Event) -> bool:
    return tone(event.result, event.impact) in {"bad", "warn"}


@dataclass(frozen=True, slots=True)
class Pair:
    """One attribute."""

    key: str
    value: str
    private: bool
    """Whether it never leaves the collector."""


@dataclass(frozen=True, slots=True)
class Line:
    """One event in the list."""

    event: Event
    event_id: str
    since: str
    clock: str
    at: str
    meaning: str
    took: str
    code_meaning: str
    tone: Tone
    brief: list[Pair]
    """The first of its attributes, cut."""
    pairs: list[Pair]
    copied: str
    """All of them, as JSON."""


def line(event: Event, start: int, catalogue: Catalogue) -> Line:
    """Describe one event; `start` in ns."""
    attributes: dict[str, Any] = json.loads(event.metadata)
    pairs = [
        Pair(key, _text(value), key.startswith(PRIVATE_PREFIXES))
        for key, value in sorted(attributes.items())
    ]
    spec = catalogue.events.get(event.name)
    code = catalogue.error_codes.get(event.error_code) if event.error_code else None
    at = rfc3339(event.at)
    return Line(
        event=event,
        event_id=event.event_id.hex(),
        since=since(event.at - start),
        clock=clock(at),
        at=at,
        meaning=spec.meaning if spec else "This event is not in the catalogue.",
        took=took(event.duration, is_check=event.result is not None),
        code_meaning=code.meaning if code else "",
        tone=tone(event.result, event.impact),
        brief=[Pair(one.key, _cut(one.value), one.private) for one in pairs[:_SHOWN_PAIRS]],
        pairs=pairs,
        copied=json.dumps(attributes, ensure_ascii=False, indent=1, sort_keys=True),
    )


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _cut(text: str) -> str:
    return text if len(text) <= _SHOWN_VALUE else f"{text[: _SHOWN_VALUE - 1]}…"


@dataclass(frozen=True, slots=True)
class Part:
    """A choice of events, as a link."""

    word: str
    address: str
    chosen: bool
    count: int


@dataclass(frozen=True, slots=True)
class Chosen:
    """The events of a session that somebody wants to see."""

    events: list[Event]
    """Those of this page."""
    found: int
    """On all pages."""
    sources: list[Part]
    failed: Part
    find: str
    hidden: Mapping[str, str]
    """What a form of the page has to send along."""
    jumps: list[tuple[str, str, str]]
    """What failed: address, time from the start on, name."""
    before: str | None
    """The page before this one; None: this is the first."""
    after: str | None


def chosen(
    session_id: str, events: Sequence[Event], given: Mapping[str, str], first: int
) -> Chosen:
    """Choose by source, by failure and by text, and take the page that begins with the `first`."""
    source, find = given.get("source"), given.get("find", "")
    failed = "failed" in given
    kept = [
        one
        for one in events
        if (source is None or one.source == source)
        and (not failed or tone(one.result, one.impact) in {"bad", "warn"})
        and (not find or _holds(one, find.casefold()))
    ]

    def to(**changes: str | None) -> str:
        said: dict[str, str | None] = {"id": session_id, **given}
        return link("/session", {**said, "from": None, **changes}) + "#events"

    counts = {name: sum(one.source == name for one in events) for name in LANES}
    bad = [one for one in events if tone(one.result, one.impact) == "bad"]
    in_the_way = sum(tone(one.result, one.impact) in {"bad", "warn"} for one in events)
    return Chosen(
        events=list(kept[first : first + ROWS]),
        found=len(kept),
        sources=[
            Part("All", to(source=None), source is None, len(events)),
            *(Part(name, to(source=name), source == name, counts[name]) for name in LANES),
        ],
        failed=Part(
            "Failed or in the way", to(failed=None if failed else "yes"), failed, in_the_way
        ),
        find=find,
        hidden={"id": session_id, **{k: v for k, v in given.items() if k != "find"}},
        jumps=[
            (_place(session_id, events, one), since(one.at - events[0].at), one.name) for one in bad
        ],
        before=to(**{"from": str(max(first - ROWS, 0))}) if first else None,
        after=to(**{"from": str(first + ROWS)}) if len(kept) > first + ROWS else None,
    )


def _holds(event: Event, text: str) -> bool:
    return any(text in one.casefold() for one in _searched(event))


def _searched(event: Event) -> Iterator[str]:
    for one in (
        event.name,
        event.stage,
        event.error_code,
        event.reason,
        event.impact,
        event.result,
    ):
        if one is not None:
            yield one
    for key, value in json.loads(event.metadata).items():
        yield f"{key} {_text(value)}"


def _place(session_id: str, events: Sequence[Event], event: Event) -> str:
    """Give the address of an event on the page of all events that it is on."""
    first = events.index(event) // ROWS * ROWS
    fragment = f"#e-{event.event_id.hex()}"
    if not first:
        return fragment if len(events) <= ROWS else link("/session", {"id": session_id}) + fragment
    return link("/session", {"id": session_id, "from": str(first)}) + fragment


def fingerprint(session: Summary) -> str:
    """Give a word that is another one as soon as the page would show something else."""
    settled = session.settled_at is not None
    parts = (session.events, session.status, session.decision or "", session.revision, settled)
    return ".".join(map(str, parts))


def lasted(events: Sequence[Event]) -> str:
    """Tell from the first event to the end of the last."""
    return span(max(one.at + one.duration for one in events) - events[0].at)
