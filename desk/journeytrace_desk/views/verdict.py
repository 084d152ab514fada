"""What somebody can decide of a session, what their form says, and what is new to them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from journeytrace import conventions as names
from journeytrace.catalogue import Catalogue
from journeytrace.conventions import Decision
from journeytrace_collector.core.derive import Summary, rfc3339
from journeytrace_collector.core.model import Event, Proposal
from journeytrace_collector.core.operations import Verdict, is_passive, operations_of
from journeytrace_collector.core.review import same_person
from journeytrace_desk.views.decisions import AUTOMATICALLY, BY_PERSON
from journeytrace_desk.views.words import Tone, tone

__all__ = [
    "LONGEST_TEXT",
    "Choice",
    "Form",
    "News",
    "Option",
    "Reason",
    "agreed",
    "named",
    "news",
    "options",
    "read",
    "reasons",
]

LONGEST_TEXT: Final = 2_000


class Choice(StrEnum):
    """What a form can say."""

    CONFIRM = "confirm"
    APPROVE = "approve"
    REJECT = "reject"


_EVENTS: Final = {
    Choice.CONFIRM: "VERDICT_CONFIRMED",
    Choice.APPROVE: "VERDICT_APPROVED",
    Choice.REJECT: "VERDICT_REJECTED",
}
_PROPOSED: Final = "VERDICT_PROPOSED"


@dataclass(frozen=True, slots=True)
class Option:
    """One of the choices that there are."""

    choice: Choice
    decision: Decision
    word: str
    hint: str


@dataclass(frozen=True, slots=True)
class Reason:
    """One that a rejection can have."""

    code: str
    meaning: str
    """Empty: the catalogue does not know it."""


@dataclass(frozen=True, slots=True)
class Form:
    """What somebody has typed, or is asked."""

    choice: str = ""
    reason: str = ""
    text: str = ""
    problems: Mapping[str, str] = field(default_factory=dict)
    """What is wrong, by field."""


def options(session: Summary) -> list[Option]:
    """Give what can be decided of a session.

    To confirm there is what was decided automatically; that it is for a person to review decides
    nothing.
    """
    found = []
    decided = session.automatic_decision
    if decided in (Decision.APPROVED, Decision.REJECTED):
        hint = "You agree with what was decided automatically."
        found.append(Option(Choice.CONFIRM, decided, AUTOMATICALLY[decided], hint))
    for choice, decision, hint in (
        (Choice.APPROVE, Decision.APPROVED, "You looked at it yourself, and approve."),
        (Choice.REJECT, Decision.REJECTED, "You looked at it yourself, and reject. Say why."),
    ):
        found.append(Option(choice, decision, BY_PERSON[decision], hint))
    return found


def reasons(
    configured: Sequence[str] | None, catalogue: Catalogue, automatic: str | None
) -> list[Reason]:
    """Give the reasons that a rejection can have; `automatic`: the one that is confirmed."""
    known = {
        name: spec for (decision, name), spec in catalogue.reasons.items() if _rejects(decision)
    }
    codes = dict.fromkeys(known if configured is None else configured)
    if automatic:
        codes[automatic] = None
    return [Reason(code, known[code].meaning if code in known else "") for code in codes]


def _rejects(decision: Decision) -> bool:
    return decision is Decision.REJECTED


def agreed(session: Summary, actor: str) -> Proposal | None:
    """Give what somebody else has proposed, so that this person can decide it; None: nothing."""
    proposal = session.proposal
    if proposal is None or same_person(proposal.proposed_by, actor):
        return None
    return proposal


def read(
    given: Mapping[str, str],
    offered: Sequence[Option],
    codes: Sequence[Reason],
    proposal: Proposal | None,
) -> tuple[Form, Option | None]:
    """Read what was typed; with what is chosen, unless something is wrong.

    `proposal`: what they can agree with, whose reason holds where they give none.
    """
    text = given.get("text", "").replace("\r\n", "\n").strip()
    form = Form(given.get("decision", ""), given.get("reason", ""), text)
    chosen = next((one for one in offered if one.choice == form.choice), None)
    problems = {}
    if chosen is None:
        allowed = ", ".join(one.word for one in offered)
        problems["decision"] = f"Choose one of these: {allowed}."
    if form.reason and form.reason not in {one.code for one in codes}:
        problems["reason"] = "This reason is not on the list."
    elif form.reason and chosen is not None and chosen.decision is Decision.APPROVED:
        problems["reason"] = "These are reasons to reject. Say in your own words why you approve."
    agrees = proposal is not None and chosen is not None and proposal.decision is chosen.decision
    needs = chosen is not None and chosen.choice is Choice.REJECT and not agrees
    if needs and not form.reason and not text:
        problems["reason"] = "A rejection needs a reason: one of the list, or your own words."
    if len(text) > LONGEST_TEXT:
        problems["text"] = f"Up to {LONGEST_TEXT:,} characters, and these are {len(text):,}."
    if problems:
        return Form(form.choice, form.reason, text, problems), None
    return form, chosen


def named(
    form: Form,
    chosen: Option,
    *,
    automatic_reason: str | None,
    two_people: bool,
    proposal: Verdict | None,
) -> tuple[str, dict[str, Any]]:
    """Give the event that a form makes, and its attributes.

    Args:
        form: what was typed.
        chosen: what it chose.
        automatic_reason: why it was rejected automatically, which holds for who confirms that.
        two_people: whether a second person has to agree.
        proposal: of another person, that stands; None: there is none.
    """
    reason: str | None = form.reason or None
    text: str | None = form.text or None
    agrees = two_people and proposal is not None and proposal.decision == chosen.decision
    said: dict[str, Any] = {}
    if agrees and proposal is not None:
        said[names.VERDICT_PROPOSAL] = proposal.event_id.hex()
        reason, text = reason or proposal.reason, text or proposal.text
    if chosen.choice is Choice.CONFIRM and chosen.decision is Decision.REJECTED:
        reason = reason or automatic_reason
    proposes = two_people and not agrees
    if proposes or chosen.choice is Choice.CONFIRM:
        said[names.DECISION] = chosen.decision.value
    if reason and chosen.decision is Decision.REJECTED:
        said[names.REASON] = reason
    if text:
        said[names.VERDICT_TEXT] = text
    return _PROPOSED if proposes else _EVENTS[chosen.choice], said


@dataclass(frozen=True, slots=True)
class News:
    """One thing that happened since somebody looked."""

    at: str
    name: str
    said: str
    """What came of it."""
    tone: Tone
    quoted: str = ""
    """Why, in a person's own words."""


def news(events: Sequence[Event], catalogue: Catalogue) -> Iterator[News]:
    """Describe what is new: see `core.review.news_since`."""
    for one in events:
        at = rfc3339(one.at)
        if is_passive(one):
            done = operations_of([one], catalogue)
            if found := done.verdict or done.proposal:
                yield _decided(at, one.name, found, proposed=done.verdict is None)
            continue
        words = (one.result, one.impact if one.impact != "NONE" else None, one.reason)
        said = " ".join(word for word in (*words, one.error_code) if word)
        yield News(at, one.name, said, tone(one.result, one.impact))


def _decided(at: str, name: str, verdict: Verdict, *, proposed: bool) -> News:
    decision = Decision(verdict.decision)
    if verdict.confirms:
        said = f"{verdict.person} confirmed: {AUTOMATICALLY[decision]}"
    else:
        said = f"{verdict.person}{' proposes' if proposed else ''}: {BY_PERSON[decision]}"
    look: Tone = "good" if decision is Decision.APPROVED else "bad"
    reason = f", {verdict.reason}" if verdict.reason else ""
    return News(at, name, said + reason, look, verdict.text or "")
