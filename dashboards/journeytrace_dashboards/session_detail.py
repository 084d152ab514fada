"""Session detail: why this user was stopped at this step."""

# ruff: noqa: S608 - made of our own words; what people type is quoted by Grafana
from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from grafana_foundation_sdk.builders import common, stat, statetimeline, table, tempo
from grafana_foundation_sdk.builders import dashboard as builders
from grafana_foundation_sdk.builders.dashboard import CustomVariable, QueryVariable, TextBoxVariable
from grafana_foundation_sdk.models.common import (
    BigValueColorMode,
    BigValueGraphMode,
    BigValueTextMode,
    VisibilityMode,
)
from grafana_foundation_sdk.models.dashboard import DynamicConfigValue

from journeytrace.catalogue import Catalogue, ErrorCodeSpec
from journeytrace.conventions import Source
from journeytrace_dashboards import colours, variables
from journeytrace_dashboards.code_meanings import explained
from journeytrace_dashboards.common import Sql, frame, table_of
from journeytrace_dashboards.session_list import session_link
from journeytrace_dashboards.sources import POSTGRESQL, TEMPO

__all__ = ["NO_TRACE", "card", "facts", "filters", "stages", "timeline", "trace"]

NO_TRACE: Final = "0" * 32
"""Stands where there is no session: Tempo finds nothing, whereas an empty query is an error."""

NOTHING: Final = "—"
_LAST_CODE: Final = "Most recent error code"
_NO_CODES: Final[Mapping[str, ErrorCodeSpec]] = MappingProxyType({})
NO_SESSION: Final = "No such session: it was never received, or its retention has ended."
_THIS: Final = "WHERE session_id = btrim(${session:sqlstring})"
_SEEN: Final = f"{_THIS}\n  AND source IN (${{source:sqlstring}})"

_TRACE: Final = f"""\
SELECT coalesce((SELECT trace_id FROM journey_sessions {_THIS}), '{NO_TRACE}')"""

_CARD: Final = f"""\
SELECT status AS "Status", coalesce(decision, '{NOTHING}') AS "Decision",
  coalesce(reason, '{NOTHING}') AS "Reason",
  coalesce(last_error_code, '{NOTHING}') AS "{_LAST_CODE}",
  coalesce(stage, '{NOTHING}') AS "Highest stage", last_event AS "Last event",
  events::text AS "Events", retries::text AS "Retries"
FROM journey_sessions
{_THIS}"""

_FACT_COLUMNS: Final = {
    "session_id": "Session ID",
    "submission_id": "Submission ID",
    "user_id": "User ID",
    "email": "Email",
    "project_id": "Project",
    "created_at": "Created",
    "last_event_at": "Last update",
    "decided_at": "Decided",
    "decided_by": "Decided by",
    "settled_at": "Came to rest",
    "revision": "Changed since",
    "expires_at": "Erased from",
    "trace_id": "Trace ID",
}
_FACTS: Final = f"""\
SELECT {", ".join(_FACT_COLUMNS)},
  ((extract(epoch FROM created_at) * 1000)::bigint - 60000)::text AS from_ms,
  ((extract(epoch FROM last_event_at) * 1000)::bigint + 60000)::text AS to_ms
FROM journey_sessions
{_THIS}"""

_TIMELINE_COLUMNS: Final = {
    "at": "Time",
    "source": "Source",
    "name": "Event",
    "stage": "Stage",
    "impact": "Impact",
    "result": "Result",
    "reason": "Reason",
    "error_code": "Error code",
    "duration_ms": "Took",
    "service": "Service",
    "attributes": "Metadata",
}
# Most events have no duration: "0 ms" would say that they took no time.
_TOOK: Final = "NULLIF(duration_ms, 0) AS duration_ms"
_TIMELINE: Final = f"""\
SELECT {", ".join(_TIMELINE_COLUMNS).replace("duration_ms", _TOOK)}
FROM journey_events
{_SEEN}
ORDER BY at, event_id"""

_SIDES: Final = {Source.FE: "On the screen (FE)", Source.BE: "On the server (BE)"}


def _stages_of(source: Source) -> str:
    return f"""\
SELECT at AS "time", stage AS "{_SIDES[source]}"
FROM journey_events
{_THIS}
  AND source = '{source}' AND stage IS NOT NULL
ORDER BY at, event_id"""


def filters() -> list[TextBoxVariable | CustomVariable | QueryVariable]:
    """Give the session, and which side of it is shown."""
    sides = {
        Source.FE.value: "FE (screen)",
        Source.BE.value: "BE (server)",
        Source.OP.value: "OP (people)",
    }
    return [
        variables.text("session", "Session ID", "As it stands in the list."),
        variables.choice("source", "Source", "Which side saw the event.", sides),
        variables.derived("trace", _TRACE, NO_TRACE),
    ]


