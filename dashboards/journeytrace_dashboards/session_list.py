"""Sessions: the list that support starts from.

Whatever somebody types or chooses reaches the SQL through ``:sqlstring`` alone, which quotes it.
"""

# ruff: noqa: S608 - made of our own words; what people type is quoted by Grafana
from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from grafana_foundation_sdk.builders import common, stat, table
from grafana_foundation_sdk.builders.dashboard import CustomVariable, QueryVariable, TextBoxVariable
from grafana_foundation_sdk.models.common import (
    BigValueColorMode,
    BigValueGraphMode,
    BigValueTextMode,
)
from grafana_foundation_sdk.models.dashboard import DynamicConfigValue

from journeytrace.catalogue import ErrorCodeSpec
from journeytrace.conventions import OTHER, Decision, Impact, Result, Source, Status
from journeytrace_dashboards import colours, variables
from journeytrace_dashboards.code_meanings import explained
from journeytrace_dashboards.common import Sql, frame, link, table_of
from journeytrace_dashboards.sources import POSTGRESQL
from journeytrace_dashboards.uids import SESSION_UID

__all__ = ["MAY_BE_NONE", "NO_PROJECT", "NO_VALUE", "filters", "found", "session_link", "sessions"]

NO_PROJECT: Final = "(none)"
NO_VALUE: Final = "(none)"
"""What people type for sessions that have no such value."""
_ANY: Final = (
    f"{OTHER}, as the figures call what they do not tell apart, stands for any that there is"
)
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
    "support_code": "Support code",
}
"""What a text search can be about."""

_COLUMNS: Final = {
    "created_at": "Created",
    "session_id": "Session ID",
    "support_code": "Support code",
    "email": "Email",
    "user_id": "User ID",
    "submission_id": "Submission ID",
    "last_event": "Last event",
    "last_event_at": "Last update",
    "status": "Status",
    "decision": "Decision",
    "reason": "Reason",
    "last_error_code": "Error code",
    "violates": "Violates",
    "project_id": "Project",
}


def _heard(field: str) -> str:
    """Give the text of a search; a support code is Crockford's base 32, and people misread it."""
    text = "btrim(${search:sqlstring})"
    return f"translate(upper({text}), 'OIL- ', '011')" if field == "support_code" else text


_PROJECT: Final = f"coalesce(project_id, '{NO_PROJECT}')"

# Each branch begins with a comparison of constants, so that PostgreSQL drops all but one while it
# plans and can use that field's index. The collation is the store's: lower() folds ASCII alone.
_SEARCH: Final = "\n    OR ".join(
    f"(${{field:sqlstring}} = '{field}'"
    f' AND starts_with(lower({field}), lower({_heard(field)} COLLATE "C")))'
    for field in _FIELDS
)

# The text of a variable, what it is compared with, and what is said of both.
_TEXTS: Final = {
    "reason": ("reason", "Reason", "Decided for this reason"),
    "error_code": ("last_error_code", "Error code", "With this last error code"),
    "stage": ("stage", "Stage", "That got as far as this stage, and no further"),
}
MAY_BE_NONE: Final = frozenset(_TEXTS)
"""Filters that can also ask for sessions without such a value."""

_OF_SESSION: Final = "".join(
    f"""
  AND (btrim(${{{name}:sqlstring}}) = ''
    OR btrim(${{{name}:sqlstring}}) = '{OTHER}' AND {column} IS NOT NULL
    OR coalesce({column}, '{NO_VALUE}') = btrim(${{{name}:sqlstring}}))"""
    for name, (column, _, _) in _TEXTS.items()
)

_ANY_NAME: Final = f"btrim(${{event:sqlstring}}) IN ('', '{OTHER}')"
_ONE_EVENT: Final = f"""\
({_ANY_NAME} OR name = btrim(${{event:sqlstring}}))
      AND (${{result:sqlstring}} = 'any' OR result = ${{result:sqlstring}})
      AND (${{event_source:sqlstring}} = 'any' OR source = ${{event_source:sqlstring}})
      AND (${{impact:sqlstring}} = 'any' OR impact = ${{impact:sqlstring}})
      AND (${{corrected:sqlstring}} = 'any' OR attributes->>'journey.time.sent' IS NOT NULL)"""
