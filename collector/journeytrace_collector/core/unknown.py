"""Names that senders use and the catalogue does not have, and the lines that would make them known.

They are kept in memory alone: they come up again with the first event after a restart, unless the
catalogue has them by then.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final

from journeytrace.catalogue import Catalogue
from journeytrace.conventions import Impact, is_name
from journeytrace_collector.core.change import Change
from journeytrace_collector.core.derive import rfc3339
from journeytrace_collector.core.model import Event
from journeytrace_collector.core.operations import is_passive

__all__ = ["MAX_UNKNOWN", "UnknownName", "UnknownNames", "toml_lines"]

MAX_UNKNOWN: Final = 100
"""Names that are remembered; who sends more than that sends no names."""

_BARE: Final = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)
_RULE: Final = "a name has 1 to 128 printable characters, without space around them"
_MEANING: Final = 'meaning = "Say here, in one sentence for support, what it means."'


@dataclass(slots=True)
class UnknownName:
    """One name that the catalogue does not have."""

    kind: str
    """``event``, ``stage``, or ``reason``."""
    name: str
    decision: str | None
    """Which decision the reason was given for; None: it is no reason."""
    source: str | None
    """How the event came first, like `stage` and `impact`; None: it is no event."""
    stage: str | None
    """Of an event or a reason; None: it came without."""
    impact: str | None
    first_at: int
    """When it was first received, in ns."""
    similar: str | None
    """A known name that reads much the same; None: none does."""
    count: int = 0
    """Events that had it."""


class UnknownNames:
    """The names that have come up since the start, at most `MAX_UNKNOWN`.

    One thread notes, any can look.
    """

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._found: dict[tuple[str, str, str | None], UnknownName] = {}
        self.complete = True
        """False: there were more names than are remembered."""

    def __iter__(self) -> Iterator[UnknownName]:
        """Give the names, in the order in which they came up."""
        return iter(list(self._found.values()))

    def note(self, change: Change) -> list[UnknownName]:
        """Take note of the events that are new in `change`; give the names that are."""
        fresh: list[UnknownName] = []
        known_events, known_stages = self._catalogue.events, self._catalogue.stages
        for session in change.sessions:
            for event in session.fresh:
                # What is passive stands in no file of the user's own.
                if is_passive(event):
                    continue
                # The stage first: where there is room for an event, there is for what it names.
                if event.stage is not None and event.stage not in known_stages:
                    self._count("stage", event.stage, None, event, fresh)
                spec = known_events.get(event.name)
                if spec is None:
                    self._count("event", event.name, None, event, fresh)
                elif event.reason is not None and spec.decision is not None:
                    key = (spec.decision, event.reason)
                    if key not in self._catalogue.reasons:
                        self._count("reason", event.reason, spec.decision.value, event, fresh)
        return fresh

    def _count(
        self, kind: str, name: str, decision: str | None, event: Event, fresh: list[UnknownName]
    ) -> None:
        key = (kind, name, decision)
        if (found := self._found.get(key)) is None:
            if len(self._found) >= MAX_UNKNOWN:
                self.complete = False
                return
            found = UnknownName(
                kind,
                name,
                decision,
                source=event.source if kind == "event" else None,
                stage=None if kind == "stage" else event.stage,
                impact=event.impact if kind == "event" else None,
                first_at=event.received,
                similar=self._similar(kind, name, decision),
            )
            self._found[key] = found
            fresh.append(found)
        found.count += 1

    def _similar(self, kind: str, name: str, decision: str | None) -> str | None:
        known = {
            "event": list(self._catalogue.events),
            "stage": list(self._catalogue.stages),
            "reason": [n for d, n in self._catalogue.reasons if d == decision],
        }[kind]
        by_upper = {one.upper(): one for one in known}
        close = get_close_matches(name.upper(), by_upper, n=1, cutoff=0.85)
        return by_upper[close[0]] if close else None


def toml_lines(names: Iterable[UnknownName]) -> str:
    """Write what a catalogue file would have to say of the names, ready to be completed.

    Stages come first and without a place in the order, for everything else may refer to them.
    """
    order = ("stage", "event", "reason")
    blocks = (_block(name) for name in sorted(names, key=lambda one: order.index(one.kind)))
    return "\n\n".join("\n".join(block) for block in blocks)


def _block(name: UnknownName) -> Iterator[str]:
    yield f"# count: {name.count}, since {rfc3339(name.first_at)[:19]}Z" + (
        f"; is {_quoted(name.similar)} meant?" if name.similar else ""
    )
    if not is_name(name.name):
        yield f"# the {name.kind} {_quoted(name.name)} cannot stand in a catalogue: {_RULE}"
    elif name.kind == "stage":
        yield f"[stages.{_key(name.name)}]"
        yield '# after = "…"  the stage before it; without this it has no place in the order'
    elif name.kind == "event":
        yield f"[events.{_key(name.name)}]"
        yield f"source = {_quoted(name.source)}"
        if is_name(name.stage):
            yield f"stage = {_quoted(name.stage)}"
        allowed = ", ".join(impact.value for impact in Impact)
        yield f"impact = {_quoted(name.impact)}  # the worst the user can feel: {allowed}"
        yield _MEANING
    else:
        yield f"[reasons.{name.decision}.{_key(name.name)}]"
        yield f"stages = [{_quoted(name.stage) if is_name(name.stage) else ''}]"
        yield "explained_by = []  # the checks whose failure leads to it, the likeliest first"
        yield _MEANING


def _key(name: str) -> str:
    return name if _BARE.fullmatch(name) else _quoted(name)


def _quoted(text: str | None) -> str:
    # TOML's basic strings escape as JSON's do, as far as there are printable characters.
    return json.dumps(text or "", ensure_ascii=False)
