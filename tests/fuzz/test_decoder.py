"""Any bytes at all, read as each form of OTLP: refused or decoded, never anything else."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from journeytrace.catalogue import builtin_catalogue
from journeytrace_collector.admin.told import told_event
from journeytrace_collector.core.decode import Decoder
from journeytrace_collector.core.derive import summary
from journeytrace_collector.core.record import Limits
from journeytrace_collector.core.sessionize import fold
from journeytrace_collector.errors import RequestError
from journeytrace_collector.receiver.otlp import signals

Read = Callable[[bytes], None]

NOW = 1_780_000_000_000_000_000
CATALOGUE = builtin_catalogue()
TRACES, LOGS = signals(Decoder(CATALOGUE, Limits(attributes=20, metadata_bytes=400)))
FORMS: Final = {
    "traces.pb": TRACES.protobuf,
    "traces.json": TRACES.json,
    "logs.pb": LOGS.protobuf,
    "logs.json": LOGS.json,
}
CORPUS: Final = Path(__file__).parent.parent / "data" / "fuzz"
"""Bodies that reached code which others did not, and all that ever failed; by form."""

fuzzing = settings(
    max_examples=800, deadline=None, suppress_health_check=[HealthCheck.too_slow], database=None
)


def corpus(form: str) -> list[Path]:
    """Give the bodies that are kept of a form."""
    return sorted((CORPUS / form).iterdir())


def check(form: str, body: bytes) -> None:
    """Read `body` the way the collector does, and make of it whatever it makes."""
    try:
        decoded = FORMS[form](body, NOW)
    except RequestError as error:
        str(error).encode("utf-8", "surrogatepass")
        return
    decoded.message.encode()
    for event in decoded.events:
        json.loads(msgspec.json.encode(told_event(event)))
    for state in fold(decoded.events, CATALOGUE).values():
        json.loads(msgspec.json.encode(summary(state, NOW, 10**9)))


@pytest.mark.parametrize(
    ("form", "path"),
    [pytest.param(form, path, id=f"{form}-{path.name}") for form in FORMS for path in corpus(form)],
)
def test_what_was_found_once(form: str, path: Path) -> None:
    """Each body of the corpus is refused or decoded."""
    check(form, path.read_bytes())


@st.composite
def spoilt(draw: st.DrawFn, form: str) -> bytes:
    """Take one or two bodies of the corpus and spoil them in a few places."""
    bodies = st.sampled_from(SEEDS[form])
    body = bytearray(draw(bodies))
    for _ in range(draw(st.integers(0, 5))):
        start = draw(st.integers(0, len(body)))
        end = draw(st.integers(start, min(start + 40, len(body))))
        body[start:end] = draw(
            st.one_of(
                st.binary(max_size=12),
                st.sampled_from(TOKENS[form.partition(".")[2]]),
                st.sampled_from([bytes(body[start:end]) * 3, draw(bodies)[start:end]]),
            )
        )
    return bytes(body)


SEEDS = {form: [path.read_bytes() for path in corpus(form)] for form in FORMS}
TOKENS = {
    "pb": [
        b"\x00" * 8,
        b"\xff" * 9 + b"\x01",
        b"\x80" * 10,
        b"\xfe\xff\xff\xff\x0f",
        b"session.id",
        b"journey.event.name",
        b"\xed\xa0\x80",
        b"\x0b\x0c",
    ],
    "json": [
        b"null",
        b"{}",
        b"[]",
        b"-1",
        b"1e999",
        b"NaN",
        b"18446744073709551616",
        b'"18446744073709551615"',
        b'"\\ud800"',
        b'"' + b"\xff" + b'"',
        b"[" * 2_000,
        b'{"a":' * 1_200,
    ],
}


@pytest.mark.parametrize("form", FORMS)
def test_spoilt_bodies(form: str) -> None:
    """Each body that was sound before it was spoilt is refused or decoded."""

    @fuzzing
    @given(spoilt(form))
    def run(body: bytes) -> None:
        check(form, body)

    run()
