"""What holds the store's statements to their indexes sees a statement that has none."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from tests.collector.store.conftest import Open
from tests.support.plans import Plans
from tests.support.postgresql import Server

from journeytrace_collector.store import Store

CONTRACT = Path(__file__).parents[2] / "contract"


@pytest.fixture(scope="module")
def plans(server: Server) -> Plans:
    """Give what explains each statement that is sent to that server."""
    return Plans(server)


@pytest.fixture
def noted(plans: Plans, open_store: Open) -> Iterator[psycopg.Connection[tuple[object, ...]]]:
    """Give the writing connection of a store, of which all statements are noted."""
    with plans.noting():
        store = open_store("one")
        writer = store._connections._writer
        assert writer is not None
        yield writer


@pytest.mark.parametrize(
    ("statement", "fault"),
    [
        ("SELECT no FROM sessions WHERE reason = 'A' OR told = 'ERROR'", "reads all of sessions"),
        ("UPDATE events SET result = 'FAIL' WHERE service = 'web'", "reads all of events"),
        ("SELECT count(*) FROM tasks WHERE title = 'x'", "reads all of"),
        ("SELECT count(*) FROM erasing", "reads all of the index erasing_pkey"),
        ("SELECT no FROM sessions WHERE no = 7", None),
        ("SELECT name FROM settings WHERE value = 1", None),
    ],
)
def test_a_statement_without_an_index_is_seen(
    plans: Plans,
    noted: psycopg.Connection[tuple[object, ...]],
    statement: str,
    fault: str | None,
) -> None:
    """It is named with the table, or the index, that it reads as a whole."""
    plans.faults()
    noted.execute(statement.encode())
    found = plans.faults()
    assert [one.split(":", 1)[0].startswith(fault or "-") for one in found] == [True] * bool(fault)


def test_no_method_of_a_store_is_left_out() -> None:
    """Each is called in the contract, where all that it sends is explained."""
    text = "".join(file.read_text("utf-8") for file in CONTRACT.glob("*.py"))
    methods = {name for name in vars(Store) if not name.startswith("_")}
    assert {name for name in methods if not re.search(rf"\.{name}\b", text)} == set()
