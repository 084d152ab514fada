"""What is stored stays right when the user's catalogue gives the stages another order."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from typing import TypeAlias

import pytest
from tests.contract.conftest import BUILTIN, Place
from tests.support.events import IDLE_TIMEOUT, MINUTE, NOON, SESSION, event

from journeytrace.catalogue import Catalogue, load_catalogue
from journeytrace_collector.core.change import Change, Followup, Tally
from journeytrace_collector.core.derive import highest_stage
from journeytrace_collector.core.sessionize import SessionState, fold
from journeytrace_collector.core.settle import derived_spans
from journeytrace_collector.store import SessionQuery, Store

Own: TypeAlias = Callable[[str], Catalogue]

BEFORE = [
    event("SESSION_CREATED"),
    event("STEP1_ENTERED", NOON + MINUTE),
    event("SUBMISSION_CREATED", NOON + 2 * MINUTE),
]
LATE = event("IP_RISK_CHECK", NOON + 3 * MINUTE)
"""Of PRE_CHECKS: comes in after the restart, and belongs before STEP1 in any order."""

TWO_MORE = '[stages]\nDEVICE = { after = "ENTRY" }\nSIM = { after = "DEVICE" }\n'


@pytest.fixture
def own(tmp_path_factory: pytest.TempPathFactory) -> Own:
    """Give a function that reads the text of a user's catalogue."""

    def read(text: str) -> Catalogue:
        path = tmp_path_factory.mktemp("own") / "own.toml"
        path.write_text(text)
        return load_catalogue(path)

    return read


def state(store: Store) -> SessionState:
    """Give what is stored of the one session."""
    known = store.session(SESSION)
    assert known is not None
    return known.state


def test_a_stage_that_is_put_in_moves_no_stored_session(place: Place, own: Own) -> None:
    """A session of before and an event of after add up to what the fold makes of all of them."""
    with closing(place.open()) as store:
        store.write(BEFORE)
    catalogue = own(TWO_MORE)
    with closing(place.open(catalogue=catalogue)) as store:
        assert highest_stage(state(store)) == "STEP1"
        store.write([LATE])
        assert state(store) == fold([*BEFORE, LATE], catalogue)[SESSION]
        assert highest_stage(state(store)) == "STEP1"
        assert store.open_sessions(NOON) == {(None, "STEP1"): 1}
        (listed,) = store.sessions(SessionQuery(), NOON).sessions
        assert highest_stage(listed.state) == "STEP1"


def test_what_settles_is_told_in_the_order_of_now(place: Place, own: Own) -> None:
    """The spans of a session that was stored before name its stages in the catalogue's order."""
    told: list[str] = []

    def follow(change: Change) -> Followup:
        for session in change.sessions:
            if session.settlement is not None:
                told.extend(s.name for s in derived_spans(session.after, session.settlement))
        return Followup(Tally())

    with closing(place.open()) as store:
        store.write([*BEFORE, LATE])
    moved = own('[stages.PRE_CHECKS]\nafter = "STEP1"\n')
    with closing(place.open(catalogue=moved)) as store:
        store.follow(follow)
        assert store.settle(NOON + 2 * IDLE_TIMEOUT, 10) == 1
        assert highest_stage(state(store)) == "PRE_CHECKS"
    stages = [name.removeprefix("journey.stage ") for name in told[1:]]
    assert stages == ["ENTRY", "STEP1", "PRE_CHECKS"]


def test_a_stage_that_loses_its_place_is_not_forgotten(place: Place, own: Own) -> None:
    """It comes before all others, its span is still told, and its place can be given back."""
    with closing(place.open()) as store:
        store.write([*BEFORE, LATE])
    without = own('[stages.STEP1]\nafter = ""\n')
    with closing(place.open(catalogue=without)) as store:
        assert highest_stage(state(store)) == "PRE_CHECKS"
        store.write([event("STEP_VIEW", NOON + 4 * MINUTE)])
        assert set(state(store).stages) == {"ENTRY", "PRE_CHECKS", "STEP1"}
    with closing(place.open(catalogue=BUILTIN)) as store:
        assert highest_stage(state(store)) == "STEP1"
