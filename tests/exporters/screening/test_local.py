"""Lists of one's own: who is found on them, and what becomes of faulty files."""

from __future__ import annotations

import asyncio
import json
import logging
from collections import Counter, defaultdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.waiting import PATIENCE

from journeytrace_collector.core.screening import Category, State
from journeytrace_exporters.screening.local.hangul import romanised
from journeytrace_exporters.screening.local.lists import Limits, ListFile
from journeytrace_exporters.screening.local.match import Person, keys_of, likeness, names_alike
from journeytrace_exporters.screening.local.names import name_of
from journeytrace_exporters.screening.local.screener import LocalScreener
from journeytrace_exporters.screening.screener import (
    MOST_HITS,
    Answer,
    Query,
    ScreenerError,
    categories_of,
)

THRESHOLD = 0.8
PAIRS = Path(__file__).parents[2] / "data" / "screening" / "pairs.jsonl"
SANCTIONS = frozenset({Category.SANCTIONS})


def person(name: str, one: str = "Q1", **properties: Any) -> str:
    """Make a line of a list."""
    given = {"name": [name], "topics": ["sanction"], **properties}
    return json.dumps({"id": one, "schema": "Person", "properties": given}, ensure_ascii=False)


def screener(
    path: Path, covers: frozenset[Category] = SANCTIONS, limits: Limits | None = None
) -> LocalScreener:
    """Make a screener of one list."""
    found = limits or Limits(1_000_000, 1_000)
    return LocalScreener([ListFile("ours", path, covers)], THRESHOLD, found)


def look(local: LocalScreener, name: str = "Ivan Sokolov", **more: Any) -> Answer:
    """Look for somebody."""
    return asyncio.run(asyncio.wait_for(local.screen(Query((name,), **more)), PATIENCE))


def listed(tmp_path: Path, *lines: str) -> Path:
    """Write a list."""
    path = tmp_path / "list.jsonl"
    path.write_text("".join(line + "\n" for line in lines), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("محمد حسين", "Mohammed Hussein"),
        ("Muhammad Husayn", "Mohamed Hussain"),
        ("Jon Smith", "John Smith"),
        ("習近平", "Xi Jinping"),
        ("김정은", "Kim Jong Un"),
        ("Gim Jeongeun", "Kim Jong Un"),
    ],
)
def test_names_that_programs_get_wrong_are_found(one: str, other: str, tmp_path: Path) -> None:
    """Each of six pairs that other matchers miss is a hit, whichever of the two is on the list."""
    for asked, on_list in ((one, other), (other, one)):
        assert look(screener(listed(tmp_path, person(on_list))), asked).hits


@pytest.mark.parametrize(
    ("hangul", "latin"),
    [("김", "gim"), ("정", "jeong"), ("은", "eun"), ("값", "gap"), ("아", "a"), ("힣", "hit")],
)
def test_hangul_is_written_by_the_revised_romanization(hangul: str, latin: str) -> None:
    """A syllable is its initial, its vowel and its final as they sound by themselves."""
    assert romanised(hangul) == latin


def _sides(pair: dict[str, Any]) -> tuple[Person, Person]:
    found = []
    for side in ("query", "entry"):
        said = pair[side]
        dates = (said["birth_date"],) if "birth_date" in said else ()
        places = (said["country"],) if "country" in said else ()
        found.append(Person((said["name"],), dates, places))
    return found[0], found[1]


def _pairs() -> list[dict[str, Any]]:
    return [json.loads(line) for line in PAIRS.read_text(encoding="utf-8").splitlines()]


def test_labelled_pairs_are_told_apart() -> None:
    """Of 300 labelled pairs each slice keeps at least nine tenths precision and recall."""
    counted: defaultdict[str, Counter[tuple[bool, bool]]] = defaultdict(Counter)
    for pair in _pairs():
        found = likeness(*_sides(pair)).score >= THRESHOLD
        counted[pair["slice"]][pair["match"], found] += 1
    assert sum(sum(one.values()) for one in counted.values()) == 300
    for name, one in counted.items():
        right = one[True, True]
        assert right / (right + one[False, True]) > 0.9, name
        assert right / (right + one[True, False]) > 0.9, name


def test_whoever_is_alike_is_among_the_candidates() -> None:
    """The index passes nobody over who would be a hit."""
    for pair in _pairs():
        one, other = (name_of(side.names[0]) for side in _sides(pair))
        if names_alike(one, other) >= THRESHOLD:
            assert set(keys_of(one)) & set(keys_of(other)), pair


_NAMES = st.text(max_size=30) | st.sampled_from(
    ["김정은", "محمد حسين", "abd", "عبد", "-", "J. R.", "al", "王", "de la", "Dr", "\ud800x"]
)


@settings(max_examples=100)
@given(_NAMES, _NAMES)
def test_any_text_can_be_compared(one: str, other: str) -> None:
    """Whatever a name is made of, two give the same score from both sides, from 0 to 1."""
    score = names_alike(name_of(one), name_of(other))
    assert 0 <= score <= 1
    assert names_alike(name_of(other), name_of(one)) == score


@pytest.mark.parametrize("name", ["Le Van Do", "Do", "J. R.", "عمر", "김정은", "Ng", "Dr"])
def test_everybody_is_found_by_their_own_name(name: str, tmp_path: Path) -> None:
    """Also whose name is nothing but what is left out of others."""
    (hit,) = look(screener(listed(tmp_path, person(name))), name).hits
    assert hit.score == 1


