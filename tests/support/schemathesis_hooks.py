"""What schemathesis has to be told; it runs this in a process of its own.

A document cannot say all: what a session's id or a file of rules looks like, that of some
parameters exactly one is given, that one stands only beside another, and how long a line of HTTP
can be.
"""

from __future__ import annotations

from typing import Any

import schemathesis
from hypothesis import strategies as st
from schemathesis.transport import requests as transport
from tests.support.planted_api import PLANTED_SESSIONS

from journeytrace_collector.admin.api import write_cursor

# It counts connections in a way that fails where urllib3-future stands in urllib3's place.
vars(transport)["_count_opened_connections"] = lambda _: 0

_ids = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=128)
_words = st.text("abcXYZ019._-", min_size=1, max_size=20)
_int64 = st.integers(-(2**63), 2**63 - 1)
schemathesis.openapi.format("session-id", st.sampled_from(PLANTED_SESSIONS) | _ids)
schemathesis.openapi.format(
    "cohort",
    st.lists(st.sampled_from(("release", "country", "event", "reason")), min_size=1, unique=True)
    .flatmap(lambda names: st.tuples(*(st.tuples(st.just(name), _words) for name in names)))
    .map(lambda parts: ",".join(map("=".join, parts))),
)
_rules = (
    "[rules.approved-without-document]\noff = true\n",
    '[rules.held-too-long]\nmeaning = "Too long."\n',
    '[rules.own]\nmeaning = "Ours."\nforbids = { event = "ERROR_PAGE_VIEWED" }\n',
)
schemathesis.openapi.format("rules", st.lists(st.sampled_from(_rules), unique=True).map("".join))
schemathesis.openapi.format("cursor", st.tuples(_int64, _int64).map(write_cursor).map(str))


@schemathesis.hook
def filter_failure(_: Any, __: Any, ___: Any, response: Any) -> bool:
    """Pass over valid data that was refused for one of these."""
    if response.status_code != 400:
        return True
    if "Got more than 8190 bytes" in response.text:
        return False
    error = response.json()["error"]
    return not (error["field"] == "parameters" or "stands without" in error["message"])
