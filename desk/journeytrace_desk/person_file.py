"""All data of a person as one JSON file: its format is described in docs/person-file.md."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any, Final

import msgspec

from journeytrace.conventions import Source
from journeytrace_collector.admin.told import told_event
from journeytrace_collector.core.derive import rfc3339
from journeytrace_collector.core.model import Event
from journeytrace_collector.store.base import Known, Subject
from journeytrace_desk.administering import Administering

__all__ = ["FORMAT", "VERSION", "parts"]

FORMAT: Final = "journeytrace.person"
VERSION: Final = 1

_encode = msgspec.json.Encoder().encode


async def parts(
    store: Administering, subject: Subject, session_ids: Sequence[str], by: str, now: int
) -> AsyncIterator[bytes]:
    """Give the file piece by piece: at most one session is in memory.

    `session_ids` are in their order, and no others of the subject are told; `now` in ns. Sessions
    that are gone meanwhile are left out.
    """
    wanted = set(session_ids)
    head = {
        "format": FORMAT,
        "version": VERSION,
        "exported_at": rfc3339(now),
        "exported_by": by,
        "subject": {subject.field: subject.value},
        "only_projects": None if subject.scope.only is None else sorted(subject.scope.only),
        "without_projects": sorted(subject.scope.but),
    }
    told = 0
    # Its closing brace comes at the end of the file.
    yield _encode(head)[:-1] + b',"sessions":['
    async for known in store.sessions(subject):
        if known.state.session_id not in wanted:
            continue
        if told:
            yield b","
        async for part in _session(store, known, now):
            yield part
        told += 1
    yield b'],"told":%d,"complete":true}\n' % told


async def _session(store: Administering, known: Known, now: int) -> AsyncIterator[bytes]:
    events = await store.events(known.state.session_id)
    yield b'{"session_id":' + _encode(known.state.session_id)
    yield b',"summary":' + _encode(store.summary(known, now))
    for name, is_done in (("events", False), ("people", True)):
        yield b',"%s":[' % name.encode()
        first = True
        for event in events:
            if (event.source == Source.OP) is is_done:
                yield (b"" if first else b",") + _encode(_told(store, event))
                first = False
        yield b"]"
    yield b"}"


def _told(store: Administering, event: Event) -> dict[str, Any]:
    kept = {
        name: getattr(event, name)
        for name in ("project_id", "submission_id", "flow_id", "user_id", "email")
    }
    told = msgspec.structs.asdict(told_event(event, store.catalogue.error_codes))
    # It depends on what else is told of a session.
    del told["order_certain"]
    return told | {
        **kept,
        "received_at": rfc3339(event.received),
    }
