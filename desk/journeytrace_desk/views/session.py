"""One session: why it ended as it did, and what the head of its page tells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from journeytrace.conventions import Decision, Status
from journeytrace_collector.core.derive import Summary, rfc3339
from journeytrace_collector.core.model import Event
from journeytrace_collector.core.operations import began, is_passive
from journeytrace_desk.views.events import place, stood_in_the_way
from journeytrace_desk.views.times import since, span
from journeytrace_desk.views.words import Tone

__all__ = ["GOES_ON", "Cause", "cause", "fingerprint", "lasted"]

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
    # Where the sentence about what stood in the way begins, else that about the code.
    lead, dot, rest = why.text.partition(f". {why.event or 'The code shown was'}")
    lead += dot and "."
    if dot and not why.event:
        rest = dot.removeprefix(". ") + rest
    code, end = None, ""
    if why.error_code and why.error_code in rest:
        rest, code, end = rest.rpartition(why.error_code)
    same = [one for one in events if one.name == why.event and stood_in_the_way(one)]
    named = next((one for one in same if rfc3339(one.at) == why.event_at), None)
    return Cause(
        lead=lead,
        event=why.event,
        address=place(session.session_id, events, named) if named else None,
        rest=rest,
        code=code,
        end=end,
        times=len(same),
        at=since(named.at - began(events)) if named else None,
        tone=look,
    )


def fingerprint(session: Summary) -> str:
    """Give a word that is another one as soon as the page would show something else."""
    settled = session.settled_at is not None
    decided = (session.decision or "", session.decided_by or "", session.decided_at or "")
    proposed = session.proposal.proposed_at if session.proposal else ""
    moved = (session.revision, settled, proposed, *session.violates)
    parts = (session.events, session.status, *decided, *moved)
    return ".".join(map(str, parts))


def lasted(events: Sequence[Event]) -> str:
    """Tell from the first event to the end of the last, but for what people did."""
    journey = [one for one in events if not is_passive(one)] or events
    return span(max(one.at + one.duration for one in journey) - began(events))
