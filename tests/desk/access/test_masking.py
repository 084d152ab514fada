"""Wherever a sender puts an e-mail address or a user id, no page of a viewer's holds it."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any, Final
from urllib.parse import quote, quote_plus, unquote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.desk.conftest import Desk
from tests.support.events import IDLE_TIMEOUT, NOON, event

from journeytrace.catalogue import builtin_catalogue
from journeytrace_collector.admin.told import told
from journeytrace_collector.core.model import Event
from journeytrace_collector.core.sessionize import fold
from journeytrace_collector.store.base import Known
from journeytrace_desk.access.masking import HIDDEN, Mask, email

_number = count()
LETTERS = "abcxyzABCXYZ0189äßДé"
SIGNS = "._-+'\"<&>/ %"

Spell = Callable[[str], str]
SPELLINGS: Final[dict[str, Spell]] = {
    "as it is": str,
    "upper": str.upper,
    "swapped": str.swapcase,
    "in an address": lambda text: quote(text, safe=""),
    "in a form": quote_plus,
    "twice in an address": lambda text: quote(quote(text, safe=""), safe=""),
    "in HTML": html.escape,
    "in HTML by number": lambda text: "".join(f"&#{ord(c)};" for c in text),
    "in JSON": json.dumps,
    "in JSON by number": lambda text: "".join(f"\\u{ord(c):04x}" for c in text),
}


@st.composite
def identities(draw: st.DrawFn) -> tuple[str, str]:
    """Generate an address and a user id that are like nothing else on a page."""
    local = draw(st.text(LETTERS + "._-+", min_size=1, max_size=9))
    signs = draw(st.text(LETTERS + SIGNS, max_size=9))
    return f"q{local}w@mail-of-them.test", f"id{signs}of-them-{draw(st.integers(100, 999))}"


Put = Callable[[str], dict[str, Any]]
PLACES: Final[dict[str, Put]] = {
    "session id": lambda text: {"session.id": text},
    "name": lambda text: {"journey.event.name": text},
    "stage": lambda text: {"journey.stage": text},
    "reason": lambda text: {"journey.reason": text},
    "code": lambda text: {"journey.error.code": text},
    "project": lambda text: {"journey.project.id": text},
    "submission": lambda text: {"journey.submission.id": text},
    "flow": lambda text: {"journey.flow.id": text},
    "path": lambda text: {"path": json.dumps({"inner": [text]})},
    "key": lambda text: {f"key {text}": 1},
    "form": lambda text: {"form.mail": text},
    "nested": lambda text: {"extracted.deep": {"a": [{text: [text, 1, True]}]}},
    "work": lambda text: {"journey.private.text": text},
}
HIDINGS = st.lists(
    st.tuples(st.sampled_from(sorted(PLACES)), st.sampled_from(sorted(SPELLINGS)), st.booleans()),
    min_size=1,
    max_size=5,
)


def readings(text: str) -> Iterator[str]:
    """Give a page as a curious person would try to read it."""
    for _ in range(5):
        yield text.casefold()
        yield text.replace("+", " ").casefold()
        text = html.unescape(unquote(text))
        text = re.sub(r"\\u([0-9a-f]{4})", lambda found: chr(int(found[1], 16)), text)
        text = text.replace('\\"', '"')


@settings(
    deadline=None,
    max_examples=15,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(identity=identities(), hidings=HIDINGS)
def test_no_page_of_a_viewer_holds_them(
    office: Desk, identity: tuple[str, str], hidings: list[tuple[str, str, bool]]
) -> None:
    """In any field, in any case and escaping: neither list, file, session nor person tells them."""
    said: dict[str, Any] = {}
    for place, spelling, whose in hidings:
        text = f"at {SPELLINGS[spelling](identity[whose])}"
        # What is longer than an id may be is no id.
        if len(text) < 120 or place in {"path", "key", "form", "nested", "work"}:
            said |= PLACES[place](text)
    session_id = f"{next(_number)} {said.pop('session.id', 'of them')}"
    known = {"user.email": identity[0], "user.id": identity[1]}
    office.send("SESSION_CREATED", session_id, **known)
    office.send(said.pop("journey.event.name", "STEP_VIEW"), session_id, **said)
    office.send("REJECTED", session_id, **{"journey.reason": said.get("journey.reason", "x")})
    listed = office.get("/sessions", X_Role="viewer").text
    row = re.search(r'class="row" href="([^"]*)"', listed)
    person = re.search(r'href="(/person\?session=[^"]*)"', listed)
    assert row is not None
    assert person is not None
    pages = [listed, office.get("/sessions.csv", X_Role="viewer").text]
    for path in (row[1], f"{row[1]}&find=a", person[1]):
        reply = office.get(html.unescape(path), X_Role="viewer")
        assert reply.status == 200
        pages.append(reply.text)
    for page in pages:
        for reading in readings(page):
            assert not [one for one in identity if one.casefold() in reading]


def _mask(**known: Any) -> Mask:
    events = [event("SESSION_CREATED", **known)]
    (state,) = fold(events, builtin_catalogue()).values()
    return Mask(told(Known(state), NOON, IDLE_TIMEOUT, builtin_catalogue()), events)


def _metadata(mask: Mask, **said: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(mask.event(event("X", metadata=json.dumps(said))).metadata)
    return found


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("u-42", HIDDEN),
        ("/user/u-42/edit", f"/user/{HIDDEN}/edit"),
        ("U-42, u-420, xu-42", f"{HIDDEN}, u-420, xu-42"),
        ("u%2D42 and more", HIDDEN),
        ("nothing at all", "nothing at all"),
        ("100 % of it & more", "100 % of it & more"),
        ("somebody.else@example.org wrote", f"s{HIDDEN}@{HIDDEN} wrote"),
        ("mail=Ann%40Example.com&x=1", HIDDEN),
        ("a @ b, @home, x@y", "a @ b, @home, x@y"),
    ],
)
def test_what_has_nothing_to_do_with_it_stays(text: str, shown: str) -> None:
    """A short id is hidden where it is a word, and what looks like an address everywhere."""
    assert _mask(user_id="u-42", email="ann@example.com").text(text) == shown


def test_numbers_and_other_spellings_of_a_uuid_are_hidden() -> None:
    """A user id that is a number is not told by a number, nor a UUID by its digits."""
    mask = _mask(user_id="4711")
    found = _metadata(mask, a=4711, b=[4711, 47110], c=True, d=None, e={"4711": 1.5})
    assert found == {"a": HIDDEN, "b": [HIDDEN, 47110], "c": True, "d": None, "e": {HIDDEN: 1.5}}
    uuid = "018f3b5e-0000-7000-8000-00000000aaaa"
    hidden = _mask(user_id=uuid.upper()).text(f"{uuid} {uuid.replace('-', '')}")
    assert hidden == f"{HIDDEN} {HIDDEN}"


def test_former_values_are_hidden_too() -> None:
    """What an earlier event of the session said of its user is hidden like the newest."""
    events = [
        event("SESSION_CREATED", NOON, user_id="was somebody else", email="was@example.com"),
        event("STEP_VIEW", NOON + 1, user_id="is somebody", email="is@example.com"),
    ]
    (state,) = fold(events, builtin_catalogue()).values()
    mask = Mask(told(Known(state), NOON, IDLE_TIMEOUT, builtin_catalogue()), events)
    assert mask.text("was somebody else") == mask.text("is somebody") == HIDDEN
    assert [mask.event(one).user_id for one in events] == [HIDDEN, HIDDEN]


def test_who_did_something_is_told_and_what_they_wrote_is_not() -> None:
    """Colleagues are named by their address; notes are for analysts."""
    said = {"journey.actor.id": "kim@desk.example", "journey.private.text": "hello", "x": "hello"}
    assert _metadata(_mask(email="ann@example.com"), **said) == {
        "journey.actor.id": "kim@desk.example",
        "journey.private.text": HIDDEN,
        "x": "hello",
    }
    assert _metadata(_mask(email="kim@desk.example"), **said)["journey.actor.id"] != "kim@desk"


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("ann@example.com", f"a{HIDDEN}@{HIDDEN}"),
        ("é@example.com", f"{HIDDEN}@{HIDDEN}"),
        ("@", f"{HIDDEN}@{HIDDEN}"),
        ("no address", HIDDEN),
    ],
)
def test_an_address_keeps_its_first_letter(address: str, shown: str) -> None:
    """And nothing else."""
    assert email(address) == shown


def test_what_people_say_of_a_decision_hides_them_too() -> None:
    """Neither the words of a verdict nor those of a proposal tell who the user is."""
    said = json.dumps(
        {
            "journey.actor.id": "ben@example.org",
            "journey.decision": "APPROVED",
            "journey.verdict.text": "Ann is ann@example.com, customer-4711.",
        }
    )
    events = [
        event("SESSION_CREATED", email="ann@example.com", user_id="customer-4711"),
        event("VERDICT_APPROVED", NOON + 1, metadata=said),
        event("VERDICT_PROPOSED", NOON + 2, metadata=said),
    ]
    (state,) = fold(events, builtin_catalogue()).values()
    clear = told(Known(state), NOON, IDLE_TIMEOUT, builtin_catalogue())
    shown = Mask(clear, events).summary(clear)
    assert shown.reason_text == f"Ann is a{HIDDEN}@{HIDDEN}, {HIDDEN}."
    assert shown.proposal is not None
    assert shown.proposal.text == shown.reason_text
    assert shown.proposal.proposed_by == "ben@example.org"


def test_what_nobody_named_hides_nothing() -> None:
    """A session without user and address is told as it is."""
    plain = event("STEP_VIEW", metadata='{"path": "/id-front"}')
    (state,) = fold([plain], builtin_catalogue()).values()
    summary = told(Known(state), NOON, IDLE_TIMEOUT, builtin_catalogue())
    mask = Mask(summary, [plain])
    assert mask.summary(summary) == summary
    assert mask.event(plain) == plain
    assert isinstance(plain, Event)


def test_a_long_text_costs_little() -> None:
    """However many signs of an address it has, a text is read about once."""
    mask = _mask(user_id="customer-1", email="ann@example.com")
    for text in ("a" * 60_000, "a@" * 30_000, "%2540" * 12_000, "a." * 30_000, "a@b." * 15_000):
        mask.text(text)
