"""Spikes: what is far above its own usual, for each project, event, reason or stage alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from journeytrace import conventions as names
from journeytrace.conventions import Decision, Impact, Source, Status
from journeytrace_dashboards.alerts.model import Alert, Group, Recording, Settings, Severity, span
from journeytrace_dashboards.alerts.promql import at_least, label, limit, rise, usual, variable
from journeytrace_dashboards.uids import JOURNEYS_UID

__all__ = ["spikes"]

_PROJECT: Final = ("project",)
_NOBODY: Final = "no project"
_PERCENT: Final = ("{{ $value | humanizePercentage }}", "{{ $usual | humanizePercentage }}")
_A_SESSION: Final = ('{{ printf "%.2f" $value }}', '{{ printf "%.2f" $usual }}')


def spikes(settings: Settings) -> tuple[Group, ...]:
    """Give a group for each spike: its share, what is usual, the limit, and the alert."""
    found = (
        _blocked(settings),
        _blocked_event(settings),
        _rejected(settings),
        _rejected_reason(settings),
        _drop_off(settings),
    )
    return tuple(_group(spike, settings) for spike in found)


@dataclass(frozen=True, slots=True)
class _Spike:
    name: str
    topic: str
    severity: Severity
    share: str
    """Name of the recorded series."""
    expr: str
    """What it records; nothing where the volume is too low."""
    by: tuple[str, ...]
    summary: str
    description: str
    variables: tuple[str, ...] = _PROJECT


def _group(spike: _Spike, settings: Settings) -> Group:
    variables = "&".join(variable(name) for name in spike.variables)
    alert = Alert(
        name=spike.name,
        topic=spike.topic,
        severity=spike.severity,
        expr=f"{spike.share} > {spike.share}:limit",
        by=spike.by,
        summary=spike.summary,
        description=spike.description,
        dashboard=f"{JOURNEYS_UID}?{variables}&from=now-6h&to=now",
        hold=settings.hold,
        keep=settings.keep,
        usual=f"{spike.share}:usual",
    )
    recordings = (
        Recording(spike.share, spike.expr),
        Recording(f"{spike.share}:usual", usual(spike.share, settings)),
        Recording(f"{spike.share}:limit", limit(spike.share, settings)),
    )
    return Group(spike.name, (*recordings, alert))


def _blocked(settings: Settings) -> _Spike:
    blocked = rise(names.EVENTS_TOTAL, settings.window, _PROJECT, f'impact="{Impact.BLOCKED}"')
    sessions = at_least(
        settings.volume, rise(names.SESSIONS_STARTED_TOTAL, settings.window, _PROJECT)
    )
    value, was = _A_SESSION
    return _Spike(
        name="JourneyBlockedSpike",
        topic="blocked",
        severity="critical",
        share="journey:blocked_a_session",
        expr=f"{blocked}\n  /\n{sessions}",
        by=_PROJECT,
        summary=f"{label('project', _NOBODY)}: {value} BLOCKED events a session in"
        f" {span(settings.window)}, usually {was}",
        description="Many more users than usual cannot go on. The panel of the checks that block"
        " most says which check it is.",
    )


def _blocked_event(settings: Settings) -> _Spike:
    by = ("project", "event", "source")
    window, events = settings.window, names.EVENTS_TOTAL
    # A check has runs that pass. What the screen reports has none, so sessions stand in for them.
    checks = f'source="{Source.BE}"'
    screens = f'impact="{Impact.BLOCKED}",source="{Source.FE}"'
    failed = rise(events, window, by, f'impact="{Impact.BLOCKED}",{checks}')
    runs = at_least(settings.volume, rise(events, window, by, checks))
    sessions = at_least(settings.volume, rise(names.SESSIONS_STARTED_TOTAL, window, _PROJECT))
    value, was = _PERCENT
    return _Spike(
        name="JourneyBlockedEventSpike",
        topic="blocked",
        severity="warning",
        share="journey:blocked_share",
        expr=f"{failed}\n  /\n{runs}\nor\n{rise(events, window, by, screens)}"
        f"\n  / on (project) group_left ()\n{sessions}",
        by=by,
        summary=f"{label('project', _NOBODY)}: {label('event', 'an event')} blocked {value} in"
        f" {span(window)}, usually {was}",
        description="For a check (BE) this is the share of its runs, for an event on the screen"
        " (FE) events a session.",
    )


def _rejected(settings: Settings) -> _Spike:
    rejected, decisions = _decisions(settings, _PROJECT)
    value, was = _PERCENT
    return _Spike(
        name="JourneyRejectedSpike",
        topic="rejected",
        severity="critical",
        share="journey:rejected_share",
        expr=f"{rejected}\n  /\n{decisions}",
        by=_PROJECT,
        summary=f"{label('project', _NOBODY)}: {value} of decisions in {span(settings.window)}"
        f" were REJECTED, usually {was}",
        description="Many more users than usual are turned away. The panel of the reasons says why."
        " It is an attack, or one of our checks is wrong.",
    )


def _rejected_reason(settings: Settings) -> _Spike:
    by = ("project", "reason")
    rejected, decisions = _decisions(settings, by)
    value, was = _PERCENT
    return _Spike(
        name="JourneyRejectedReasonSpike",
        topic="rejected",
        severity="warning",
        share="journey:rejected_reason_share",
        expr=f"{rejected}\n  / on (project) group_left ()\n{decisions}",
        by=by,
        summary=f"{label('project', _NOBODY)}: {value} of decisions in {span(settings.window)}"
        f" were REJECTED for {label('reason', 'no reason')}, usually {was}",
        description="One reason for rejection stands out, whether or not more users are turned"
        " away in all.",
    )


def _decisions(settings: Settings, by: tuple[str, ...]) -> tuple[str, str]:
    metric, window = names.DECISIONS_TOTAL, settings.window
    rejected = rise(metric, window, by, f'decision="{Decision.REJECTED}"')
    return rejected, at_least(settings.volume, rise(metric, window, _PROJECT))


def _drop_off(settings: Settings) -> _Spike:
    by, window = ("project", "stage"), settings.drop_window
    where = f'status="{Status.DROPPED}",stage!=""'
    dropped = rise(names.SESSIONS_SETTLED_TOTAL, window, by, where)
    # Who is dropped now came here an idle timeout ago: without the offset, falling traffic alone
    # would look like a spike.
    reached = rise(names.STAGE_REACHED_TOTAL, window, by, ago=settings.idle_timeout)
    value, was = _PERCENT
    return _Spike(
        name="JourneyDropOffSpike",
        topic="drop-off",
        severity="warning",
        share="journey:drop_off_share",
        expr=f"{dropped}\n  /\n{at_least(settings.volume, reached)}",
        by=by,
        summary=f"{label('project', _NOBODY)}: {value} of those who reached"
        f" {label('stage', 'no stage')} in {span(window)} dropped there, usually {was}",
        description="Users leave here without being told to. Look at what the screen reports:"
        " camera, network, retakes.",
    )
