"""Where somebody has a role."""

from __future__ import annotations

from journeytrace_collector.store.base import Scope
from journeytrace_desk.access.actor import EVERYWHERE, Actor, Role

__all__ = ["scope_of"]


def scope_of(actor: Actor, role: Role) -> Scope | None:
    """Give where somebody has at least this role; None: nowhere."""
    having = frozenset(p for p, has in actor.roles.items() if has >= role) - {EVERYWHERE}
    if actor.may(role, None):
        return Scope(but=frozenset(actor.roles) - having - {EVERYWHERE})
    return Scope(having) if having else None
