"""Sessions: the list that support starts from.

Whatever somebody types or chooses reaches the SQL through ``:sqlstring`` alone, which quotes it.
"""

# ruff: noqa: S608 - made of our own words; what people type is quoted by Grafana
from __future__ import annotations

from typing import Final

from grafana_foundation_sdk.builders import common, stat, table
from grafana_foundation_sdk.builders.dashboard import CustomVariable, QueryVariable, TextBoxVariable
from grafana_foundation_sdk.models.common import (
    BigValueColorMode,
    BigValueGraphMode,
    BigValueTextMode,
)
from grafana_foundation_sdk.models.dashboard import DynamicConfigValue

from journeytrace.conventions import Decision, Status
from journeytrace_dashboards import colours, variables
from journeytrace_dashboards.common import Sql, frame, link, table_of
from journeytrace_dashboards.sources import POSTGRESQL
from journeytrace_dashboards.uids import SESSION_UID

__all__ = ["filters", "found", "session_link", "sessions"]

NO_PROJECT: Final = "(none)"
NOTHING: Final = "—"
MOST: Final = 500
"""Rows of the list; Grafana draws more slowly, and nobody reads them."""

_FIELDS: Final = {
    "session_id": "Session ID",
    "email": "Email",
    "user_id": "User ID",
    "submission_id": "Submission ID",
    "last_event": "Last event",
    "reason": "Reason",
    "last_error_code": "Error code",
}
"""What a text search can be about."""

_COLUMNS: Final = {
    "created_at": "Created",
    "session_id": "Session ID",
    "email": "Email",
    "user_id": "User ID",
    "submission_id": "Submission ID",
    "last_event": "Last event",
    "last_event_at": "Last update",
    "status": "Status",
    "decision": "Decision",
    "reason": "Reason",
    "last_error_code": "Error code",
    "project_id": "Project",
}

_PROJECT: Final = f"coalesce(project_id, '{NO_PROJECT}')"

# Each branch begins with a comparison of constants, so that PostgreSQL drops all but one while it
# plans and can use that field's index. The collation is the store's: lower() folds ASCII alone.
_SEARCH: Final = "\n    OR ".join(
    f"(${{field:sqlstring}} = '{field}'"
    f' AND starts_with(lower({field}), lower(btrim(${{search:sqlstring}}) COLLATE "C")))'
    for field in _FIELDS
)

_WHERE: Final = f"""\
WHERE $__timeFilter(created_at)
  AND {_PROJECT} IN (${{project:sqlstring}})
  AND status IN (${{status:sqlstring}})
  AND coalesce(decision, 'NONE') IN (${{decision:sqlstring}})
  AND (btrim(${{search:sqlstring}}) = ''
    OR {_SEARCH})"""

# The link shows the detail around the session's own time. As text, or Grafana would round them.
_LIST: Final = f"""\
SELECT created_at, session_id, email, user_id,
  coalesce(submission_id, '{NOTHING}') AS submission_id, last_event,
  last_event_at, status, coalesce(decision, '{NOTHING}') AS decision, reason,
  last_error_code, project_id,
  ((extract(epoch FROM created_at) * 1000)::bigint - 60000)::text AS from_ms,
  ((extract(epoch FROM last_event_at) * 1000)::bigint + 60000)::text AS to_ms
FROM journey_sessions
{_WHERE}
ORDER BY created_at DESC
LIMIT {MOST}"""


def filters() -> list[QueryVariable | CustomVariable | TextBoxVariable]:
    """Give the filters; the date range is Grafana's own."""
    # Without sessions there would be nothing to choose, and IN () is no SQL.
    projects = f"SELECT {_PROJECT} FROM journey_sessions UNION SELECT '{NO_PROJECT}'"
    decisions = {decision.value: decision.value for decision in Decision} | {"NONE": "none yet"}
    return [
        variables.stored_projects(projects),
        variables.choice(
            "status", "Status", "How far the session got.", {status: status for status in Status}
        ),
        variables.choice("decision", "Decision", "What was decided of the user.", decisions),
        variables.choice(
            "field",
            "Search in",
            "What the text beside is compared with.",
            _FIELDS,
            several=False,
        ),
        variables.text(
            "search", "Begins with", "The beginning of it, in any case; empty: every session."
        ),
    ]


def session_link() -> DynamicConfigValue:
    """Lead from a session's row to its detail, at the time when it happened."""
    url = (
        f"/d/{SESSION_UID}?var-session=${{__data.fields.session_id}}"
        "&from=${__data.fields.from_ms}&to=${__data.fields.to_ms}"
    )
    return DynamicConfigValue("links", [link("What happened in this session", url).build()])


def found() -> stat.Panel:
    """Count the sessions that the filters leave."""
    counts = [
        f"count(*) FILTER (WHERE {column} = '{word}') AS \"{word}\""
        for column, words in (("status", Status), ("decision", Decision))
        for word in words
    ]
    text = f'SELECT count(*) AS "Found", {", ".join(counts)}\nFROM journey_sessions\n{_WHERE}'
    values = common.ReduceDataOptions().calcs(["lastNotNull"])
    panel = stat.Panel().with_target(Sql(text)).reduce_options(values)
    panel.graph_mode(BigValueGraphMode.NONE).color_mode(BigValueColorMode.VALUE)
    panel.text_mode(BigValueTextMode.VALUE_AND_NAME)
    panel.color_scheme(colours.paint(colours.NEUTRAL))
    for word, colour in (colours.STATUS | colours.DECISION).items():
        panel.override_by_name(word, colours.fixed(colour))
    return frame(
        panel,
        "Found",
        "All sessions that match the filters, also those beyond the end of the list. First by"
        " status, which says how far they got, then by decision. The two overlap: a COMPLETED"
        " session may have any decision or none.",
        size=(24, 4),
        nothing="no sessions",
        source=POSTGRESQL,
    )


def sessions() -> table.Panel:
    """List the sessions, newest first."""
    panel = table_of(_COLUMNS).with_target(Sql(_LIST)).filterable(False)
    panel.override_by_name("session_id", [session_link()])
    panel.override_by_name("status", colours.chip(colours.STATUS))
    panel.override_by_name("decision", colours.chip(colours.DECISION))
    for moment in ("created_at", "last_event_at"):
        panel.override_by_name(moment, [DynamicConfigValue("unit", "dateTimeAsSystem")])
    for internal in ("from_ms", "to_ms"):
        panel.override_by_name(internal, [DynamicConfigValue("custom.hidden", True)])
    return frame(
        panel,
        "Sessions",
        "Sessions created in the time range, newest first. A click on a session id opens its"
        " detail. Status is how far the user got; decision is what the server decided. COMPLETED"
        " is not approved, and DROPPED may still have been decided. Submission ID is — until"
        f" STEP1 has passed. The list ends after {MOST}: narrow the filters to see others.",
        size=(24, 22),
        unit="string",
        nothing="No session matches the filters.",
        source=POSTGRESQL,
    )