def card(error_codes: Mapping[str, ErrorCodeSpec] = _NO_CODES) -> stat.Panel:
    """Sum the session up; `error_codes`: those with a meaning."""
    values = common.ReduceDataOptions().calcs(["lastNotNull"]).fields("/.*/")
    panel = stat.Panel().with_target(Sql(_CARD)).reduce_options(values)
    panel.graph_mode(BigValueGraphMode.NONE).color_mode(BigValueColorMode.VALUE)
    panel.text_mode(BigValueTextMode.VALUE_AND_NAME)
    panel.color_scheme(colours.paint(colours.NEUTRAL))
    mappings = (("Status", colours.STATUS), ("Decision", colours.DECISION))
    for name, words in mappings:
        panel.override_by_name(name, [DynamicConfigValue("mappings", [colours.value_map(words)])])
    if meanings := explained(error_codes):
        panel.override_by_name(_LAST_CODE, meanings)
    return frame(
        panel,
        "Summary",
        "Status: how far the user got. Decision and reason: a person's newest verdict, else the"
        " newest the server made; without one nothing was decided, however far the user got. The"
        " error code is the last that was shown to the user: what came after may have resolved it."
        " Retries count RETAKE events.",
        size=(24, 5),
        unit="string",
        nothing=NO_SESSION,
        source=POSTGRESQL,
    )


def facts() -> table.Panel:
    """Say whose session it is and when it was."""
    panel = table_of(_FACT_COLUMNS).with_target(Sql(_FACTS))
    for name in _FACT_COLUMNS:
        if name.endswith("_at"):
            panel.override_by_name(name, [DynamicConfigValue("unit", "dateTimeAsSystem")])
    panel.override_by_name("session_id", [session_link()])
    for internal in ("from_ms", "to_ms"):
        panel.override_by_name(internal, [DynamicConfigValue("custom.hidden", True)])
    return frame(
        panel,
        "Who and when",
        "A click on the session id sets the time range to the session's own, which the stages"
        " below need. Came to rest: when its status was told outside; Changed since: how often it"
        " went on and came to rest again. It is erased, with its events, at the time shown.",
        size=(24, 4),
        unit="string",
        nothing=NO_SESSION,
        source=POSTGRESQL,
    )


def timeline(error_codes: Mapping[str, ErrorCodeSpec] = _NO_CODES) -> table.Panel:
    """List the events; `error_codes`: those with a meaning."""
    panel = table_of(_TIMELINE_COLUMNS).with_target(Sql(_TIMELINE))
    panel.override_by_name("at", [DynamicConfigValue("unit", "time:YYYY-MM-DD HH:mm:ss.SSS")])
    panel.override_by_name("duration_ms", [DynamicConfigValue("unit", "ms")])
    panel.override_by_name("impact", colours.chip(colours.IMPACT))
    panel.override_by_name("result", colours.chip(colours.RESULT))
    panel.override_by_name("source", colours.chip(colours.SOURCE))
    if meanings := explained(error_codes):
        panel.override_by_name("error_code", meanings)
    metadata = {"custom.cellOptions": {"type": "json-view"}, "custom.inspect": True}
    panel.override_by_name(
        "attributes", [DynamicConfigValue(name, value) for name, value in metadata.items()]
    )
    return frame(
        panel,
        "Timeline",
        "Every event, in order of its own time. Order is not causality: checks run side by side,"
        " and a screen's clock may differ from the server's. Judge each event by its result and"
        " its impact, which is what the user felt. FE: seen on the screen; BE: done by the server;"
        " OP: done by a person at the desk. Only a BE decision or a person's verdict decides. The"
        " eye in Metadata opens all of it.",
        size=(24, 16),
        unit="string",
        nothing="No event of this session matches the filter.",
        source=POSTGRESQL,
    )


def stages(catalogue: Catalogue) -> statetimeline.Panel:
    """Show when each side was at which stage."""
    panel = statetimeline.Panel().merge_values(True).show_value(VisibilityMode.AUTO)
    panel.mappings([colours.value_map(colours.stages(catalogue))])
    # A query each: in one, either side would be empty wherever the other has an event.
    for ref_id, source in zip("AB", _SIDES, strict=True):
        panel.with_target(Sql(_stages_of(source), ref_id))
    return frame(
        panel,
        "Stages",
        "The stage of the newest event at each moment, as the screen and as the server saw it. The"
        " two may differ, for the server works while the user goes on; stages without a fixed"
        " order, such as CAMERA, come in between. The last bar runs to the end of the chart. Empty"
        " though there are events: set the time range by a click on the session id above.",
        size=(24, 6),
        unit="string",
        nothing="No stage in this time range.",
        source=POSTGRESQL,
    )


def trace() -> builders.Panel:
    """Show the trace."""
    query = tempo.Dataquery().datasource(TEMPO).query_type("traceql").query("$trace").ref_id("A")
    return frame(
        builders.Panel().type("traces").with_target(query),
        "Trace",
        "The session as Tempo has it: one span an event, under its stage. The session's own span"
        " comes only when it has come to rest, so the trace of an open one has no root yet. A"
        " span's links lead to the request it was part of.",
        size=(24, 18),
        unit="string",
        nothing="Tempo has no trace of this session.",
        source=TEMPO,
    )
