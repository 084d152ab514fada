"""The events of one session: which of them are shown, and what is told of each."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from journeytrace.catalogue import Catalogue
from journeytrace.conventions import PRIVATE_PREFIXES, TIME_SCREEN
from journeytrace_collector.core.derive import rfc3339
from journeytrace_collector.core.model import Event
from journeytrace_collector.core.operations import began
from journeytrace_collector.insight.clocks import Bounds, certain
from journeytrace_desk.views.asked import link
from journeytrace_desk.views.timeline import LANES
from journeytrace_desk.views.times import clock, since, took
from journeytrace_desk.views.words import Tone, tone

__all__ = [
    "Chosen",
    "Line",
    "Pair",
    "Part",
    "chosen",
    "line",
    "place",
    "stood_in_the_way",
    "unsure",
]

ROWS: Final = 200
"""Events on one page."""
_SHOWN_PAIRS: Final = 2
_SHOWN_VALUE: Final = 28


def unsure(shown: Sequence[Event], found: Bounds | None) -> frozenset[bytes]:
    """Give the ids of events of which it is not certain that they came after the one before them.

    `found`: how far the screen's clock is from the server's; None: nobody knows, and then between
    the two nothing is certain, so that nothing is marked.
    """
    if found is None:
        return frozenset()
    orders = zip(shown[1:], certain(shown, found), strict=True)
    return frozenset(event.event_id for event, sure in orders if not sure)


def stood_in_the_way(event: Event) -> bool:
    """Whether it failed or kept the user from going on."""
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
        # What the order is judged by comes with all, and is not what is looked for first.
        brief=[
            Pair(one.key, _cut(one.value), one.private)
            for one in [one for one in pairs if one.key != TIME_SCREEN][:_SHOWN_PAIRS]
        ],
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
        and (not failed or stood_in_the_way(one))
        and (not find or _holds(one, find.casefold()))
    ]

    def to(**changes: str | None) -> str:
        said: dict[str, str | None] = {"id": session_id, **given}
        return link("/session", {**said, "from": None, **changes}) + "#events"

    counts = {name: sum(one.source == name for one in events) for name in LANES}
    bad = [one for one in events if tone(one.result, one.impact) == "bad"]
    start = began(events)
    in_the_way = sum(stood_in_the_way(one) for one in events)
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
        jumps=[(place(session_id, events, one), since(one.at - start), one.name) for one in bad],
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


def place(session_id: str, events: Sequence[Event], event: Event) -> str:
    """Give the address of an event on the page of all events that it is on."""
    first = events.index(event) // ROWS * ROWS
    fragment = f"#e-{event.event_id.hex()}"
    if not first:
        return fragment if len(events) <= ROWS else link("/session", {"id": session_id}) + fragment
    return link("/session", {"id": session_id, "from": str(first)}) + fragment
