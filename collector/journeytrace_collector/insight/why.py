"""Why a session ended as it did: one cause, in a sentence that can be read out loud (DESIGN 15).

A decision is explained by its reason, and by the failed check that the catalogue says leads to that
reason; else by a failed check of the reason's stages. A session without a decision is explained by
the last thing that stood in the user's way and that they did not get past. Where nothing of that
kind was recorded, it says so instead of guessing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

import msgspec

from journeytrace.catalogue import Catalogue, ReasonSpec
from journeytrace.conventions import Decision, Status
from journeytrace_collector.core.derive import rfc3339
from journeytrace_collector.core.model import Why
from journeytrace_collector.core.sessionize import Hurdle, SessionState

__all__ = ["why"]

_DECIDED: Final = {
    Decision.APPROVED: "The user was approved",
    Decision.REJECTED: "The user was rejected",
    Decision.PENDING: "The decision is on hold",
}
_OUTCOME: Final = {
    "BLOCKED": "stopped the user",
    "RETAKE": "asked the user to try again",
    "REJECTED": "turned the user down",
    "PENDING": "asked for a person to look",
}


def why(state: SessionState, status: Status, catalogue: Catalogue) -> Why | None:
    """Give the cause of what a session has come to; None: it goes on, and nothing is in its way."""
    if state.decision is not None:
        _, _, decision, reason = state.decision
        return _decided(state, status, catalogue, Decision(decision), reason)
    hurdles = _Hurdles(state, catalogue)
    found = hurdles.last_unpassed()
    if status is Status.COMPLETED:
        return _told(state, catalogue, "The user saw the last page, and nothing was decided", found)
    if status is Status.ERROR:
        return _told(state, catalogue, _at("The user ended on an error page", state), found)
    if status is Status.DROPPED:
        return _told(state, catalogue, _at("The user left", state), found)
    if found is None:
        return None
    return _told(state, catalogue, "The user has not got further yet", found)


_ECHO: Final = 10 * 1_000_000_000
"""How long after the server's check the screen tells of it, in ns."""


class _Hurdles:
    """What stood in the way of one session."""

    def __init__(self, state: SessionState, catalogue: Catalogue) -> None:
        self._state = state
        self._catalogue = catalogue

    def last_unpassed(self) -> tuple[str, Hurdle] | None:
        """Give the newest that the user did not get past."""
        found = [item for item in self._newest_first() if not self._passed(*item)]
        # An error page stops nobody by itself: what led there does, if it is known.
        newest = next((item for item in found if not self._ends(item[0])), None)
        if newest is None:
            return found[0] if found else None
        # What the screen says of a check is the echo of what the server did a moment before.
        checks = (item for item in found if self._is_check(item[0]))
        return next((item for item in checks if newest[1].at - item[1].at <= _ECHO), newest)

    def explaining(self, reason: ReasonSpec) -> tuple[str, Hurdle] | None:
        """Give the failure that led to a decision with this reason."""
        failed = {name: hurdle for name, hurdle in self._newest_first() if hurdle.failed}
        named = [(name, failed[name]) for name in reason.explained_by if name in failed]
        if named:
            # Of several the one that was nearest to the decision.
            return max(named, key=lambda item: item[1].at)
        if reason.explained_by:
            return None
        stages = ((n, h) for n, h in failed.items() if self._stage(n) in reason.stages)
        return next((item for item in stages if not self._passed(*item)), None)

    def code(self) -> str | None:
        """Give the newest code that was shown; None: none, or the user got past what it was of."""
        _, event_id, code = self._state.kept.get("error_code", (0, b"", None))
        passed = (h for name, h in self._state.hurdles.items() if self._passed(name, h))
        return None if any(hurdle.event_id == event_id for hurdle in passed) else code

    def _newest_first(self) -> Iterable[tuple[str, Hurdle]]:
        return sorted(
            self._state.hurdles.items(), key=lambda item: (item[1], item[0]), reverse=True
        )

    def _passed(self, name: str, hurdle: Hurdle) -> bool:
        """Whether the user completed the stage, came to a later one, or back from an error."""
        error, resumed = self._state.error, self._state.resumed
        if error is not None and resumed is not None and hurdle.at <= error[0] < resumed[0]:
            return True
        own = self._catalogue.rank(self._stage(name)) or 0
        return any(
            (start > hurdle.at and rank > own)
            or (self._state.cleared.get(stage, 0) > hurdle.at and rank >= own)
            for stage, (rank, start, _) in self._state.stages.items()
        )

    def _stage(self, name: str) -> str | None:
        spec = self._catalogue.events.get(name)
        return spec.stage if spec else None

    def _is_check(self, name: str) -> bool:
        spec = self._catalogue.events.get(name)
        return spec is not None and spec.is_check

    def _ends(self, name: str) -> bool:
        spec = self._catalogue.events.get(name)
        return spec is not None and spec.role is not None


