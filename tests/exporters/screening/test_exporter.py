"""Who is screened when, and what is recorded of it."""

from __future__ import annotations

import asyncio
import json
import sys
from dataclasses import replace
from typing import Any

import pytest
from tests.exporters.screening.conftest import SOKOLOV, Screened
from tests.support.events import MINUTE, SESSION, event

from journeytrace import conventions as names
from journeytrace.conventions import PRIVATE_PREFIXES
from journeytrace_collector.core.asking import tasks
from journeytrace_collector.core.screening import Category, State, open_hits
from journeytrace_collector.errors import ConfigError
from journeytrace_collector.store.base import Subject

ALL_FAILED = dict.fromkeys(Category, State.FAILED)
_LOCAL = "journeytrace_exporters.screening.local"
OTHER = "018f3b5e-0000-7000-8000-000000000002"


def test_a_session_is_screened_as_soon_as_its_name_is_known(screened: Screened) -> None:
    """What services read off a document is looked for, and a category without a list is open."""
    screened.happen(event("SESSION_CREATED"))
    assert screened.deliver().tried == 0
    screened.known(extracted__full_name="Iwan Sokolow", extracted__birth_date="1971-05-09")
    screened.deliver()
    found = screened.screening()
    assert found.query == {
        "names": ["Iwan Sokolow"],
        "birth_date": "1971-05-09",
        "country": None,
    }
    (hit,) = found.of(Category.SANCTIONS)
    assert (hit.hit.id, hit.hit.birth_date, hit.mark) == ("Q1", "1971-05-09", None)
    assert found.states == {
        Category.PEP: State.CLEAR,
        Category.SANCTIONS: State.HITS,
        Category.CRIMINAL: State.NOT_COVERED,
        Category.ADVERSE_MEDIA: State.NOT_COVERED,
        Category.OTHER: State.NOT_COVERED,
    }
    assert open_hits(screened.store.events(SESSION)) == 1


def test_a_name_in_two_parts_is_looked_for_when_both_are_there(screened: Screened) -> None:
    """Half a name screens nobody, and what is known already is not screened again."""
    screened.known(form__first_name="Ivan")
    screened.deliver()
    assert not screened.events("SCREENING_ENDED")
    screened.known(form__last_name="Sokolov")
    screened.deliver()
    screened.known(form__last_name="Sokolov", form__first_name="Ivan")
    screened.deliver()
    assert len(screened.events("SCREENING_ENDED")) == 1
    screened.named("Iwan Sokolow")
    screened.deliver()
    assert screened.screening().query is not None
    assert screened.screening().query["names"] == ["Iwan Sokolow", "Ivan Sokolov"]  # type: ignore[index]


def test_a_screen_cannot_say_what_was_read_off_a_document(screened: Screened) -> None:
    """What begins with extracted. counts from services alone."""
    metadata = json.dumps({"extracted.full_name": "Ivan Sokolov"})
    screened.happen(event("STEP_VIEW", source="FE", metadata=metadata))
    screened.deliver()
    assert not screened.events("SCREENING_ENDED")


def test_names_stand_under_what_never_leaves_alone(screened: Screened) -> None:
    """Neither the name that was looked for nor one that was found stands anywhere else."""
    screened.named()
    screened.deliver()
    (ended,) = screened.events("SCREENING_ENDED")
    for key, value in json.loads(ended.metadata).items():
        assert key.startswith(PRIVATE_PREFIXES) or "Sokolov" not in str(value), key
    parcels = screened.store.waiting("screening", 10)
    assert not any(b"Sokolov" in row.parcel.payload for row in parcels)


def test_a_delivery_that_comes_twice_is_recorded_once(screened: Screened) -> None:
    """A collector that was killed before it heard that it had delivered changes nothing."""
    screened.named()
    rows = screened.store.waiting("screening", 10)
    for _ in range(2):
        asyncio.run(screened.exporter.deliver(rows[0].parcel))
    screened.deliver()
    assert len(screened.events("SCREENING_ENDED")) == 1


