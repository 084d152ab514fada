"""Personal data: what of it leaves by OTLP, and in what form."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from tests.support.events import NOON, event
from tests.support.otlp import journey_span, pairs, plain, request, sent, sessions, span
from tests.support.receivers import spans_of

from journeytrace.conventions import Status
from journeytrace_collector.core.change import Change, Settlement
from journeytrace_exporters._settings import read_section
from journeytrace_exporters.otlp import OtlpExporter, OtlpSettings
from journeytrace_exporters.otlp.outgoing import Outgoing

KEY = "a key of sixteen or more"
MAIL = "Ann@Example.com "
HASH = hmac.digest(KEY.encode(), b"ann@example.com", "sha256").hex()

Make = Callable[..., OtlpExporter]


def export(exporter: OtlpExporter, change: Change) -> list[Span]:
    """Give the spans that leave."""
    return spans_of(*sent(exporter.parcels(change)))


def test_an_address_leaves_as_a_hash(make: Make) -> None:
    """With a key, an address becomes its keyed hash, in its place among the attributes."""
    spans = [journey_span(1, user__email=MAIL, x=1), journey_span(3, user__email=42)]
    found = export(make(email_key=KEY), Change(NOON, traces=[request(*spans)]))
    assert list(plain(found[0])) == ["session.id", "journey.event.name", "user.hash", "x"]
    assert plain(found[0])["user.hash"] == HASH
    assert plain(found[1])["user.hash"] == hmac.digest(KEY.encode(), b"42", "sha256").hex()


def test_an_address_is_found_wherever_it_stands(make: Make) -> None:
    """Resource, scope, span, span event, link, map and list; of a journey event or of a host's."""
    one = span(1, trace=b"t" * 16, user__email=MAIL, deep=[{"who": {"user.email": MAIL}}])
    one.events.add(name="E", attributes=pairs({"user.email": MAIL}))
    one.links.add(trace_id=b"t" * 16, attributes=pairs({"user.email": MAIL}))
    whole = request(one)
    whole.resource_spans[0].resource.attributes.extend(pairs({"user.email": MAIL}))
    whole.resource_spans[0].scope_spans[0].scope.attributes.extend(pairs({"user.email": MAIL}))
    (parcel,) = make(email_key=KEY).parcels(Change(NOON, traces=[whole]))
    assert b"Ann" not in parcel.payload
    assert parcel.payload.count(HASH.encode()) == 6


@pytest.mark.parametrize("key", ["email", "enduser.email", "enduser.id", "user.email"])
def test_other_names_of_an_address_are_known(make: Make, key: str) -> None:
    """What people call an address is treated like one."""
    one = span()
    one.attributes.extend(pairs({key: MAIL}))
    (found,) = export(make(email_key=KEY), Change(NOON, traces=[request(one)]))
    assert plain(found) == {"user.hash": HASH}


def test_an_id_that_is_no_address_stays(make: Make) -> None:
    """Under a key that ends in .id only what has an @ is an address."""
    (found,) = export(make(), Change(NOON, traces=[request(span(enduser__id="u-1", email="x"))]))
    assert plain(found) == {"enduser.id": "u-1"}


def test_further_keys_are_a_setting(make: Make) -> None:
    """`private_keys` replaces the names that are known, but never user.email."""
    one = span(contact="a@b.c", email="d@e.f", user__email=MAIL)
    (found,) = export(make(private_keys=["contact"]), Change(NOON, traces=[request(one)]))
    assert plain(found) == {"email": "d@e.f"}


def test_one_list_has_one_hash(make: Make) -> None:
    """The user's address comes before others, whatever their order."""
    one = span(email="other@example.com", user__email=MAIL, enduser__id="third@example.com")
    (found,) = export(make(email_key=KEY), Change(NOON, traces=[request(one)]))
    assert [(pair.key, pair.value.string_value) for pair in found.attributes] == [
        ("user.hash", HASH)
    ]


def test_what_is_no_text_is_dropped(make: Make) -> None:
    """A map, a list or nothing at all under the key of an address is hashed to nobody."""
    many = [span(1, email=[MAIL]), span(2, email={"work": MAIL}), span(3, user__email="")]
    found = export(make(email_key=KEY), Change(NOON, traces=[request(*many)]))
    assert [plain(one) for one in found] == [{}, {}, {}]


@pytest.mark.parametrize("email", ["plain", "drop"])
def test_what_is_confidential_never_leaves(make: Make, email: str) -> None:
    """Under form., extracted. and journey.private. nothing does, whatever is said of addresses."""
    secret = {"form.name": "Ann", "extracted.name": "Ann", "journey.private.note": "Ann"}
    one = journey_span(1, a="kept", inner={"form.x": "Ann", "b": "kept"}, platform="Ann's")
    one.attributes.extend(pairs(secret))
    metadata = '{"form.name":"Ann","m":{"journey.private.x":"Ann"},"a":"kept"}'
    change = Change(NOON, traces=[request(one)], logged=[event("STEP_VIEW", metadata=metadata)])
    first, second = export(make(email=email), change)
    assert plain(first)["a"] == plain(second)["a"] == "kept"
    (kept,) = plain(first)["inner"].values
    assert kept.key == "b"
    assert plain(first)["platform"] == "Ann's"
    for found in (first, second):
        del found.attributes[:2]
        assert found.SerializeToString().count(b"Ann") == (found is first)


