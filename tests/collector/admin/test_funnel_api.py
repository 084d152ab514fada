"""``GET /api/v1/funnel``: one definition, and the stages of the catalogue in use."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from typing import Any
from urllib.request import urlopen

import pytest
from tests.support.events import MINUTE, SECOND, event
from tests.support.running import enter_in_background
from tests.support.waiting import PATIENCE

from journeytrace.catalogue import load_catalogue
from journeytrace_collector.cli.client import ApiError, Funnel, connect
from journeytrace_collector.core.derive import rfc3339
from journeytrace_collector.process import Collector
from journeytrace_collector.settings import Address, Settings
from journeytrace_collector.store import SqliteStore

START = time.time_ns() // SECOND * SECOND - 10 * MINUTE
"""Not long ago, or the sessions would have expired."""

OWN = """
[stages.CONSENT]
after = "POST"

[events.CONSENT_GIVEN]
source = "FE"
stage = "CONSENT"
impact = "NONE"
meaning = "The user has agreed."
"""


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A collector with a stage of its user's own, and three sessions of two projects."""
    folder = tmp_path_factory.mktemp("site")
    catalogue = folder / "own.toml"
    catalogue.write_text(OWN)
    store = SqliteStore(folder / "data", load_catalogue(catalogue), 20 * MINUTE)
    store.write(
        [
            event("STEP1_ENTERED", START, session_id="a", project_id="acme"),
            event(
                "CONSENT_GIVEN", START + SECOND, session_id="b", project_id="acme", stage="CONSENT"
            ),
            event("STEP2_ENTERED", START + MINUTE, session_id="c", project_id="globex"),
            event("REJECTED", START + SECOND, session_id="a", reason="LIVENESS_FAIL", stage=None),
            event("IP_RISK_CHECK", START + SECOND, session_id="a", stage=None, impact="BLOCKED"),
        ]
    )
    store.close()
    free = Address("127.0.0.1", 0)
    settings = Settings(
        data=folder / "data",
        otlp_grpc=free,
        otlp_http=free,
        admin=free,
        desk=None,
        catalogue=catalogue,
    )
    with enter_in_background() as enter:
        yield str(enter(Collector(settings)).admin)


def asked(url: str, **filters: str) -> Funnel:
    """Ask as the command line does."""

    async def ask() -> Funnel:
        async with connect(url) as client:
            return await client.funnel(filters)

    return asyncio.run(ask())


def test_the_funnel_follows_the_catalogue_in_use(url: str) -> None:
    """The user's own stage is a step, and who came to it has passed all the others."""
    found = asked(url)
    assert found["sessions"] == 3
    counts = {step["stage"]: step["sessions"] for step in found["steps"]}
    assert [*counts][-2:] == ["POST", "CONSENT"]
    assert counts["STEP1"] == 3
    assert counts["PRE_STEP2"] == counts["STEP2"] == 2
    assert counts["POST"] == counts["CONSENT"] == 1


def test_a_project_and_a_time_can_be_chosen(url: str) -> None:
    """Sessions created since then, before then, and of that project alone."""
    assert asked(url, project="acme")["sessions"] == 2
    late, early = {"since": rfc3339(START + MINUTE)}, {"until": rfc3339(START + MINUTE)}
    assert asked(url, **late)["sessions"] == 1
    assert asked(url, **early)["sessions"] == 2
    assert asked(url, project="acme", **late)["sessions"] == 0
    assert asked(url, project="")["sessions"] == 0


def get(url: str, path: str) -> Any:
    """Ask for what the command line does not."""
    with urlopen(f"http://{url.removeprefix('http://')}{path}", timeout=PATIENCE) as reply:
        return json.load(reply)


def test_people_can_be_counted(url: str) -> None:
    """Of a person's sessions one counts; without a user id each is a person of its own."""
    assert asked(url, per="person")["sessions"] == 3
    assert get(url, "/api/v1/sessions?per=person&reached=POST")["sessions"][0]["session_id"] == "b"


def test_reasons_and_blocks_are_told(url: str) -> None:
    """Each with its meaning and its share."""
    found = get(url, "/api/v1/reasons?project=acme")
    assert found["sessions"] == 2
    assert found["reasons"] == [
        {
            "decision": "REJECTED",
            "reason": "LIVENESS_FAIL",
            "meaning": "The picture did not show a live person.",
            "sessions": 1,
            "of_decision": 1.0,
        }
    ]
    (block,) = get(url, "/api/v1/blocks")["blocks"]
    assert (block["event"], block["sessions"]) == ("IP_RISK_CHECK", 1)


def test_what_it_does_not_know_is_refused(url: str) -> None:
    """With what it knows."""
    with pytest.raises(ApiError, match="status is no parameter of this list; allowed: project"):
        asked(url, status="DROPPED")
