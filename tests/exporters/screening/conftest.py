"""A screening exporter between a real store and its outbox; its clock goes by hand."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from tests.support.events import IDLE_TIMEOUT, NOON, SECOND, SESSION, event

from journeytrace import conventions as names
from journeytrace.catalogue import builtin_catalogue
from journeytrace_collector.core.decode import Decoder
from journeytrace_collector.core.measure import Measure
from journeytrace_collector.core.model import Event
from journeytrace_collector.core.record import Limits
from journeytrace_collector.core.screening import Screening, screening
from journeytrace_collector.health import Health
from journeytrace_collector.ingest import Ingest
from journeytrace_collector.outbox.delivery import Delivery, Round
from journeytrace_collector.outbox.effects import effects
from journeytrace_collector.outbox.exporter import Context
from journeytrace_collector.recording import Recorder
from journeytrace_collector.settings import Settings
from journeytrace_collector.store import SqliteStore
from journeytrace_exporters.screening import ScreeningExporter, create

SOKOLOV = {"id": "Q1", "schema": "Person", "referents": ["old-1"]} | {
    "properties": {"name": ["Ivan Sokolov"], "topics": ["sanction"], "birthDate": ["1971-05-09"]}
}


class Screened:
    """A store that is followed by a screening exporter with a list of its own."""

    def __init__(self, folder: Path, store: SqliteStore, ingest: Ingest, **section: Any) -> None:
        self.now = NOON
        self.path = folder / "list.jsonl"
        self.put(SOKOLOV)
        self.store = store
        self.health = Health()
        catalogue = builtin_catalogue()
        recorder = Recorder(lambda: self.now)
        recorder.open(ingest, Decoder(catalogue, Limits()))
        self.record = recorder
        local = {"lists": [{"name": "ours", "path": self.path, "covers": ["sanctions", "pep"]}]}
        given = {"local": local, **section}
        clock = lambda: self.now  # noqa: E731
        context = Context(given, Settings(), store, clock, self.health, recorder)
        made = create(context)
        assert made is not None, "there is no exporter"
        self.exporter: ScreeningExporter = made
        exporters = {"screening": self.exporter}
        store.follow(effects(Measure(catalogue), exporters, self.health))
        self._delivery = Delivery(exporters, store, ingest, self.health, clock)

    def put(self, *entities: dict[str, Any]) -> None:
        """Write the list."""
        text = "".join(json.dumps(one, ensure_ascii=False) + "\n" for one in entities)
        self.path.write_text(text, encoding="utf-8")

    def happen(self, *events: Event) -> None:
        """Let events come in."""
        self.store.write(events)

    def known(self, session_id: str = SESSION, **attributes: str) -> None:
        """Let a service say what it read off a document."""
        said = {key.replace("__", "."): value for key, value in attributes.items()}
        self.now += SECOND
        self.happen(
            event("ID_RECOGNITION", self.now, session_id=session_id, metadata=json.dumps(said))
        )

    def named(self, name: str = "Ivan Sokolov", session_id: str = SESSION) -> None:
        """Let a service say who it is."""
        self.known(session_id, extracted__full_name=name)

    def deliver(self, *, again: bool = False) -> Round:
        """Deliver what is due, a second later."""
        self.now += SECOND
        return asyncio.run(self._delivery.step("screening", again=again))

    def do(self, name: str, session_id: str = SESSION, **attributes: Any) -> None:
        """Let Ann do something."""
        self.now += SECOND
        said = {key.replace("__", "."): value for key, value in attributes.items()}
        asyncio.run(self.record(name, session_id, "ann", said))

    def mark(self, one: str, name: str = "CLEARED", session_id: str = SESSION) -> None:
        """Let Ann say what she thinks of a hit."""
        said = {names.PRIVATE_HIT: one, names.PRIVATE_TEXT: "born elsewhere"}
        self.do(f"SCREENING_HIT_{name}", session_id, **said)

    def events(self, name: str, session_id: str = SESSION) -> list[Event]:
        """Give the events of a name."""
        return [one for one in self.store.events(session_id) if one.name == name]

    def screening(self, session_id: str = SESSION) -> Screening:
        """Give what is known of a session."""
        found = screening(self.store.events(session_id))
        assert found is not None
        return found


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Any]:
    """Give a function that makes what is tested from settings."""
    store = SqliteStore(tmp_path / "data", builtin_catalogue(), IDLE_TIMEOUT)
    ingest = Ingest(store, 10_000_000)
    with closing(store), closing(ingest):
        yield lambda **section: Screened(tmp_path, store, ingest, **section)


@pytest.fixture
def screened(made: Any) -> Screened:
    """Give what is tested."""
    found: Screened = made()
    return found
