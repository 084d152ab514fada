from __future__ import annotations

from base64 import b32encode
from hashlib import sha256
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from journeytrace.errors import InvalidSessionIdError
from journeytrace.identity import (
    normalise_session_id,
    read_support_code,
    root_span_id,
    stage_span_id,
    support_code,
    trace_id,
)

HYPHENATED = "01234567-89ab-cdef-0123-456789abcdef"
HEX = "0123456789abcdef0123456789abcdef"

uuids = st.uuids().filter(lambda uuid: uuid.int != 0)


# The digests were made with sha256sum.
@pytest.mark.parametrize(
    ("session_id", "expected"),
    [
        (HYPHENATED, HEX),
        ("order-4711", "82a7f4926ab54d62a6cccfe14d52b7c5"),
        ("sitzung-ä", "12a072734bbd4ce8fa1f8aec30d3f498"),
    ],
)
def test_trace_ids_are_the_same_everywhere(session_id: str, expected: str) -> None:
    """A UUID is its own trace id, any other id is hashed."""
    assert trace_id(session_id).hex() == expected


def test_span_ids_are_the_same_everywhere() -> None:
    """Root and stage spans are found without a lookup."""
    trace = bytes.fromhex(HEX)
    assert root_span_id(trace).hex() == "d3f19674158ec31c"
    assert stage_span_id(trace, "STEP1").hex() == "c2a99530c2b35bb0"


@given(uuids)
def test_a_uuid_has_one_spelling(uuid: UUID) -> None:
    """Upper case and missing hyphens make no difference."""
    for text in (str(uuid), str(uuid).upper(), uuid.hex, uuid.hex.upper()):
        assert normalise_session_id(text) == str(uuid)
        assert trace_id(text) == uuid.bytes


@given(st.text(min_size=1, max_size=128))
def test_any_printable_text_is_an_id(text: str) -> None:
    """What is accepted is hashed by one rule and stays as it is; all else is refused."""
    usable = text.isprintable() and text == text.strip()
    try:
        spelled = normalise_session_id(text)
    except InvalidSessionIdError:
        assert not usable
    else:
        assert spelled == text
        assert trace_id(text) == sha256(b"journey.trace:" + text.encode()).digest()[:16]


@given(uuids, st.sampled_from(["{%s}", "urn:uuid:%s", "%s-", " %s"]))
def test_odd_spellings_are_no_uuid(uuid: UUID, form: str) -> None:
    """What only Python takes for a UUID is hashed or refused like any text."""
    try:
        assert trace_id(form % uuid) != uuid.bytes
    except InvalidSessionIdError:
        assert form.startswith(" ")


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("", "is empty"),
        ("x" * 129, "has 129 characters"),
        ("a\nb", "unprintable"),
        ("\ud800", "unprintable"),
        (" a", "space at its start or end"),
        ("00000000-0000-0000-0000-000000000000", "nil UUID"),
    ],
)
def test_a_refused_id_is_told_the_rule(text: str, rule: str) -> None:
    """The error names the rule that the id breaks."""
    with pytest.raises(InvalidSessionIdError, match=rule):
        trace_id(text)


@given(uuids, uuids)
def test_spans_of_different_sessions_and_stages_differ(one: UUID, other: UUID) -> None:
    """Root and stages of a session have ids of their own."""
    ids = {
        root_span_id(one.bytes),
        stage_span_id(one.bytes, "STEP1"),
        stage_span_id(one.bytes, "STEP2"),
        root_span_id(other.bytes),
    }
    assert len(ids) == (3 if one == other else 4)


@given(trace=st.binary(min_size=16, max_size=16))
def test_a_support_code_is_crockford_s_base_32_of_a_hash(trace: bytes) -> None:
    """Its 8 characters are those of RFC 4648's base 32, in Crockford's letters."""
    hashed = b32encode(sha256(b"journey.support:" + trace).digest()).decode()
    letters = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", "0123456789ABCDEFGHJKMNPQRSTVWXYZ")
    assert support_code(trace) == hashed.translate(letters)[:8]
    assert read_support_code(support_code(trace).lower()) == support_code(trace)


@pytest.mark.parametrize(
    ("heard", "read"),
    [
        ("yp7y-yhzx", "YP7YYHZX"),
        (" oO iIlL ", "001111"),
        ("018f3b5e", "018F3B5E"),
        ("U", None),
        ("", None),
        ("-", None),
        ("123456789", None),
        ("ab\u017f", None),
    ],
)
def test_a_support_code_is_read_as_it_was_heard(heard: str, read: str | None) -> None:
    """In either case, with hyphens and spaces, O for 0, I and L for 1; what is none is None."""
    assert read_support_code(heard) == read
