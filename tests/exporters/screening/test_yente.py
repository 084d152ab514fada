"""yente is asked in its own format, and no answer of it is taken for more than it says."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from tests.support.yente import Yente, entity
from yarl import URL

from journeytrace_collector.core.screening import Category, Compared, State
from journeytrace_exporters.screening.screener import Answer, Query, ScreenerError
from journeytrace_exporters.screening.settings import YenteSettings
from journeytrace_exporters.screening.yente import YenteScreener

QUERY = Query(("Ivan Sokolov", "Иван Соколов"), "1971-05-09", "ru")
COVERED = YenteSettings(url=URL("https://api.example.com")).covered


def ask(
    server: Yente, query: Query = QUERY, covers: frozenset[Category] = COVERED, **more: Any
) -> Answer:
    """Ask a server."""
    answer: Answer = _with(server, lambda screener: screener.screen(query), covers, **more)
    return answer


def _with(
    server: Yente,
    do: Callable[[YenteScreener], Any],
    covers: frozenset[Category] = COVERED,
    **more: Any,
) -> Any:
    async def scenario() -> Any:
        async with server:
            url = URL(f"http://127.0.0.1:{server.port}/")
            given = {"allow_private_networks": True, **more}
            screener = YenteScreener(url, "default", covers, **given)
            try:
                return await do(screener)
            finally:
                await screener.close()

    return asyncio.run(scenario())


def test_a_person_is_asked_for_as_yente_wants_it() -> None:
    """One query for a person, with all names, the threshold and the key of the hosted one."""
    server = Yente()
    ask(server, api_key="secret", algorithm="logic-v2")
    ((request, body),) = server.asked
    assert request.path == "/match/default"
    assert request.headers["Authorization"] == "ApiKey secret"
    assert dict(request.query) == {"limit": "50", "threshold": "0.7", "algorithm": "logic-v2"}
    assert body == {
        "queries": {
            "person": {
                "schema": "Person",
                "properties": {
                    "name": ["Ivan Sokolov", "Иван Соколов"],
                    "birthDate": ["1971-05-09"],
                    "country": ["ru"],
                },
            }
        }
    }


def test_a_hit_tells_what_was_compared_and_what_yente_made_of_it() -> None:
    """Name, birth date and country stand beside the score, then yente's own explanations."""
    answer = ask(Yente([entity(referents=["ofac-1"])]))
    (hit,) = answer.hits
    assert (hit.id, hit.name, hit.score) == ("NK-1", "Ivan Sokolow", 0.91)
    assert (hit.lists, hit.categories) == (("us_ofac_sdn",), (Category.SANCTIONS,))
    assert hit.referents == ("ofac-1",)
    assert hit.evidence == (
        Compared("name", "Ivan Sokolov, Иван Соколов", "Ivan Sokolow", None),
        Compared("birth date", "1971-05-09", "1971-05-09", True),
        Compared("country", "ru", "ru", True),
        Compared("name_match 0.91", "Ivan Sokolov", "Ivan Sokolow"),
        Compared("dob_day_disjoint -0.10", "days differ", ""),
    )
    assert answer.lists == "20260101120000-abc"


def test_clear_is_only_what_the_dataset_covers() -> None:
    """Nothing found leaves adverse media uncovered, for no dataset of it was searched."""
    states = ask(Yente()).states
    assert states.pop(Category.ADVERSE_MEDIA) is State.NOT_COVERED
    assert set(states.values()) == {State.CLEAR}


def test_topics_say_of_which_category_a_hit_is() -> None:
    """An entity can be of several; what is under its threshold is no hit."""
    found = [
        entity("NK-1", topics=["role.pep", "crime.fraud"]),
        entity("NK-2", topics=["debarment"]),
        entity("NK-3", score=0.69),
    ]
    answer = ask(Yente(found), covers=frozenset({Category.SANCTIONS}))
    assert [hit.id for hit in answer.hits] == ["NK-1", "NK-2"]
    assert answer.states == {
        Category.PEP: State.HITS,
        Category.SANCTIONS: State.CLEAR,
        Category.CRIMINAL: State.HITS,
        Category.ADVERSE_MEDIA: State.NOT_COVERED,
        Category.OTHER: State.HITS,
    }


def test_who_was_cleared_does_not_crowd_others_out() -> None:
    """Where there are more hits than are given, it is asked again without those, 50 at most."""
    found = [entity(f"NK-{n}", score=0.99, referents=[f"old-{n}"]) for n in range(60)]
    found.append(entity("NK-new", score=0.8))
    cleared = frozenset(f"old-{n}" for n in range(60))
    server = Yente(found)
    answer = ask(server, Query(("Ivan Sokolov",), cleared=cleared))
    first, second = (request.query.getall("exclude_entity_ids", []) for request, _ in server.asked)
    assert (len(first), len(second)) == (0, 50)
    assert answer.hits[0].id == "NK-new"
    assert len(answer.hits) + answer.more == 61


@pytest.mark.parametrize(
    ("status", "told"),
    [
        (500, "yente answered 500"),
        (429, "yente answered 429"),
        (401, "api_key"),
        (404, "no such dataset"),
        (307, "redirects are not followed"),
    ],
)
def test_an_answer_that_is_none_fails(status: int, told: str) -> None:
    """Whatever yente says instead is told without what it repeats of the query."""
    with pytest.raises(ScreenerError, match=told) as caught:
        ask(Yente(status=status))
    assert "Sokolov" not in str(caught.value)


def test_an_answer_in_another_format_fails() -> None:
    """A proxy's page or a format of another time clears nobody."""
    with pytest.raises(ScreenerError, match="none of yente's"):
        ask(Yente([{**entity(), "match": "yes"}]))


def test_yente_in_a_private_network_is_not_asked_unless_that_is_allowed() -> None:
    """Without the setting no connection is made to this machine."""
    server = Yente()
    with pytest.raises(ScreenerError, match="private network"):
        ask(server, allow_private_networks=False)
    assert not server.asked


def test_the_version_is_that_of_the_index() -> None:
    """What yente's catalogue says is in its index tells whether lists have changed."""
    assert _with(Yente(version="v7"), lambda screener: screener.version()) == "v7"


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"url": "http://api.example.com"}, "must be https"),
        ({"url": "https://10.0.0.1"}, "10.0.0.1"),
        ({"url": "https://ann:pw@api.example.com"}, "api_key"),
        ({"url": "https://api.example.com", "dataset": "own_list"}, "what it covers"),
        ({"url": "https://api.example.com", "covers": []}, "at least 1"),
    ],
)
def test_settings_that_cannot_be_meant_are_refused(given: dict[str, Any], problem: str) -> None:
    """Each problem is told with what is allowed."""
    with pytest.raises(ValueError, match=problem):
        YenteSettings(**given)
