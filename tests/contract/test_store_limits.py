"""The limits of a session: who is told, and what is counted."""

from __future__ import annotations

import pytest
from tests.contract.conftest import Place
from tests.support.events import NOON, event

from journeytrace_collector.core.decode import Decoded
from journeytrace_collector.ingest import Ingest
from journeytrace_collector.store import SessionLimits, Store, Written

ESCAPED = r'{"typed":"\u001b[31m"}'


def test_the_sender_of_a_refused_event_is_told(limited: Store) -> None:
    """An event over its session's limit is answered as rejected, whatever its metadata hold."""
    limited.write([event("OUR_OWN_EVENT", NOON + n) for n in range(10)])
    late = event("OUR_OWN_EVENT", NOON + 10, metadata=ESCAPED)
    ingest = Ingest(limited, max_queued_bytes=1_000)
    try:
        answer = ingest.submit(lambda _body, _at: Decoded(events=[late]), b"x", NOON).result(10)
    finally:
        ingest.close()
    assert answer.rejected == 1
    assert "has no room for more events" in answer.message


def test_an_event_that_comes_twice_in_one_request_has_one_answer(limited: Store) -> None:
    """Where the limit falls between two of a kind, both are taken or both are refused."""
    limited.write([event("OUR_OWN_EVENT", NOON + n) for n in range(9)])
    last, over = (event("OUR_OWN_EVENT", NOON + n) for n in (20, 21))
    assert limited.write([last, over, last, over]) == Written(1, 1, (over, over))


@pytest.mark.parametrize(
    ("text", "size"), [("a" * 90, 98), ("é" * 45, 98), ("\N{GRINNING FACE}" * 22, 96)], ids=ascii
)
def test_metadata_weigh_their_bytes(place: Place, text: str, size: int) -> None:
    """The limit counts bytes of UTF-8, as it says, and not characters."""
    store = place.open(SessionLimits(size=size, reserve=0))
    try:
        first = event("OUR_OWN_EVENT", metadata=f'{{"t":"{text}"}}')
        assert store.write([first]).new == 1
        known = store.session(first.session_id)
        assert known is not None
        assert known.state.size == size
        assert store.write([event("OUR_OWN_EVENT", NOON + 1)]).refused
    finally:
        store.close()