_KEYS = ("user.email", "email", "enduser.email", "enduser.id", "form.mail", "journey.private.who")
_ADDRESS = "zoë.private@example.org"
_DROPPING = Outgoing(read_section("otlp", OtlpSettings, {}))
_HASHING = Outgoing(read_section("otlp", OtlpSettings, {"email_key": KEY}))


def _attributes(depth: int) -> st.SearchStrategy[dict[str, Any]]:
    values: st.SearchStrategy[Any] = st.sampled_from(("x", 7, True))
    hidden: st.SearchStrategy[Any] = st.just(_ADDRESS)
    if depth:
        inner = _attributes(depth - 1)
        values |= inner | st.lists(inner | values, max_size=2)
        hidden |= st.sampled_from(([_ADDRESS], {"deep": [{"x": _ADDRESS}]}))
    return st.builds(
        lambda kept, private: kept | private,
        st.dictionaries(st.sampled_from("abc"), values, max_size=2),
        st.dictionaries(st.sampled_from(_KEYS), hidden, max_size=2),
    )


def _without(attributes: Any) -> Any:
    if isinstance(attributes, dict):
        return {key: _without(inner) for key, inner in attributes.items() if key not in _KEYS}
    return list(map(_without, attributes)) if isinstance(attributes, list) else attributes


def _filled(drawn: list[dict[str, Any]]) -> ExportTraceServiceRequest:
    """Put the drawn attributes into every place that OTLP has for them."""
    resource, scope, own, of_event, of_link, of_host = map(pairs, drawn)
    whole = request(journey_span(1), span(2, trace=b"t" * 16))
    first, second = whole.resource_spans[0].scope_spans[0].spans
    whole.resource_spans[0].resource.attributes.extend(resource)
    whole.resource_spans[0].scope_spans[0].scope.attributes.extend(scope)
    first.attributes.extend(own)
    first.events.add(name="E").attributes.extend(of_event)
    first.links.add(trace_id=b"t" * 16).attributes.extend(of_link)
    second.attributes.extend(of_host)
    return whole


@given(drawn=st.lists(_attributes(2), min_size=6, max_size=6))
def test_no_address_leaves_from_any_place(drawn: list[dict[str, Any]]) -> None:
    """Hashed or dropped, it is nowhere in what leaves; and all else is, unchanged."""
    payload = _filled(drawn).SerializeToString()
    dropped = _DROPPING.edited(payload)
    assert _ADDRESS.encode() not in dropped + _HASHING.edited(payload)
    expected = _filled(list(map(_without, drawn)))
    assert ExportTraceServiceRequest.FromString(dropped) == expected


def test_an_address_is_hashed_however_it_is_written(make: Make) -> None:
    """Case and surrounding space make no other user."""
    spans = [journey_span(n, user__email=m) for n, m in enumerate((MAIL, " ann@EXAMPLE.com"), 1)]
    found = export(make(email_key=KEY), Change(NOON, traces=[request(*spans)]))
    assert {plain(one)["user.hash"] for one in found} == {HASH}


def test_a_hash_that_is_there_stays(make: Make) -> None:
    """Who hashed the address already is not overruled, and no key comes twice."""
    own = journey_span(user__email=MAIL, user__hash="own")
    (found,) = export(make(email_key=KEY), Change(NOON, traces=[request(own)]))
    assert [pair.key for pair in found.attributes].count("user.hash") == 1
    assert plain(found)["user.hash"] == "own"
    assert "user.email" not in plain(found)


@pytest.mark.parametrize("section", [{}, {"email": "drop"}, {"email": "drop", "email_key": KEY}])
def test_without_a_key_no_address_leaves(make: Make, section: dict[str, Any]) -> None:
    """Dropping is the default, for a hash without a secret hides nothing."""
    change = Change(
        NOON,
        sessions(event("STEP_VIEW", email=MAIL), settlement=Settlement(0, None, Status.DROPPED)),
        traces=[request(journey_span(user__email=MAIL))],
        logged=[event("STEP_VIEW", email=MAIL)],
    )
    (parcel,) = make(**section).parcels(change)
    assert b"Ann" not in parcel.payload
    assert b"user.email" not in parcel.payload
    assert b"user.hash" not in parcel.payload


def test_an_address_leaves_only_when_told_to(make: Make) -> None:
    """`plain` sends it as it came."""
    spans, logged = [journey_span(user__email=MAIL)], [event("STEP_VIEW", email=MAIL)]
    found = export(make(email="plain"), Change(NOON, traces=[request(*spans)], logged=logged))
    assert [plain(one)["user.email"] for one in found] == [MAIL, MAIL]
