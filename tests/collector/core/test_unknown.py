"""Names outside the catalogue are remembered once, within bounds, and can be made known."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.events import NOON, event

from journeytrace.catalogue import builtin_catalogue, load_catalogue
from journeytrace.conventions import Impact, is_name
from journeytrace_collector.core.change import Change, SessionChange
from journeytrace_collector.core.model import Event
from journeytrace_collector.core.sessionize import state_of
from journeytrace_collector.core.unknown import MAX_UNKNOWN, UnknownNames, toml_lines

CATALOGUE = builtin_catalogue()

# Of what the decoder lets through: printable, for stages and reasons also long and with space.
NAMES = st.text(st.characters(exclude_categories=("C", "Z")), min_size=1, max_size=6) | (
    st.sampled_from((" X", "X ", "a.b", 'a"b', "\\", "STEP3", "ENTRY", "x" * 200))
)


def change(*events: Event) -> Change:
    """Make the change that these events of one session bring."""
    return Change(NOON, [SessionChange(None, state_of(events, CATALOGUE), events)])


def test_each_name_is_new_once_and_counted_always() -> None:
    """An event, a stage and a reason that nobody knows come up once each; what is known never."""
    unknown = UnknownNames(CATALOGUE)
    events = (
        event("PET_CHECK", stage="PETS", impact="RETAKE"),
        event("REJECTED", NOON + 1, reason="PET_ASLEEP"),
        event("REJECTED", NOON + 2, reason="CUSTOM_POLICY"),
        event("STEP_VIEW", NOON + 3, reason="not of a decision"),
    )
    found = unknown.note(change(*events))
    assert [(name.kind, name.name) for name in found] == [
        ("stage", "PETS"),
        ("event", "PET_CHECK"),
        ("reason", "PET_ASLEEP"),
    ]
    assert unknown.note(change(*events)) == []
    assert [name.count for name in unknown] == [2, 2, 2]


def test_what_people_do_is_in_nobodys_file() -> None:
    """An event of source OP that nobody knows is no line for a user's own catalogue."""
    assert UnknownNames(CATALOGUE).note(change(event("SHREDDED", source="OP"))) == []


def test_a_slip_is_told() -> None:
    """A name that reads like a known one is told with it; one that does not, with none."""
    unknown = UnknownNames(CATALOGUE)
    unknown.note(change(event("FACE_COMPARED"), event("PET_CHECK", NOON + 1)))
    assert [name.similar for name in unknown] == ["FACE_COMPARE", None]


def test_what_is_remembered_is_bounded() -> None:
    """A sender who makes names up fills no memory, and that there were more is told."""
    unknown = UnknownNames(CATALOGUE)
    unknown.note(change(*(event(f"MADE_UP_{n}", NOON + n) for n in range(MAX_UNKNOWN))))
    assert unknown.complete
    assert unknown.note(change(event("ONE_MORE", stage="MORE"))) == []
    assert len(list(unknown)) == MAX_UNKNOWN
    assert not unknown.complete


@given(st.lists(st.tuples(NAMES, NAMES, NAMES, st.sampled_from([*Impact])), max_size=5), st.data())
@settings(max_examples=40, deadline=None)
def test_the_lines_make_every_name_known(
    sent: list[tuple[str, str, str, Impact]], data: st.DataObject
) -> None:
    """The lines are a catalogue file that loads, and nothing that can be named is unknown then."""
    events = []
    for place, (name, stage, reason, impact) in enumerate(sent):
        events.append(event(name, NOON + place, stage=stage, impact=impact.value))
        decision = data.draw(st.sampled_from(("REJECTED", "PENDING")))
        events.append(event(decision, NOON + place, stage=stage, reason=reason))
    unknown = UnknownNames(CATALOGUE)
    if events:
        unknown.note(change(*events))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "own.toml"
        path.write_text(toml_lines(unknown), encoding="utf-8")
        catalogue = load_catalogue(path)
    known = {
        "event": set(catalogue.events),
        "stage": set(catalogue.stages),
        "reason": {f"{decision} {name}" for decision, name in catalogue.reasons},
    }
    for one in unknown:
        key = f"{one.decision} {one.name}" if one.decision else one.name
        assert key in known[one.kind] or not is_name(one.name)