# What PostgreSQL has an index of, as the collector's store writes it.
_HURDLE: Final = (
    "(impact <> 'NONE' AND impact <> 'COMPLETED' AND impact <> 'APPROVED') OR result = 'FAIL'"
)
_ASKS_HURDLE: Final = (
    "(${impact:sqlstring} IN ('BLOCKED', 'RETAKE', 'PENDING', 'REJECTED')"
    " OR ${result:sqlstring} = 'FAIL')"
)
_ASKS_NOTHING: Final = (
    f"({_ANY_NAME} AND ${{result:sqlstring}} = 'any'"
    " AND ${event_source:sqlstring} = 'any' AND ${impact:sqlstring} = 'any')"
)
# Again constants come first. Of hurdles there are few, so all such events are looked up at once;
# for others each session's events are.
_OF_EVENT: Final = f"""
  AND (${{corrected:sqlstring}} = 'any' OR corrected)
  AND (({_ASKS_NOTHING})
    OR ({_ASKS_HURDLE} AND session_no IN (SELECT session_no FROM journey_events
      WHERE ({_HURDLE}) AND {_ONE_EVENT}))
    OR (NOT {_ASKS_HURDLE} AND EXISTS (SELECT FROM journey_events AS e
      WHERE e.session_no = journey_sessions.session_no AND {_ONE_EVENT})))"""

_WHERE: Final = f"""\
WHERE $__timeFilter(created_at)
  AND ({_PROJECT} IN (${{project:sqlstring}})
    OR '{OTHER}' IN (${{project:sqlstring}}) AND project_id IS NOT NULL)
  AND status IN (${{status:sqlstring}})
  AND coalesce(decision, 'NONE') IN (${{decision:sqlstring}})
  AND (btrim(${{search:sqlstring}}) = ''
    OR {_SEARCH}){_OF_SESSION}
  AND (btrim(${{rule:sqlstring}}) = ''
    OR strpos(violates, ' ' || btrim(${{rule:sqlstring}}) || ' ') > 0){_OF_EVENT}"""

# The link shows the detail around the session's own time. As text, or Grafana would round them.
_LIST: Final = f"""\
SELECT created_at, session_id, support_code, email, user_id,
  coalesce(submission_id, '{NOTHING}') AS submission_id, last_event,
  last_event_at, status, coalesce(decision, '{NOTHING}') AS decision, reason,
  last_error_code, btrim(violates) AS violates, project_id,
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
        *(
            variables.text(name, shown, f"{said}; {NO_VALUE}: without one; empty: any. {_ANY}.")
            for name, (_, shown, said) in _TEXTS.items()
        ),
        variables.text(
            "rule", "Rule", "That violated this rule when they were checked last; empty: any."
        ),
        variables.text("event", "Event", f"{_OF_ONE} The name of the event; empty: any. {_ANY}."),
        *(
            _one_of(name, shown, said, words)
            for name, shown, said, words in (
                ("impact", "Impact", "What the user felt.", tuple(Impact)),
                ("result", "Result", "How the check ended.", tuple(Result)),
                ("event_source", "Source", "Who recorded it.", tuple(Source)),
                ("corrected", "Clock", "yes: its sender told a time that cannot be.", ("yes",)),
            )
        ),
    ]


_OF_ONE: Final = (
    "Event, impact, result, source and clock speak of one event of the session, which meets all of"
    " them."
)


def _one_of(name: str, shown: str, said: str, words: tuple[str, ...]) -> CustomVariable:
    options = {word: word for word in ("any", *words)}
    return variables.choice(name, shown, f"{_OF_ONE} {said}", options, several=False)


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


def sessions(meanings: Mapping[str, ErrorCodeSpec] | None = None) -> table.Panel:
    """List the sessions, newest first; `meanings` are those of the user's error codes."""
    panel = table_of(_COLUMNS).with_target(Sql(_LIST)).filterable(False)
    panel.override_by_name("session_id", [session_link()])
    panel.override_by_name("status", colours.chip(colours.STATUS))
    panel.override_by_name("decision", colours.chip(colours.DECISION))
    if explanation := explained(meanings or {}):
        panel.override_by_name("last_error_code", explanation)
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
