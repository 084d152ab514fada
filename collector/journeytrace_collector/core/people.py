"""What a record of source OP has to say, and may not say (DESIGN section 13).

What a person does moves nothing of a session but the decision, so it says nothing of what else a
record can move: it has no result, no impact and no place in the journey. And neither is it recorded
under a name of the services, nor do these record anything under one of its names.
"""

from __future__ import annotations

from typing import Any, Final

from journeytrace import conventions as names
from journeytrace.catalogue import EventSpec, Role
from journeytrace.conventions import Decision, Impact, Source
from journeytrace_collector.core import fields
from journeytrace_collector.core.fields import BadFieldError
from journeytrace_collector.core.operations import VERDICTS

__all__ = ["check_name", "check_person", "check_still"]

_DECISIONS: Final = frozenset(decision.value for decision in Decision)


def check_name(name: str, spec: EventSpec | None) -> None:
    """Check that an event of people has no name of the services'; `spec` None: nobody's.

    Raises:
        BadFieldError: it has.
    """
    if spec is not None and spec.source is not Source.OP:
        problem = f"is OP, must be {spec.source} for {name!r}, which services record"
        raise BadFieldError(names.EVENT_SOURCE, problem)


def check_still(result: str | None, impact: str, *, ordered: bool) -> None:
    """Check that a passive event claims to move nothing; `ordered`: its stage has a place.

    Raises:
        BadFieldError: it does.
    """
    where = "of what is passive: what a person does, or says of a whole session"
    if result is not None:
        raise BadFieldError(names.EVENT_RESULT, f"is {result}, must be absent {where}")
    if impact != Impact.NONE:
        raise BadFieldError(names.EVENT_IMPACT, f"is {impact}, must be NONE or absent {where}")
    if ordered:
        raise BadFieldError(names.STAGE, f"is one of the user's journey, must be absent {where}")


def check_person(name: str, spec: EventSpec | None, attributes: dict[str, Any]) -> None:
    """Check who did it, and what was decided: both stay among the metadata, in plain words.

    Raises:
        BadFieldError: a verdict lacks its person or, if it confirms, what it confirms.
    """
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
