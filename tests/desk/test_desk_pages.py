"""The pages over HTTP, on either store."""

from __future__ import annotations

import re
from html import unescape
from urllib.parse import unquote, urlencode

import pytest
from tests.desk.conftest import Desk
from tests.desk.journeys import COUNT, EVENTS, LONG, MARKUP, NASTY, PLAIN

FIRST = "018f3b5e-0000-7000-8000-000000000000"


def rows(text: str) -> list[str]:
    """Give the ids of the sessions that a page lists."""
    return [unescape(one) for one in re.findall(r'class="row" href="[^"]*" title="([^"]*)"', text)]


def all_rows(desk: Desk, path: str) -> list[str]:
    """Follow a list to its end."""
    found: list[str] = []
    for _ in range(50):
        text = desk.get(path).text
        found += rows(text)
        following = re.search(r'class="next" href="([^"]*)"', text)
        if following is None:
            return found
        path = unescape(following[1])
    raise AssertionError("the list has no end")


def test_the_list_has_its_columns_in_their_order(either: Desk) -> None:
    """The columns are those of the reference, and then decision and error code."""
    heads = re.findall(r"<th>(.*?)</th>", either.get("/sessions").text)
    assert [head.partition(" <")[0] for head in heads] == [
        *("Created", "Session", "E-mail", "User", "Submission", "Last event", "Last update"),
        *("Status", "Decision", "Error code"),
    ]


def test_all_sessions_are_found_page_by_page(either: Desk) -> None:
    """Following the pages gives each session once, the newest first."""
    found = all_rows(either, "/sessions")
    assert len(found) == len(set(found)) == COUNT
    assert found[0] == FIRST


@pytest.mark.parametrize(
    ("asked", "count"),
    [
        ({"status": "COMPLETED"}, 60),
        ({"status": "ERROR"}, 20),
        ({"status": "IN_PROGRESS"}, 4),
        ({"decision": "APPROVED"}, 21),
        ({"decision": "NONE"}, 42),
        ({"decision": "REJECTED", "reason": "AGE_VERIFICATION"}, 22),
        ({"project": "acme", "decision": "PENDING"}, 10),
        ({"error_code": "PV-10004"}, 20),
        ({"stage": "DECISION"}, 4),
        ({"event": "AGE_VERIFICATION", "result": "FAIL"}, 22),
        ({"impact": "BLOCKED", "source": "BE"}, 1),
        ({"search": "ANN.1", "field": "email"}, 11),
        ({"search": "u-retry"}, 4),
        ({"last": "1h"}, 59),
        ({"since": "2020-01-01", "until": "2020-02-01"}, 0),
    ],
    ids=str,
)
def test_each_filter_lists_what_it_counts(either: Desk, asked: dict[str, str], count: int) -> None:
    """What an address filters is what is listed, and as many as the page says."""
    path = f"/sessions?{urlencode(asked)}"
    assert len(all_rows(either, path)) == count
    assert re.search(r"<small id=\"found\">(\d+) match", either.get(path).text)[1] == str(count)  # type: ignore[index]


def test_counts_beside_filters_are_those_of_their_lists(either: Desk) -> None:
    """Each link of status and decision leads to a list of the very number beside it."""
    text = either.get("/sessions?project=globex&last=24h").text
    links = re.findall(r'class="choice" href="([^"]*)".*?<small>(\d+)</small></a>', text, re.DOTALL)
    assert len(links) == 5 + 5
    for path, count in links:
        assert len(all_rows(either, unescape(path))) == int(count)