def _decided(
    state: SessionState,
    status: Status,
    catalogue: Catalogue,
    decision: Decision,
    reason: str | None,
) -> Why:
    lead = _DECIDED[decision]
    verdict = state.verdict
    by_person = verdict is not None
    if verdict is not None:
        lead += ", and a person agreed" if verdict.confirms else " by a person"
    hurdles = _Hurdles(state, catalogue)
    if decision is Decision.APPROVED:
        unseen = "" if status is Status.COMPLETED else "; the last page was not seen"
        return Why(f"{lead}{unseen}.")
    if reason is None and verdict is not None and verdict.text:
        return _told(state, catalogue, f"{lead}: {verdict.text.rstrip('.')}", None)
    if reason is None:
        lead += ", and no reason was given"
        return _told(state, catalogue, lead, hurdles.last_unpassed())
    spec = catalogue.reasons.get((decision, reason))
    if spec is None and by_person:
        # People give reasons in their own words.
        return _told(state, catalogue, f"{lead}: {reason.rstrip('.')}", None, reason)
    if spec is None:
        lead += f" for {reason}, a reason that the catalogue does not know"
        return _told(state, catalogue, lead, hurdles.last_unpassed(), reason)
    lead += f": {spec.meaning[0].lower()}{spec.meaning[1:].rstrip('.')}"
    found = hurdles.explaining(spec)
    if found is None:
        lead += ". No failing check was recorded for it"
    told = _told(state, catalogue, lead, found, reason)
    return msgspec.structs.replace(told, meaning=spec.meaning)


def _at(lead: str, state: SessionState) -> str:
    _, _, screen = state.kept.get("screen", (0, b"", None))
    return f"{lead}, on the screen {screen}" if screen else lead


def _told(
    state: SessionState,
    catalogue: Catalogue,
    lead: str,
    found: tuple[str, Hurdle] | None,
    reason: str | None = None,
) -> Why:
    shown = last = _Hurdles(state, catalogue).code()
    sentences = [f"{lead}."]
    if found is not None:
        name, hurdle = found
        sentences += _sentences(name, hurdle, catalogue)
        shown = hurdle.error_code or shown
    code = catalogue.error_codes.get(shown) if shown else None
    if shown:
        # The user reads out the last one, which the decision can have brought.
        later = f", and in the end {_in_words(last, catalogue)}" if last and last != shown else ""
        sentences.append(f"The code shown was {_in_words(shown, catalogue)}{later}.")
    return Why(
        text=" ".join(sentences),
        reason=reason,
        event=found[0] if found else None,
        event_at=rfc3339(found[1].at) if found else None,
        error_code=shown,
        error_meaning=code.meaning if code else None,
        error_page=code.page if code else None,
        screen=state.kept["screen"][2] if "screen" in state.kept else None,
    )


def _in_words(code: str, catalogue: Catalogue) -> str:
    known = catalogue.error_codes.get(code)
    return f'{code} ("{known.meaning}")' if known else code


def _sentences(name: str, hurdle: Hurdle, catalogue: Catalogue) -> Iterator[str]:
    outcome = _OUTCOME.get(hurdle.impact)
    if outcome is None:
        # A check that crashed judges nobody (DESIGN section 9).
        outcome = "failed, but judged nothing"
    at = rfc3339(hurdle.at)
    spec = catalogue.events.get(name)
    meaning = f' ("{spec.meaning}")' if spec else ""
    yield f"{name}{meaning} {outcome} at {at[11:19]} UTC on {at[:10]}."