@settings(max_examples=50)
@given(
    st.frozensets(st.sampled_from(list(Category))).filter(bool),
    st.lists(st.sampled_from(["role.pep", "sanction.linked", "crime", "poi", "reg.warn"])),
    st.sampled_from(["Ivan Sokolov", "Somebody Else"]),
)
def test_no_category_is_clear_that_no_list_covers(
    covers: frozenset[Category], topics: list[str], name: str
) -> None:
    """Whatever is found or not, clear is only what a list covers and gave no hit of."""
    hits = categories_of(topics, covers) if name == "Ivan Sokolov" else ()
    with TemporaryDirectory() as folder:
        answer = look(
            screener(listed(Path(folder), person("Ivan Sokolov", topics=topics)), covers), name
        )
    for category, state in answer.states.items():
        if category in hits:
            assert state is State.HITS
        else:
            assert state is (State.CLEAR if category in covers else State.NOT_COVERED)


def test_an_entry_without_topics_is_adverse_media_where_its_list_says_so() -> None:
    """No topic stands for adverse media; elsewhere such an entry is of another kind."""
    assert categories_of([], {Category.ADVERSE_MEDIA}) == (Category.ADVERSE_MEDIA,)
    assert categories_of([], SANCTIONS) == (Category.OTHER,)
    assert categories_of(["asset.frozen", "wanted"]) == (Category.SANCTIONS, Category.CRIMINAL)


def test_bad_lines_are_told_by_number_and_end_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """What cannot be read is counted in the answer, and all else is searched."""
    caplog.set_level(logging.WARNING)
    company = json.dumps({"id": "C", "schema": "Company", "properties": {"name": ["Sokolov Ltd"]}})
    nameless = json.dumps({"id": "N", "schema": "Person", "properties": {}})
    path = listed(tmp_path, "{", person("Somebody Else"), nameless, company, "")
    with path.open("ab") as file:
        file.write(b"\xff\n" + b"x" * 1_100_000 + b"\n" + person("Ivan Sokolov", "Q2").encode())
    answer = look(screener(path, limits=Limits(10_000_000, 10)))
    assert [hit.id for hit in answer.hits] == ["Q2"]
    assert answer.unread == 4
    told = [record.getMessage() for record in caplog.records]
    assert [text.split("line ")[1].split(" ")[0] for text in told] == ["1", "3", "6", "7"]


def test_a_list_that_changes_is_read_again(tmp_path: Path) -> None:
    """Who is put on the file is found by the next screening, and the version is another."""
    path = listed(tmp_path, person("Somebody Else"))
    local = screener(path)
    before = look(local)
    assert before.states[Category.SANCTIONS] is State.CLEAR
    path.write_text(person("Ivan Sokolov") + "\n", encoding="utf-8")
    after = look(local)
    assert after.states[Category.SANCTIONS] is State.HITS
    assert after.lists != before.lists
    assert asyncio.run(local.version()) == after.lists


@pytest.mark.parametrize(
    ("lines", "limits", "problem"),
    [
        (None, Limits(10_000, 10), "No such file"),
        ([], Limits(10_000, 10), "nobody is on it"),
        (["{"], Limits(10_000, 10), "nobody is on it"),
        ([person("Ann Lee")], Limits(10, 10), "larger than 10 bytes"),
        ([person("Ann Lee", str(n)) for n in range(3)], Limits(10_000, 2), "more than 2 people"),
    ],
)
def test_a_list_that_cannot_be_searched_clears_nobody(
    lines: list[str] | None, limits: Limits, problem: str, tmp_path: Path
) -> None:
    """A file that is missing, empty or too large is a failure, and never an empty list."""
    path = tmp_path / "missing" if lines is None else listed(tmp_path, *lines)
    with pytest.raises(ScreenerError, match=problem):
        look(screener(path, limits=limits))


def test_a_hit_tells_what_speaks_for_it_and_against_it(tmp_path: Path) -> None:
    """Birth dates and countries are compared where both are known, and a conflict costs."""
    lines = [
        person("Ivan Sokolov", "same", birthDate=["1971-05-09"], nationality=["ru"]),
        person("Ivan Sokolov", "near", birthDate=["1971-09-05"], nationality=["by"]),
        person("Ivan Sokolov", "other", birthDate=["1949"]),
        person("Ivan Sokolov", "unknown"),
    ]
    answer = look(screener(listed(tmp_path, *lines)), birth_date="1971-05-09", country="RU")
    said = {hit.id: [one.agrees for one in hit.evidence] for hit in answer.hits}
    assert said == {
        "same": [True, True, True],
        "unknown": [True, None, None],
        "near": [True, False, False],
    }
    scores = {hit.id: hit.score for hit in answer.hits}
    assert scores["same"] == scores["unknown"] == 1.0 > scores["near"]


def test_who_was_cleared_stands_behind(tmp_path: Path) -> None:
    """More hits than are told leave out those that were cleared, and say how many."""
    lines = [person("Ivan Sokolov", f"Q{n}") for n in range(MOST_HITS + 5)]
    answer = look(screener(listed(tmp_path, *lines)), cleared=frozenset({"Q0", "Q1"}))
    assert (len(answer.hits), answer.more) == (MOST_HITS, 5)
    assert not {"Q0", "Q1"} & {hit.id for hit in answer.hits}