def test_what_was_recorded_twice_at_once_is_one_event(screened: Screened) -> None:
    """Two collectors with one parcel give the event the same id."""
    screened.named()
    (row,) = screened.store.waiting("screening", 10)

    async def both() -> None:
        await asyncio.gather(*(screened.exporter.deliver(row.parcel) for _ in range(2)))

    asyncio.run(both())
    assert len(screened.events("SCREENING_ENDED")) == 1


def test_a_failure_is_tried_again_then_told_with_a_task(screened: Screened) -> None:
    """A list that is missing fails every category after a time, and somebody has to see to it."""
    screened.path.unlink()
    screened.named()
    assert screened.deliver().failed == 1
    assert not screened.events("SCREENING_ENDED")
    screened.now += 20 * MINUTE
    screened.deliver(again=True)
    found = screened.screening()
    assert found.states == ALL_FAILED
    assert found.problem is not None
    known = screened.store.session(SESSION)
    assert known is not None
    assert [task.rule for task in tasks(known.state)] == ["screening_failed"]


def test_a_failure_that_passes_is_none(screened: Screened) -> None:
    """A list that is there again in time gives the screening that was wanted, and no task."""
    screened.path.unlink()
    screened.named()
    screened.deliver()
    screened.put(SOKOLOV)
    screened.now += MINUTE * 10
    screened.deliver(again=True)
    assert screened.screening().states[Category.SANCTIONS] is State.HITS
    known = screened.store.session(SESSION)
    assert known is not None
    assert not tasks(known.state)


def test_whoever_asks_has_a_session_screened_again(screened: Screened) -> None:
    """A screening that is asked for is made though the name is known; without a name it fails."""
    screened.named()
    screened.deliver()
    screened.do("SCREENING_REQUESTED")
    screened.deliver()
    assert len(screened.events("SCREENING_ENDED")) == 2
    screened.happen(event("SESSION_CREATED", session_id=OTHER))
    screened.do("SCREENING_REQUESTED", OTHER)
    screened.deliver()
    assert screened.screening(OTHER).states == ALL_FAILED
    assert screened.screening(OTHER).problem == "no name is known yet"


def test_who_was_cleared_is_cleared_in_the_persons_next_session(screened: Screened) -> None:
    """The next session tells who cleared a hit, why and where, also once it has another id."""
    mine: dict[str, Any] = {"user_id": "u-1", "project_id": "acme"}
    screened.happen(event("SESSION_CREATED", **mine))
    screened.named()
    screened.deliver()
    screened.mark("Q1")
    merged = {**SOKOLOV, "id": "NK-9", "referents": ["Q1", "Q7"]}
    screened.put(merged)
    screened.happen(event("SESSION_CREATED", session_id=OTHER, **mine))
    screened.named(session_id=OTHER)
    screened.deliver()
    (found,) = screened.screening(OTHER).found
    assert found.mark is not None
    assert (found.mark.actor, found.mark.text, found.mark.session_id) == (
        "ann",
        "born elsewhere",
        SESSION,
    )
    assert open_hits(screened.store.events(OTHER)) == 0
    (ended,) = screened.events("SCREENING_ENDED", OTHER)
    assert json.loads(ended.metadata)[names.SCREENING_HITS] == 0


def test_what_was_remembered_outlives_the_session_it_was_said_in(screened: Screened) -> None:
    """Once the first session is erased, the next one still knows when it is screened again."""
    mine: dict[str, Any] = {"user_id": "u-1", "project_id": "acme"}
    for session in (SESSION, OTHER):
        screened.happen(event("SESSION_CREATED", session_id=session, **mine))
        screened.named(session_id=session)
        screened.deliver()
        if session == SESSION:
            screened.mark("Q1")
    screened.store.forget(Subject("session_id", SESSION), "eve", screened.now, 10)
    screened.do("SCREENING_REQUESTED", OTHER)
    screened.deliver()
    assert len(screened.events("SCREENING_ENDED", OTHER)) == 2
    assert open_hits(screened.store.events(OTHER)) == 0