def test_counts_are_made_good_where_they_were_hasty(
    either: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A page that looked only so far says so and has its counts made anew; else it does not."""
    assert "/sessions/counts" not in either.get("/sessions?project=acme&last=24h").text
    # Filters that no index meets alone, in a store where looking far is ten rows.
    for name, rows in (("NEAR", 5), ("FEW", 0), ("FAR", 500), ("HASTE", 50)):
        monkeypatch.setattr(f"journeytrace_collector.store.listing.{name}", rows)
    monkeypatch.setattr("journeytrace_collector.store.sqlite.HASTE", 50)
    monkeypatch.setattr("journeytrace_collector.store.postgresql.HASTE", 50)
    text = either.get("/sessions?project=acme&stage=POST").text
    again = re.search(r'hx-get="(/sessions/counts[^"]*)"', text)
    assert again is not None
    assert re.search(r"<small>\d+\+</small>", text)
    exact = either.get(unescape(again[1])).text
    assert exact.startswith('<div class="facets"')
    assert re.findall(r"<small>([^<]*)</small>", exact)[0] == "30"
    assert re.search(r'id="found" hx-swap-oob="true">30 match<', exact)


def test_a_session_begins_with_its_cause(either: Desk) -> None:
    """Below the head, cause, reason with meaning, code and who decided precede the events."""
    text = either.get("/session?id=018f3b5e-0000-7000-8000-000000000001").text
    places = [
        text.index(part)
        for part in (
            '<span class="chip COMPLETED">',
            "✕",
            'aria-current="page">Summary<',
            "The user was rejected: the user&#39;s age could not be confirmed.",
            "Once in this session",
            "which is not approved",
            "automatic",
            "Most recent error code",
            '<small>flow <code class="copy">flow-1<',
            "<svg",
            "Order is not causality",
            'id="e-',
        )
    ]
    assert places == sorted(places)
    assert "https://traces.example.com/018f3b5e000070008000000000000001" in text


def test_a_person_has_all_attempts_in_order(either: Desk) -> None:
    """Each attempt says what stopped it; the head says what came of them."""
    text = either.get("/person?id=u-retry").text
    assert re.findall(r'href="/session\?id=(attempt-\d)"', text) == [
        f"attempt-{number}" for number in (1, 2, 3, 4)
    ]
    assert "4 attempts within 3 h 30 min" in text
    assert "The user left, on the screen /selfie." in text
    assert text.count("age could not be confirmed") == 2
    assert "Nothing stopped it." in text


@pytest.mark.parametrize(
    ("path", "led"),
    [
        ("/", "/overview"),
        ("/overview?days=&project=acme&per=", "/overview?project=acme"),
        (f"/find?q={FIRST.upper()}", f"/session?id={FIRST}"),
        ("/find?q=attempt-1", "/session?id=attempt-1"),
        ("/find?q=ann.7%40example.com", "/sessions?search=ann.7@example.com"),
        ("/find?q=", "/sessions"),
        ("/sessions?status=&project=acme&search=&field=email", "/sessions?project=acme"),
        (f"/session?id={FIRST.replace('-', '')}", f"/session?id={FIRST}"),
    ],
)
def test_addresses_lead_to_where_they_mean(desk: Desk, path: str, led: str) -> None:
    """A search goes straight to the one session; empty fields of a form leave the address."""
    reply = desk.get(path)
    assert (reply.status, reply.headers["location"]) == (303, led)


def test_a_support_code_opens_its_session(desk: Desk) -> None:
    """What a user reads out leads to the session, however it is written."""
    code = re.search(
        r"Support code</dt><dd><code[^>]*>(\w{8})<", desk.get(f"/session?id={FIRST}").text
    )
    assert code is not None
    for heard in (code[1].lower(), f"{code[1][:4]}-{code[1][4:]}"):
        assert desk.get(f"/find?q={heard}").headers["location"] == f"/session?id={FIRST}"


@pytest.mark.parametrize(
    ("path", "status", "said"),
    [
        ("/sessions?status=APPROVED", 400, "IN_PROGRESS, COMPLETED, DROPPED, ERROR"),
        ("/sessions?limit=1000", 400, "limit is no parameter here"),
        ("/sessions?user=u-42", 400, "user is no parameter here"),
        ("/sessions?last=2h", 400, "1h, 24h, 7d, 30d"),
        ("/sessions?last=1h&since=2026-01-01", 400, "one of the two"),
        ("/sessions?cursor=x", 400, "cursor"),
        ("/sessions/live?from=x", 400, "a time in ns"),
        ("/sessions/live?from=0&cursor=x", 400, "cursor"),
        (f"/sessions/live?from=0{'&row=x' * 101}", 400, "up to 100"),
        ("/session", 400, "a session id or a support code"),
        ("/session?id=x&source=XX", 400, "FE, BE, OP"),
        ("/session?id=x&from=-1", 400, "the number of an event"),
        ("/session?id=x&colour=red", 400, "is no parameter of a session"),
        ("/session?id=nobody", 404, "No session has the id or support code nobody"),
        ("/person", 400, "the whole of a user id"),
        ("/person?id=u", 404, "No session has the user id u."),
        ("/nowhere", 404, "There is nothing here"),
        ("/static/0000-desk.css", 404, "There is nothing here"),
    ],
)
def test_what_is_wrong_is_said_on_a_page(desk: Desk, path: str, status: int, said: str) -> None:
    """An error is a page with what was wrong and a search box."""
    reply = desk.get(path)
    assert reply.status == status
    assert said in unescape(reply.text)
    assert 'class="again"' in reply.text


def test_the_desk_is_for_looking(desk: Desk) -> None:
    """No address but the one that reveals takes anything but GET and HEAD."""
    for path in ("/sessions", "/person", "/find", "/sessions.csv"):
        reply = desk.get(path, "POST")
        assert (reply.status, reply.headers["allow"]) == (405, "GET,HEAD")


@pytest.mark.parametrize(
    "path",
    [
        f"/session?{urlencode({'id': NASTY})}",
        f"/session?{urlencode({'id': NASTY, 'find': MARKUP})}",
        f"/person?{urlencode({'id': MARKUP})}",
        f"/sessions?{urlencode({'search': 'nasty'})}",
        f"/sessions?{urlencode({'search': MARKUP, 'project': MARKUP, 'event': MARKUP})}",
        f"/session?{urlencode({'id': MARKUP})}",
        f"/sessions?{urlencode({MARKUP: 'x'})}",
    ],
)
def test_stored_markup_is_text(desk: Desk, path: str) -> None:
    """Whatever a sender or an address says, no page has an element or an attribute of it."""
    text = desk.get(path).text
    assert "alert(" in text
    assert "<img" not in text
    assert text.count("<script") == text.count(" defer></script>") == 2
    assert "{{7*7}}" in unquote(text)
    assert not re.search(r"<[^>]*\son\w+\s*=", re.sub(r'"[^"]*"', '""', text))


def test_a_long_session_stays_small(desk: Desk) -> None:
    """A page for 2,000 events is below half a megabyte, and all of them are on some page."""
    path, seen = f"/session?{urlencode({'id': LONG})}", 0
    for _ in range(EVENTS):
        text = desk.get(path).text
        assert len(text) < 512 * 1024
        seen += len(re.findall(r'<tr id="e-', text))
        following = re.search(r'class="next" href="([^"#]*)', text)
        if following is None:
            break
        path = unescape(following[1])
    # And that somebody looked.
    assert seen == EVENTS + 1


def test_events_are_chosen_by_source_failure_and_text(desk: Desk) -> None:
    """Each choice shows its part of the events, and they narrow each other down."""

    def shown(**asked: str) -> int:
        path = f"/session?{urlencode({'id': LONG, **asked})}"
        return len(re.findall(r'<tr id="e-', desk.get(path).text))

    assert shown(failed="yes") == EVENTS // 40
    assert shown(source="BE") == EVENTS // 40
    assert shown(source="FE", failed="yes") == 0
    assert shown(source="OP") == 1
    assert shown(find="NUMBER 77") == 11
    assert shown(find="id_recog", failed="yes") == EVENTS // 40


def test_what_a_user_typed_is_shown_here_and_marked(desk: Desk) -> None:
    """Attributes that never leave the collector are on the page, as such."""
    text = desk.get(f"/session?{urlencode({'id': LONG, 'find': 'number 7'})}").text
    assert re.search(r'class="private"[^>]*><dt>form.name</dt><dd>Ann<', text)


def test_a_jump_leads_to_the_page_that_has_the_event(desk: Desk) -> None:
    """The last failure of a long session is found from its first page."""
    text = desk.get(f"/session?{urlencode({'id': LONG})}").text
    found = re.search(r'class="jump" href="([^"#]*)#([^"]*)">Jump to the last', text)
    assert found is not None
    assert f'id="{found[2]}"' in desk.get(unescape(found[1])).text


def test_a_list_that_is_as_it_was_is_not_sent_again(either: Desk) -> None:
    """Nothing new and nothing changed is no answer at all, on a whole page as on half of one."""
    for path in ("/sessions", "/sessions?decision=REJECTED", "/sessions?search=nobody"):
        assert either.get(asked_live(either.get(path).text)).status == 204, path
    assert "/sessions/live" not in either.get(older(either.get("/sessions").text)).text


def test_what_is_new_waits_above_what_is_shown(either: Desk) -> None:
    """What a page does not have yet comes apart from its rows, as many as there is room for."""
    text = either.get("/sessions?decision=REJECTED").text
    keys = re.findall(r'name="row" value="(\w+)"', text)
    few = asked_live(text, keys[3:])
    answer = either.get(few).text
    fresh, rows = answer.split('<tbody id="rows">')
    assert re.findall(r'name="row" value="(\w+)"', fresh) == keys[:3]
    assert re.findall(r'name="row" value="(\w+)"', rows) == keys[3:]
    assert ">3 new sessions</a>" in answer
    # Those that match no longer stay, in their place: the newest two were not rejected.
    others = re.findall(r'name="row" value="(\w+)"', either.get("/sessions").text)[2:4]
    rows = either.get(asked_live(text, [*others, *keys])).text.split('<tbody id="rows">')[1]
    assert re.findall(r'name="row" value="(\w+)"', rows) == [*others, *keys]


def test_a_list_grows_to_a_hundred_rows(desk: Desk) -> None:
    """What has no room is told, and leads to the list as it is now."""
    text = desk.get("/sessions").text
    keys = re.findall(r'name="row" value="(\w+)"', text)
    further = desk.get(older(text)).text
    shown = [*keys[2:], *re.findall(r'name="row" value="(\w+)"', further)]
    full = desk.get(asked_live(text, shown)).text
    assert ">2 new sessions</a>" in full
    assert 'hx-target="#facets"' in full
    full = desk.get(asked_live(text, [*shown, "0" * 12, "%00"])).text
    assert ">2 new sessions</a>" in full
    assert 'id="fresh" hidden>\n</tbody>' in full
    assert 'hx-get="/sessions" hx-target="#list"' in full


def asked_live(text: str, keys: list[str] | None = None) -> str:
    """Give what a page asks for every few seconds, with the rows that it shows."""
    live = re.search(r'id="live" hx-get="([^"]*)"', text)
    was = re.search(r'name="was" value="(\w+)"', text)
    assert live is not None
    assert was is not None
    keys = re.findall(r'name="row" value="(\w+)"', text) if keys is None else keys
    return unescape(live[1]) + "".join([f"&was={was[1]}", *(f"&row={key}" for key in keys)])


def older(text: str) -> str:
    """Give the address of the next page."""
    found = re.search(r'class="next" href="([^"]*)"', text)
    assert found is not None
    return unescape(found[1])


def test_a_session_that_is_as_it_was_is_not_sent_again(desk: Desk) -> None:
    """The address of live pages answers 204 until there is something else to show."""
    text = desk.get(f"/session?id={FIRST}").text
    live = re.search(r'id="live" hx-get="([^"]*)"', text)
    assert live is not None
    assert desk.get(unescape(live[1])).status == 204
    assert desk.get(unescape(live[1]).replace("seen=", "seen=9")).status == 200


def test_plain_sessions_have_one_page_each(either: Desk) -> None:
    """Every session of the list opens."""
    for session_id in all_rows(either, "/sessions")[:: PLAIN // 10]:
        assert either.get(f"/session?{urlencode({'id': session_id})}").status == 200
