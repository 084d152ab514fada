"""The dashboards, put together."""

from __future__ import annotations

from grafana_foundation_sdk.builders.dashboard import Dashboard, Row

from journeytrace.catalogue import Catalogue, builtin_catalogue
from journeytrace_dashboards import (
    decisions,
    deployments,
    durations,
    error_codes,
    funnel,
    health,
    impacts,
    overview,
    projects,
    session_detail,
    session_list,
    variables,
)
from journeytrace_dashboards.common import new_dashboard
from journeytrace_dashboards.uids import HEALTH_UID, JOURNEYS_UID, SESSION_UID, SESSIONS_UID

__all__ = ["dashboards"]


def dashboards(catalogue: Catalogue | None = None) -> dict[str, Dashboard]:
    """Give all dashboards by the name of their file, without its ending.

    Stages and meanings of error codes are those of `catalogue`; None: of the built-in one.
    """
    catalogue = catalogue or builtin_catalogue()
    return {
        "journeys": _journeys(catalogue),
        "sessions": _sessions(catalogue),
        "session-detail": _session_detail(catalogue),
        "collector-health": _collector_health(),
    }


def _journeys(catalogue: Catalogue) -> Dashboard:
    stages = catalogue.ordered_stages
    return (
        new_dashboard(
            "Journeys",
            JOURNEYS_UID,
            "How many users get through, where they leave, what stops them and what is decided."
            " Status and decision are two things: a COMPLETED session is not an approved one.",
        )
        .time("now-24h", "now")
        .refresh("1m")
        .with_variable(variables.counted_projects())
        .with_variable(variables.timed_checks())
        .annotation(deployments.deployments())
        .with_panel(overview.started())
        .with_panel(overview.completion())
        .with_panel(overview.decided())
        .with_panel(overview.open_now())
        .with_panel(overview.started_over_time())
        .with_panel(overview.endings())
        .with_panel(projects.projects())
        .with_row(Row("Where users leave"))
        .with_panel(funnel.funnel(stages))
        .with_panel(funnel.conversion(stages))
        .with_panel(funnel.drop_off(stages))
        .with_panel(funnel.drop_off_over_time(stages))
        .with_panel(overview.lost_beacons())
        .with_row(Row("What is decided, and why"))
        .with_panel(decisions.over_time_by_decision())
        .with_panel(decisions.rejected_reasons())
        .with_panel(decisions.pending_reasons())
        .with_panel(decisions.violations())
        .with_row(Row("What stands in the way"))
        .with_panel(impacts.impacts_over_time())
        .with_panel(impacts.retries())
        .with_panel(impacts.blocking_checks())
        .with_panel(error_codes.error_codes(catalogue.error_codes))
        .with_row(Row("How long it takes"))
        .with_panel(durations.sessions())
        .with_panel(durations.stages())
        .with_panel(durations.checks())
        .with_panel(overview.open_by_stage(stages))
        .with_panel(overview.revisions())
    )


def _sessions(catalogue: Catalogue) -> Dashboard:
    board = (
        new_dashboard(
            "Sessions",
            SESSIONS_UID,
            "The list of sessions. Filter it, search one field of it, and open a session.",
        )
        .time("now-24h", "now")
        .refresh("1m")
    )
    for variable in session_list.filters():
        board.with_variable(variable)
    board.with_panel(session_list.found())
    return board.with_panel(session_list.sessions(catalogue.error_codes))


def _session_detail(catalogue: Catalogue) -> Dashboard:
    board = new_dashboard(
        "Session detail",
        SESSION_UID,
        "One session: what was decided, and every event that led there, as the screen and the"
        " server saw it. Come here from Sessions, or paste a session id.",
    ).time("now-24h", "now")
    for variable in session_detail.filters():
        board.with_variable(variable)
    return (
        board.with_panel(session_detail.card(catalogue.error_codes))
        .with_panel(session_detail.facts())
        .with_panel(session_detail.stages(catalogue))
        .with_panel(session_detail.timeline(catalogue.error_codes))
        .with_panel(session_detail.trace())
    )


def _collector_health() -> Dashboard:
    return (
        new_dashboard(
            "Collector health",
            HEALTH_UID,
            "Whether the collectors take in, store and pass on all they should; when in doubt about"
            " another dashboard, look here first.",
        )
        .time("now-6h", "now")
        .refresh("30s")
        .with_variable(variables.instances())
        .with_panel(health.lost())
        .with_panel(health.duplicates())
        .with_panel(health.parked())
        .with_panel(health.erased())
        .with_panel(health.events())
        .with_panel(health.records())
        .with_panel(health.pages())
        .with_panel(health.commits())
        .with_panel(health.queued())
        .with_panel(health.behind())
        .with_panel(health.unread())
        .with_panel(health.read())
        .with_panel(health.outbox())
        .with_panel(health.oldest())
        .with_panel(health.failures())
        .with_panel(health.collectors())
    )
