"""A session is of the release, browser, country and device that its earliest events tell."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.events import NOON, SECOND, event

from journeytrace_collector.core.model import Event
from journeytrace_collector.insight.groups import KEYS, MAX_VALUE, Groups, groups_of, groups_told


def said(at: int = NOON, name: str = "STEP_VIEW", **metadata: object) -> Event:
    """Give an event that says something of its session; `__` stands for a dot."""
    keys = {key.replace("__", "."): value for key, value in metadata.items()}
    return event(name, at, metadata=json.dumps(keys, separators=(",", ":"), ensure_ascii=False))


def test_the_earliest_event_that_tells_a_group_counts() -> None:
    """A session that is taken over by another release is of the one under which it began."""
    events = [
        said(NOON + 2 * SECOND, service__version="1.5", browser="Edge"),
        said(NOON + SECOND, service__version="1.4"),
        said(NOON, country="KR", path="/start"),
    ]
    assert groups_of(events) == Groups("1.4", "Edge", "KR", None)


def test_what_people_did_tells_nothing() -> None:
    """The browser of somebody who looked at a session is not the user's."""
    assert groups_of([said(name="SESSION_VIEWED", browser="Edge")]) == Groups()


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("1.4", "1.4"),
        (1.4, "1.4"),
        (7, "7"),
        (" Mobile\n Safari ", "Mobile Safari"),
        ("x" * 99, "x" * MAX_VALUE),
        (True, None),
        (None, None),
        ("  ", None),
        (["1.4"], None),
        ({"name": "1.4"}, None),
    ],
)
def test_a_value_is_told_in_one_short_line(value: object, told: str | None) -> None:
    """Texts and numbers tell a release, anything else is passed over."""
    assert groups_of([said(release=value)]).release == told


def test_the_standard_name_comes_before_our_own_word() -> None:
    """An event that says both is read by the name that OpenTelemetry gives it."""
    assert groups_of([said(device="phone", device__model__name="Pixel 10")]).device == "Pixel 10"


METADATA = st.dictionaries(
    st.sampled_from(("service.version", "browser", "country", "device", "path", "note")),
    st.text(max_size=3) | st.integers() | st.none() | st.just('"browser":'),
)


@given(st.lists(METADATA, max_size=6))
@settings(max_examples=50)
def test_what_tells_nothing_may_be_left_out(all_said: list[dict[str, object]]) -> None:
    """Metadata without any of the keys changes nothing, wherever it stands."""
    keys = {key for keys in KEYS.values() for key in keys}
    assert groups_told(map(compact, all_said)) == groups_told(
        compact(said) for said in all_said if keys & said.keys()
    )


def compact(said: dict[str, object]) -> str:
    """Write metadata as it is stored."""
    return json.dumps(said, separators=(",", ":"), ensure_ascii=False)
