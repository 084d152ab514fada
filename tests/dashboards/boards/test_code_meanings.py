"""Error codes with a meaning of the user's own, wherever one is shown."""

from __future__ import annotations

import json
from typing import Any

import pytest
from grafana_foundation_sdk.cog.encoder import JSONEncoder

from journeytrace.catalogue import ErrorCodeSpec
from journeytrace_dashboards import error_codes, session_detail, session_list

CODES = {
    code: ErrorCodeSpec(code, meaning)
    for code, meaning in (("QS-10001", "The ID is blurred."), ("E.1", 'Says "no".'))
}


def mappings(panel: Any, field: str) -> list[dict[str, Any]]:
    """Give the value mappings of one field of a panel."""
    made = json.loads(JSONEncoder().encode(panel.build()))
    return [
        mapping
        for override in made["fieldConfig"]["overrides"]
        if override["matcher"]["options"] == field
        for value in override["properties"]
        if value["id"] == "mappings"
        for mapping in value["value"]
    ]


@pytest.mark.parametrize(
    ("make", "field"),
    [
        (session_detail.card, "Most recent error code"),
        (session_detail.timeline, "error_code"),
        (session_list.sessions, "last_error_code"),
        (error_codes.error_codes, "Code"),
    ],
)
def test_a_code_is_shown_with_its_meaning(make: Any, field: str) -> None:
    """Every panel shows the code and what it means; where no code has a meaning, as it is."""
    (mapping,) = mappings(make(CODES), field)
    assert mapping["type"] == "value"
    assert {code: shown["text"] for code, shown in mapping["options"].items()} == {
        "QS-10001": "QS-10001: The ID is blurred.",
        "E.1": 'E.1: Says "no".',
    }
    assert mappings(make(), field) == []
