"""Which role somebody has, and what claims say of them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from journeytrace_collector.settings.access import DeskAccess
from journeytrace_desk.access.actor import EVERYWHERE, Actor, Role
from journeytrace_desk.access.people import Person, Roles, UnnamedError, of_claims

PROJECTS = ["acme", "globex", EVERYWHERE]
GRANT = st.dictionaries(st.sampled_from(PROJECTS), st.sampled_from(["viewer", "analyst", "admin"]))


@given(st.lists(GRANT, min_size=1, max_size=4))
@settings(max_examples=60)
def test_several_grants_join_to_the_highest(grants: list[dict[str, str]]) -> None:
    """In each project, named or not, somebody may what the best of their groups may there."""
    groups = {f"g{number}": grant for number, grant in enumerate(grants[1:])}
    header = {"name": "X", "proxies": "127.0.0.1"}
    given_ = {"people": {"ann": grants[0]}, "groups": groups, "proxy_header": header}
    actor = Roles(DeskAccess.model_validate(given_)).actor(Person("ann", frozenset(groups)))
    each = [
        Actor("ann", {project: Role[name.upper()] for project, name in grant.items()})
        for grant in grants
    ]
    for project in ("acme", "globex", "another", None):
        best = max((role for one in each if (role := one.role(project))), default=None)
        assert (actor.role(project) if actor else None) == best


@pytest.mark.parametrize(
    ("claims", "id_claim", "vouched", "found"),
    [
        ({"sub": "s", "email": "a@b", "email_verified": True}, None, False, "a@b"),
        ({"sub": "s", "email": "a@b"}, None, False, "s"),
        ({"sub": "s", "email": "a@b", "email_verified": 1}, None, False, "s"),
        ({"sub": "s", "email": "a@b"}, None, True, "a@b"),
        ({"sub": "s", "email": "a@b", "email_verified": False}, None, True, "s"),
        ({"sub": "s", "email": "a@b"}, "email", False, "a@b"),
        ({"sub": "s", "upn": "ann"}, "upn", False, "ann"),
    ],
)
def test_which_claim_names_somebody(
    claims: dict[str, Any], id_claim: str | None, vouched: bool, found: str
) -> None:
    """An address where it is verified, or where the proxy vouches for it, or by the settings."""
    assert of_claims(claims, id_claim, "groups", vouched=vouched).id == found


@pytest.mark.parametrize(
    ("claims", "told"),
    [
        ({}, "the claim email is missing"),
        ({"email": "a@b", "email_verified": False}, "not verified"),
        ({"email": 7}, "no text"),
        ({"email": "a@b", "groups": 7}, "the claim groups is no list"),
        ({"email": "a@b", "groups": [7]}, "a group of the claim groups is no text"),
    ],
)
def test_what_names_nobody_is_said(claims: dict[str, Any], told: str) -> None:
    """Which claim is missing, or is of no use."""
    with pytest.raises(UnnamedError, match=told):
        of_claims(claims, "email", "groups")


def test_a_single_group_may_stand_alone() -> None:
    """Some providers make no list of one."""
    assert of_claims({"sub": "s", "g": "support"}, None, "g").groups == {"support"}