@pytest.mark.parametrize(
    "other",
    [{"user_id": "u-2", "project_id": "acme"}, {"user_id": "u-1", "project_id": "globex"}, {}],
)
def test_what_was_cleared_for_somebody_else_is_open(
    screened: Screened, other: dict[str, Any]
) -> None:
    """A clearing holds for the same user in the same project alone."""
    screened.happen(event("SESSION_CREATED", user_id="u-1", project_id="acme"))
    screened.named()
    screened.deliver()
    screened.mark("Q1")
    screened.happen(event("SESSION_CREATED", session_id=OTHER, **other))
    screened.named(session_id=OTHER)
    screened.deliver()
    assert open_hits(screened.store.events(OTHER)) == 1


def test_undecided_sessions_are_screened_again_when_lists_change(made: Any) -> None:
    """Each is asked for once a version; what is decided is left alone."""
    screened: Screened = made(again_per_minute=600)
    screened.named("Ann Lee")
    screened.named("Ann Lee", OTHER)
    screened.happen(event("APPROVED", screened.now, session_id=OTHER))
    screened.deliver()
    again = screened.exporter._again
    assert _walked(again) == 0
    ann = {**SOKOLOV, "id": "Q2", "properties": {"name": ["Ann Lee"], "topics": ["role.pep"]}}
    screened.put(SOKOLOV, ann)
    _walked(again)
    screened.deliver()
    assert [one.hit.id for one in screened.screening().found] == ["Q2"]
    assert not screened.screening(OTHER).found
    # Whoever begins anew, another collector or the next start, asks for nothing twice.
    again._done = None
    _walked(again)
    assert len(screened.events("SCREENING_REQUESTED")) == 1


def _walked(again: Any) -> int:
    """Take steps until there is nothing to do until the next look; gives how many asked."""
    pauses = []
    for _ in range(10):
        pauses.append(asyncio.run(again.step()))
        if pauses[-1] == 15 * 60:
            break
    else:
        raise AssertionError(f"no end of it: {pauses}")
    return sum(pause > 1 for pause in pauses[:-1])


def test_too_many_hits_for_one_event_are_counted(screened: Screened) -> None:
    """What has no room is not told, and that there is more is."""
    long = {"topics": ["sanction"], "name": ["Ivan Sokolov"], "birthDate": ["1971" * 500]}
    screened.put(*({"id": f"Q{n}", "schema": "Person", "properties": long} for n in range(40)))
    screened.named()
    screened.deliver()
    found = screened.screening()
    assert 0 < len(found.found) < 40
    assert len(found.found) + found.more == 40


def test_a_session_that_was_erased_is_not_screened(screened: Screened) -> None:
    """A parcel that is left of it goes its way and brings nothing back."""
    screened.named()
    (row,) = screened.store.waiting("screening", 10)
    gone = replace(row.parcel, session_id=OTHER)
    asyncio.run(screened.exporter.deliver(gone))
    assert not screened.store.events(OTHER)


@pytest.mark.parametrize(
    ("section", "problem"),
    [
        ({"local": {"lists": []}}, "exporters.screening.local.lists: tuple should have at least 1"),
        ({"yente": {"url": "https://a.example"}}, "set yente or local, not both"),
        ({"nonsense": 1}, "exporters.screening.nonsense: is unknown"),
        ({"names": [[]]}, "exporters.screening.names.0"),
    ],
)
def test_settings_that_cannot_be_meant_are_told(
    made: Any, section: dict[str, Any], problem: str
) -> None:
    """A faulty section is told by its key when the collector starts."""
    with pytest.raises(ConfigError, match=problem):
        made(**section)


def test_without_lists_there_is_no_screening(made: Any) -> None:
    """With neither yente nor lists set there is nothing to do."""
    with pytest.raises(AssertionError, match="there is no exporter"):
        made(local=None)


def test_what_is_not_installed_is_named(made: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lists of one's own without what compares names stop the start, and it is said what to do."""
    for module in [name for name in sys.modules if name.startswith(_LOCAL)]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, "rapidfuzz.distance", None)
    with pytest.raises(ConfigError, match=r"needs rapidfuzz.*journeytrace\[screening\]"):
        made()
