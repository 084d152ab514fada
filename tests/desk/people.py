"""Who sits at the desk in a test, and whose sessions they look after."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from tests.support.events import MINUTE, SECOND, done, event

from journeytrace_collector.core.model import Event
from journeytrace_desk.access.actor import EVERYWHERE, Actor, Role

__all__ = ["EVE", "HERE", "PEOPLE", "SitDown", "seat", "sessions"]

HERE = "journeytrace_desk.access.gate.LOCAL"
"""Where the desk says who it takes everybody for."""

EVE = Actor("eve", {"acme": Role.ADMIN, "globex": Role.ANALYST})
"""An admin of one project alone."""
PEOPLE = {
    "viewer": Actor("vic", {EVERYWHERE: Role.VIEWER}),
    "analyst": Actor("ann", {EVERYWHERE: Role.ANALYST}),
    "nobody": Actor("ned", {}),
}
"""None of them is an admin anywhere."""

SitDown = Callable[[Actor], None]


@pytest.fixture
def seat(monkeypatch: pytest.MonkeyPatch) -> SitDown:
    """Give what puts somebody else before the desk."""
    return lambda actor: monkeypatch.setattr(HERE, actor)


def sessions(now: int, *names: str) -> Iterator[Event]:
    """Make for each name a person with a session in acme, one in globex and one in none.

    One of them was looked at by Bob, who said what for, and decided.
    """
    now -= MINUTE
    for name in names:
        for project in ("acme", "globex", None):
            known = {"session_id": f"{name}-{project or 'none'}"}
            mine = {"user_id": name, "email": f"{name}@example.com", "project_id": project}
            metadata = f'{{"form.name":"{name} Doe"}}'
            yield event("SESSION_CREATED", now, received=now, **known, **mine)
            yield event("STEP_VIEW", now + SECOND, received=now, metadata=metadata, **known)
        looked: dict[str, Any] = {"session_id": f"{name}-globex", "by": "bob", "received": now}
        yield done("SESSION_VIEWED", now + 2 * SECOND, **looked)
        yield done("VERDICT_APPROVED", now + 3 * SECOND, **looked)
