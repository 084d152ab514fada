"""What a record of source OP has to say, and may not say (DESIGN section 13).

What a person does moves nothing of a session but the decision, so it says nothing of what else a
record can move: it has no result, no impact and no place in the journey. And neither is it recorded
under a name of the services, nor do these record anything under one of its names.
"""

from __future__ import annotations

from typing import Any

from journeytrace import conventions as names
from journeytrace.catalogue import Catalogue, Role
from journeytrace.conventions import Decision, Impact, Source
from journeytrace_collector.core import fields
from journeytrace_collector.core.fields import BadFieldError
from journeytrace_collector.core.operations import VERDICTS

__all__ = ["check_operation", "check_person"]

_DECISIONS = frozenset(decision.value for decision in Decision)


def check_operation(
    catalogue: Catalogue,
    name: str,
    source: str,
    stage: str | None,
    impact: str,
    result: str | None,
) -> None:
    """Check an event that a person did, or that has such a name.

    Raises:
        BadFieldError: it says something that it cannot mean.
    """
    spec = catalogue.events.get(name)
    if source != Source.OP:
        raise BadFieldError(names.EVENT_SOURCE, f"is {source}, must be OP for {name!r}")
    if spec is not None and spec.source is not Source.OP:
        problem = f"is OP, must be {spec.source} for {name!r}, which services record"
        raise BadFieldError(names.EVENT_SOURCE, problem)
    if result is not None:
        raise BadFieldError(names.EVENT_RESULT, f"is {result}, must be absent where the source is OP")
    if impact != Impact.NONE:
        raise BadFieldError(names.EVENT_IMPACT, f"is {impact}, must be NONE where the source is OP")
    if catalogue.rank(stage) is not None:
        problem = f"is {stage!r}, where only the journey itself comes; leave it out for source OP"
        raise BadFieldError(names.STAGE, problem)


def check_person(catalogue: Catalogue, name: str, attributes: dict[str, Any]) -> None:
    """Check who did it, and what was decided: both stay among the metadata, in plain words.

    Raises:
        BadFieldError: a verdict lacks its person or, if it confirms, what it confirms.
    """
    spec = catalogue.events.get(name)
    role = spec.role if spec else None
    actor = fields.text(names.ACTOR_ID, attributes.pop(names.ACTOR_ID, None))
    if actor is not None:
        attributes[names.ACTOR_ID] = actor
    elif role in VERDICTS:
        raise BadFieldError(names.ACTOR_ID, f"is missing; {name!r} has to say whose verdict it is")
    decision = fields.choice(names.DECISION, attributes.get(names.DECISION), _DECISIONS)
    if role is Role.VERDICT_CONFIRM and decision is None:
        problem = f"is missing; {name!r} has to say which decision it confirms"
        raise BadFieldError(names.DECISION, problem)
