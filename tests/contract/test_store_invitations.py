"""Links are found by their digest, and stand as their events say."""

from __future__ import annotations

import random
from typing import Any

import msgspec
import pytest
from tests.collector.core.test_invitations import invited, said
from tests.support.events import MINUTE, NOON, event

from journeytrace.catalogue import builtin_catalogue
from journeytrace_collector.core.change import Parcel
from journeytrace_collector.core.derive import rfc3339
from journeytrace_collector.core.invitations import OPENED, REVOKED, Standing, digest_of
from journeytrace_collector.core.measure import Measure
from journeytrace_collector.health import Health
from journeytrace_collector.outbox.effects import effects
from journeytrace_collector.store import Carried, Store, Subject
from journeytrace_collector.store.base import InvitationQuery, Scope

NOW = NOON + 90 * MINUTE


def of(name: str, one: Any) -> Any:
    """Let an event be of another session."""
    return msgspec.structs.replace(one, session_id=name)


def listed(store: Store, now: int = NOW, **query: Any) -> list[str]:
    """Give the sessions of the invitations that are listed."""
    return [one.session_id for one in store.invitations(InvitationQuery(**query), now)]


def a_few(store: Store) -> dict[str, bytes]:
    """Keep four invitations, whose events come in any order; gives their digests."""
    digests = {name: digest_of(name) for name in ("new", "old", "open", "gone")}
    until = {"new": NOW + MINUTE, "old": NOW - MINUTE, "open": NOW, "gone": NOW + MINUTE}
    events = []
    for number, (name, digest) in enumerate(digests.items()):
        mine = {"id": digest.hex(), "journey": "j", "expires_at": rfc3339(until[name])}
        events.append(of(name, said("SESSION_INVITED", NOON + number, **mine)))
        if name in {"open", "gone"}:
            events.append(of(name, said(OPENED, NOON + 10, id=digest.hex(), browser="b")))
        if name == "gone":
            events.append(of(name, said(REVOKED, NOON + 20, id=digest.hex())))
    random.Random(len(events)).shuffle(events)
    for one in events:
        store.write([one])
    return digests


def test_a_link_leads_to_its_session(store: Store) -> None:
    """By the digest of its token alone, though the session has not begun."""
    digests = a_few(store)
    assert {name: store.invited(digest) for name, digest in digests.items()} == {
        name: name for name in digests
    }
    assert store.invited(digest_of("guessed")) is None
    assert store.session("new") is None


def test_they_are_listed_by_how_they_stand(store: Store) -> None:
    """Each state has its own, newest first, in pages, and of the projects that are asked for."""
    a_few(store)
    assert listed(store) == ["gone", "open", "old", "new"]
    assert {one.value: listed(store, standing=one) for one in Standing} == {
        "not_opened": ["new"],
        "opened": ["open"],
        "expired": ["old"],
        "revoked": ["gone"],
    }
    assert listed(store, NOW + 2 * MINUTE, standing=Standing.EXPIRED) == ["old", "new"]
    (first, second) = store.invitations(InvitationQuery(limit=2), NOW)
    assert (first.opened_at, first.revoked_at) == (NOON + 10, NOON + 20)
    assert listed(store, after=(second.invited_at, second.digest)) == ["old", "new"]
    assert len(listed(store, scope=Scope(frozenset({"acme"})))) == 4
    assert listed(store, scope=Scope(frozenset({"globex"}))) == []


def test_nobody_takes_over_a_link(store: Store) -> None:
    """What another session says of a digest changes neither whose link it is nor how it stands."""
    store.write([of("mine", invited())])
    store.write([of("other", invited(NOON - MINUTE)), of("other", said(REVOKED))])
    (found,) = store.invitations(InvitationQuery(), NOON)
    assert (found.session_id, found.invited_at, found.revoked_at) == ("mine", NOON, None)
    assert store.invited(digest_of("token")) == "mine"


@pytest.mark.parametrize("how", ["forget", "expire"])
def test_it_goes_with_its_session(store: Store, how: str) -> None:
    """Erased on request, or when the retention that counts from the invitation is over."""
    store.write([of("mine", invited())])
    if how == "forget":
        store.forget(Subject("session_id", "mine"), "ann", NOON, 10)
    else:
        days = 86_400 * 10**9
        assert store.erase(NOON + 30 * days - 1, 10) == 0
        assert store.erase(NOON + 30 * days, 10) > 0
    assert store.invited(digest_of("token")) is None
    assert listed(store) == []


def test_what_leaves_with_an_event_leaves_once(store: Store) -> None:
    """A parcel that is carried beside an event is kept with it, and not again with a duplicate."""
    catalogue = builtin_catalogue()
    store.follow(effects(Measure(catalogue, frozenset(), 10), {}, Health()))
    mine = of("mine", invited())
    parcel = Parcel("mail", b"a live link", "mine")
    carried = Carried(parcels=[(mine.event_id, parcel), (b"12345678", parcel)])
    for _ in range(2):
        store.write([mine], carried)
    (row,) = store.waiting("mail", 10, now=NOW)
    assert row.parcel == parcel
    store.forget(Subject("session_id", "mine"), "ann", NOON, 10)
    assert store.waiting("mail", 10, now=NOW) == []
    store.write([of("mine", invited(NOON + 1))], carried)
    store.write([event("STEP_VIEW", session_id="mine")], carried)
    assert store.waiting("mail", 10, now=NOW) == []
