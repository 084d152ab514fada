"""Journeys: the error codes that users were shown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from grafana_foundation_sdk.builders import table
from grafana_foundation_sdk.models.dashboard import DynamicConfigValue

from journeytrace.catalogue import ErrorCodeSpec
from journeytrace.conventions import ERROR_CODES_TOTAL
from journeytrace_dashboards.code_meanings import explained
from journeytrace_dashboards.common import frame, joined, link, rows, table_of
from journeytrace_dashboards.promql import a_week_ago, risen, risen_from_birth, select
from journeytrace_dashboards.uids import SESSIONS_UID

__all__ = ["error_codes"]

_COLUMNS: Final = {"code": "Code", "Value #A": "Shown", "Value #B": "Last week"}


def error_codes(meanings: Mapping[str, ErrorCodeSpec] | None = None) -> table.Panel:
    """List the codes that were shown most; `meanings` are those of the user's catalogue."""
    selected = select(ERROR_CODES_TOTAL)
    shown = f"topk(20, {risen_from_birth(selected, 'code')} > 0)"
    before = f"{a_week_ago(risen(selected, 'code'))} and on (code) ({shown})"
    panel = table_of({}).with_target(rows(shown, "A")).with_target(rows(before, "B"))
    joined(panel, "code", _COLUMNS, "-Shown")
    for heading in ("Shown", "Last week"):
        panel.override_by_name(heading, [DynamicConfigValue("decimals", 0)])
    url = (
        f"/d/{SESSIONS_UID}?var-error_code=${{__value.raw}}"
        "&${project:queryparam}&${__url_time_range}"
    )
    linked = DynamicConfigValue("links", [link("Sessions with this code", url).build()])
    panel.override_by_name("Code", [linked, *explained(meanings or {})])
    return frame(
        panel,
        "Error codes",
        "Events with an error code in the time range, the twenty most frequent codes first, and"
        " how often each came in the same hours of last week. One session can be shown many. A"
        " click lists the sessions of which it is the last code. other are codes beyond the 1,000"
        " that the collector tells apart, or longer than 64 characters; a click on it lists all"
        " with any code. Of a code that the catalogue does not have the very first one ever is"
        " missing from last week, and from a project that began in the time range: the API has it.",
        size=(12, 9),
        nothing="no error codes",
    )
