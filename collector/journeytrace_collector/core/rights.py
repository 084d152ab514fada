"""For what a sender may speak (DESIGN section 12)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from journeytrace import conventions as names
from journeytrace_collector.core.fields import BadFieldError
from journeytrace_collector.core.model import Event

__all__ = ["ANYBODY", "DESK", "OPERATOR", "LacksRightError", "Rights"]

OPERATOR: Final = "OP"
"""The source of what a person does at the desk: nobody has it who was not given it by name."""


class LacksRightError(BadFieldError):
    """A record says what its sender may not say."""


@dataclass(frozen=True, slots=True)
class Rights:
    """What the records of a sender may say."""

    sender: str = ""
    """Its name in the settings; empty: one without a name."""
    sources: frozenset[str] = frozenset({"FE", "BE"})
    projects: frozenset[str] | None = None
    """None: all of them."""

    def check_sent(self, source: Any) -> None:
        """Check what a record says of its own source; None: nothing.

        Raises:
            BadFieldError: the sender lacks the right, or nobody has it.
        """
        if source == OPERATOR and OPERATOR not in self.sources:
            raise self._lacks_source(OPERATOR)

    def check(self, event: Event, sent_source: Any) -> None:
        """Check an event as it was resolved, and what its record said of its source.

        Raises:
            BadFieldError: the sender lacks a right that it needs; the message names it.
        """
        if event.source not in self.sources:
            raise self._lacks_source(event.source)
        if event.source == OPERATOR and sent_source != OPERATOR:
            raise BadFieldError(names.EVENT_SOURCE, f"must say {OPERATOR} for {event.name!r}")
        if event.project_id is not None and not self.speaks_for(event.project_id):
            raise LacksRightError(names.PROJECT_ID, self.lacks_project(event.project_id))

    def speaks_for(self, project: str | None) -> bool:
        """Whether it may add to what belongs to `project`; None: to none so far."""
        return self.projects is None or project is None or project in self.projects

    def lacks_project(self, project: str) -> str:
        """Say what is missing."""
        return f"is {project!r}, and {self} has no right to that project"

    def _lacks_source(self, source: str) -> LacksRightError:
        problem = f"is {source}, and {self} has no right to {source}"
        return LacksRightError(names.EVENT_SOURCE, problem)

    def __str__(self) -> str:
        return f"the sender {self.sender!r}" if self.sender else "a sender without a name"


ANYBODY: Final = Rights()
"""Of the plain token, and of a port without one."""

DESK: Final = Rights("desk", frozenset({OPERATOR}))
"""Of the desk itself, which asks before what somebody may do."""
