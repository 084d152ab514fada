"""What the screenings of a session have come to."""

from __future__ import annotations

import json

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.events import NOON, event
from tests.support.screenings import ended, hit, ids, marked

from journeytrace import conventions as names
from journeytrace_collector.core.model import Event
from journeytrace_collector.core.screening import (
    Category,
    Mark,
    State,
    marks,
    open_hits,
    screening,
)

_FAILED = dict.fromkeys(Category, State.FAILED)


def test_a_session_that_was_never_screened_has_no_screening() -> None:
    """Without a screening nothing is told, clear least of all."""
    assert screening([event("STEP_VIEW"), marked(1, "Q1")]) is None
    assert open_hits([marked(1, "Q1")]) == 0


def test_only_people_and_the_screener_speak_of_screenings() -> None:
    """A record of a service or of a browser under such a name is none of them."""
    forged = ended(1, source="BE")
    assert screening([forged]) is None


def test_the_newest_mark_of_a_hit_counts() -> None:
    """Who cleared a hit and confirms it later has confirmed it, and it stands in the way."""
    events = [ended(1, hit("Q1"), hit("Q2")), marked(2, "Q1")]
    assert open_hits(events) == 1
    assert open_hits([*events, marked(3, "Q1", confirmed=True)]) == 2
    found = screening(events)
    assert found is not None
    said = {one.hit.id: one.mark for one in found.found}
    assert said["Q2"] is None
    assert said["Q1"] is not None
    assert (said["Q1"].actor, said["Q1"].text) == ("ann", "why")


def test_what_is_not_told_of_a_category_was_not_checked() -> None:
    """A category of which nothing is said, or something unknown, is not covered."""
    told = {names.SCREENING_STATES + "pep": "CLEAR", names.SCREENING_STATES + "criminal": "GREEN"}
    found = screening([event("SCREENING_ENDED", metadata=json.dumps(told))])
    assert found is not None
    assert {category for category, state in found.states.items() if state is State.CLEAR} == {
        Category.PEP
    }


def test_a_screening_that_failed_takes_nothing_back() -> None:
    """Hits that were found before stand open after a later screening fails."""
    events = [ended(1, hit("Q1")), ended(2, states=_FAILED)]
    found = screening(events)
    assert found is not None
    assert set(found.states.values()) == {State.FAILED}
    assert ids(found.of(Category.SANCTIONS)) == ["Q1"]
    assert open_hits(events) == 1


def test_a_newer_screening_replaces_what_was_found() -> None:
    """What is on no list any more is no hit any more."""
    assert open_hits([ended(1, hit("Q1")), ended(2)]) == 0


def test_a_hit_that_has_merged_is_known_by_its_former_id() -> None:
    """Who cleared an entry has cleared what it became, and a confirmation outweighs that."""
    merged = ended(3, hit("NK-1", referents=("Q1", "Q2")))
    assert open_hits([marked(1, "Q1"), merged]) == 0
    assert open_hits([marked(1, "Q1"), marked(0, "Q2", confirmed=True), merged]) == 1


def test_what_is_known_from_another_session_counts_until_somebody_says_otherwise() -> None:
    """A hit that was cleared elsewhere is cleared here, with where, unless it is confirmed here."""
    mark = Mark(NOON, "00" * 8, False, "bob", "born elsewhere", "other-session")
    events = [ended(1, hit("Q1", known=mark))]
    found = screening(events)
    assert found is not None
    assert found.found[0].mark == mark
    assert open_hits(events) == 0
    assert open_hits([*events, marked(2, "Q1", confirmed=True)]) == 1


def test_a_session_remembers_for_others_what_it_remembered_itself() -> None:
    """What a session was told of another is told on, and the newest of all marks wins."""
    mark = Mark(NOON - 5, "00" * 8, False, "bob", "born elsewhere", "other-session")
    known = hit("Q1", known=mark, referents=("old",))
    assert marks([ended(1, known)]) == {"Q1": mark, "old": mark}
    assert marks([ended(1, known), marked(2, "Q1")])["Q1"].actor == "ann"


def test_hits_that_are_not_told_count() -> None:
    """A screener of somebody else's that tells a number alone is believed."""
    metadata = json.dumps({names.SCREENING_HITS: 2, names.SCREENING_STATES + "pep": "HITS"})
    assert open_hits([event("SCREENING_ENDED", metadata=metadata)]) == 2


def test_masked_hits_count_as_they_were_told() -> None:
    """Where the hits are masked their number is known, and that they cannot be read."""
    one = ended(1, hit("Q1"), hit("Q2"))
    attributes = json.loads(one.metadata) | {names.PRIVATE_HITS: "•••"}
    found = screening([msgspec.structs.replace(one, metadata=json.dumps(attributes))])
    assert found is not None
    assert (found.hidden, found.found) == (2, ())


_EVENTS = st.lists(
    st.one_of(
        st.builds(
            lambda at, which, failed: ended(
                at, *map(hit, sorted(which)), states=_FAILED if failed else None
            ),
            st.integers(0, 3),
            st.frozensets(st.sampled_from(["Q1", "Q2", "Q3"])),
            st.booleans(),
        ),
        st.builds(
            lambda at, one, confirmed: marked(at, one, confirmed=confirmed),
            st.integers(0, 3),
            st.sampled_from(["Q1", "Q2"]),
            st.booleans(),
        ),
    ),
    max_size=8,
)


@settings(max_examples=60)
@given(_EVENTS, st.randoms(use_true_random=False))
def test_neither_order_nor_duplicates_matter(events: list[Event], random: object) -> None:
    """Any order of the events, some of them twice, gives the same."""
    shuffled = [*events, *events[::2]]
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert screening(shuffled) == screening(events)
    assert open_hits(shuffled) == open_hits(events)
    assert marks(shuffled) == marks(events)
