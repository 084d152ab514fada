"""What roles allow."""

from __future__ import annotations

from journeytrace_desk.access.actor import EVERYWHERE, LOCAL, Actor, Role


def test_a_named_project_goes_before_everywhere() -> None:
    """What is said for a project holds there, be it more or less than elsewhere."""
    actor = Actor("a", {EVERYWHERE: Role.ANALYST, "kiosk": Role.VIEWER, "bank": Role.ADMIN})

    assert [actor.role(project) for project in ("kiosk", "bank", "shop", None)] == [
        Role.VIEWER,
        Role.ADMIN,
        Role.ANALYST,
        Role.ANALYST,
    ]
    assert actor.projects is None


def test_whoever_has_named_projects_alone_sees_nothing_else() -> None:
    """Another project, and what has none, are not theirs."""
    actor = Actor("a", {"kiosk": Role.ADMIN})

    assert actor.role("bank") is None
    assert actor.role(None) is None
    assert not actor.may(Role.VIEWER, "bank")
    assert actor.may(Role.VIEWER, "kiosk")
    assert actor.projects == frozenset({"kiosk"})


def test_the_local_user_may_do_everything() -> None:
    """The one who sits at the machine is asked for nothing."""
    assert LOCAL.may(Role.ADMIN, None)
    assert LOCAL.may(Role.ADMIN, "any")
