"""What is remembered of a session that was erased, so that nothing brings it back: pure.

Its id is not kept, only a digest that is made with a secret of the store. Whoever sends an event of
the session gives its id, so the digest is enough to know it again.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import suppress
from hashlib import blake2b
from typing import Any, Final

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue

from journeytrace.conventions import SESSION_ID
from journeytrace.errors import InvalidSessionIdError
from journeytrace.identity import trace_id
from journeytrace_collector.core import derive
from journeytrace_collector.core.change import SessionChange
from journeytrace_collector.core.retention import NS_PER_DAY

__all__ = [
    "DIGESTS_KEPT",
    "PERSONAL",
    "digest",
    "drop_spans",
    "drop_where",
    "former_values",
    "names_any",
]

DIGESTS_KEPT: Final = 366 * NS_PER_DAY
"""How long a digest is kept, in ns: as long as the time of an event is believed."""

PERSONAL: Final = ("user_id", "email")
"""The fields of an event by which a person asks for erasure."""


def digest(salt: bytes, session_id: str) -> bytes:
    """Give the 16 bytes that stay of a session; `salt` is the store's own."""
    return blake2b(session_id.encode(), digest_size=16, key=salt).digest()


def drop_spans(requests: Iterable[ExportTraceServiceRequest], sessions: Collection[str]) -> None:
    """Take all spans and span events of these sessions out of the requests.

    Those of its trace, and those that name it, whatever trace they are in.
    """
    traces = {trace_id(session_id) for session_id in sessions}
    for request in requests:
        for resource_spans in request.resource_spans:
            for scope_spans in resource_spans.scope_spans:
                drop_where(
                    scope_spans.spans, lambda s: s.trace_id in traces or names_any(s, traces)
                )
                for span in scope_spans.spans:
                    drop_where(span.events, lambda event: names_any(event, traces))


def drop_where(records: Any, gone: Callable[[Any], bool]) -> None:
    """Delete those items of a repeated field that are `gone`."""
    # From the end, so that the numbers stay right.
    for number in reversed(range(len(records))):
        if gone(records[number]):
            del records[number]


def names_any(record: Any, traces: set[bytes]) -> bool:
    """Whether a span or span event names the session of one of these traces."""
    return any(pair.key == SESSION_ID and _trace(pair) in traces for pair in record.attributes)


def _trace(pair: KeyValue) -> bytes | None:
    with suppress(InvalidSessionIdError):
        # The decoder reads an int as its digits.
        return trace_id(pair.value.string_value or str(pair.value.int_value))
    return None


def former_values(session: SessionChange) -> Iterator[tuple[str, str]]:
    """Give (field, value) of what a session's events carried and its own row does not show.

    A session shows the newest user id and e-mail address. Whoever an earlier one belongs to can ask
    for its erasure, too.
    """
    for name in PERSONAL:
        shown = derive.kept(session.after, name)
        said = [getattr(event, name) for event in session.fresh]
        if session.before is not None:
            said.append(derive.kept(session.before, name))
        if others := {value for value in said if value is not None and value != shown}:
            yield from [(name, value) for value in sorted(others)]
