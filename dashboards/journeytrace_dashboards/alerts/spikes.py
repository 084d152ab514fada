"""Spikes: more trouble than usual, of each project, event, reason or stage, and of all projects."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from journeytrace import conventions as names
from journeytrace.conventions import Decision, Impact, Source, Status
from journeytrace_dashboards.alerts.model import Alert, Group, Severity
from journeytrace_dashboards.alerts.promql import label, rise
from journeytrace_dashboards.alerts.settings import Settings
from journeytrace_dashboards.alerts.statistics import Trouble, recordings
from journeytrace_dashboards.alerts.texts import (
    A_SESSION,
    PERCENT,
    WHO,
    Chosen,
    compared,
    list_of,
    project_of,
)
from journeytrace_dashboards.uids import JOURNEYS_UID

__all__ = ["spikes", "troubles"]

_PROJECT: Final = ("project",)
_ENDED: Final = tuple(status for status in Status if status is not Status.IN_PROGRESS)
_IN: Final = "in the last {{ $seconds | humanizeDuration }}"


@dataclass(frozen=True, slots=True)
class _Spike:
    name: str
    topic: str
    severity: Severity
    trouble: Trouble
    what: str
    """What so many of them do or suffer."""
    description: str
    chosen: Chosen = field(default_factory=dict)
    """Filters of the list of sessions."""
    at_rest: bool = False
    """Whether it is known of a session only when that has come to rest."""
    holds_back: bool = False
    """Whether there are warnings of its topic, which wait while it fires."""


def spikes(settings: Settings) -> tuple[Group, ...]:
    """Give a group for each spike: what is recorded for it, and the alert."""
    return tuple(_group(spike, settings) for spike in _spikes(settings))


def troubles(settings: Settings) -> tuple[Trouble, ...]:
    """Give what the spikes are made of."""
    return tuple(spike.trouble for spike in _spikes(settings))


def _spikes(settings: Settings) -> tuple[_Spike, ...]:
    return (
        _blocked(settings),
        _blocked_event(settings),
        _rejected(settings),
        _rejected_reason(settings),
        _drop_off(settings),
        _error(settings),
        _pending(settings),
        _retake(settings),
        _undecided(settings),
    )


def _group(spike: _Spike, settings: Settings) -> Group:
    series = spike.trouble.series
    form = PERCENT if spike.trouble.once else A_SESSION
    alert = Alert(
        name=spike.name,
        topic=spike.topic,
        severity=spike.severity,
        expr=f"{series}:told",
        by=("scope", *spike.trouble.by),
        summary=f"{WHO}: {form % 'value'} {spike.what} {_IN}, {compared(form)}",
        description=spike.description,
        dashboard=f"{JOURNEYS_UID}?{project_of('$__all')}&from=now-6h&to=now",
        sessions=list_of(spike.chosen),
        hold=settings.hold,
        # Or the warnings that it holds back would be told when they end after it.
        keep=settings.keep * (2 if spike.holds_back else 1),
        usual=f"{series}:usually",
        last=f"{series}:last_week",
        seconds=f"{series}:seconds",
        # Who was active in the window began no more than an idle timeout before, or is rare; who
        # came to rest in it was active an idle timeout ago.
        lead=settings.idle_timeout * (2 if spike.at_rest else 1),
    )
    return Group(spike.name, (*recordings(spike.trouble, settings), alert))


def _blocked(settings: Settings) -> _Spike:
    found = rise(names.EVENTS_TOTAL, settings.windows[0], _PROJECT, f'impact="{Impact.BLOCKED}"')
    of = rise(names.SESSIONS_STARTED_TOTAL, settings.windows[0], _PROJECT)
    return _Spike(
        "JourneyBlockedSpike",
        "blocked",
        "critical",
        Trouble("journey:blocked", _PROJECT, found, of, once=False),
        what="BLOCKED events a session",
        description="Many more users than usual cannot go on. The panel of the checks that block"
        " most says which check it is.",
        chosen={"impact": Impact.BLOCKED},
        holds_back=True,
    )


def _blocked_event(settings: Settings) -> _Spike:
    by, events, window = ("project", "event", "source"), names.EVENTS_TOTAL, settings.windows[0]
    # A check has runs that pass. What the screen reports has none, so sessions stand in for them.
    blocked, checks = f'impact="{Impact.BLOCKED}"', f'source="{Source.BE}"'
    found = rise(events, window, by, blocked)
    runs = f"{rise(events, window, by, checks)}\n  and\n{found}"
    screens = rise(events, window, by, f'{blocked},source="{Source.FE}"')
    sessions = rise(names.SESSIONS_STARTED_TOTAL, window, _PROJECT)
    return _Spike(
        "JourneyBlockedEventSpike",
        "blocked",
        "warning",
        Trouble(
            "journey:blocked_event",
            by,
            found,
            f"({runs})\nor\n{screens} * 0 + on (project) group_left ()\n{sessions}",
            once=False,
        ),
        what=f"of {label('event', 'an event')} BLOCKED",
        description="For a check (BE) this is the share of its runs, for an event on the screen"
        " (FE) events a session.",
        chosen={"event": "$event", "event_source": "$source", "impact": Impact.BLOCKED},
    )


def _rejected(settings: Settings) -> _Spike:
    return _Spike(
        "JourneyRejectedSpike",
        "rejected",
        "critical",
        _decided("journey:rejected", Decision.REJECTED, settings),
        what="of decisions were REJECTED",
        description="Many more users than usual are turned away. The panel of the reasons says why."
        " It is an attack, or one of our checks is wrong.",
        chosen={"decision": Decision.REJECTED},
        holds_back=True,
    )


def _rejected_reason(settings: Settings) -> _Spike:
    by, metric, window = ("project", "reason"), names.DECISIONS_TOTAL, settings.windows[0]
    found = rise(metric, window, by, f'decision="{Decision.REJECTED}"')
    of = f"{found} * 0\n  + on (project) group_left ()\n{rise(metric, window, _PROJECT)}"
    return _Spike(
        "JourneyRejectedReasonSpike",
        "rejected",
        "warning",
        Trouble("journey:rejected_reason", by, found, of, once=True),
        what=f"of decisions were REJECTED for {label('reason', 'no reason')}",
        description="One reason for rejection stands out, whether or not more users are turned"
        " away in all.",
        chosen={"decision": Decision.REJECTED, "reason": "$reason"},
    )


def _drop_off(settings: Settings) -> _Spike:
    by, window = ("project", "stage"), settings.windows[0]
    where = f'status="{Status.DROPPED}",stage!=""'
    found = rise(names.SESSIONS_SETTLED_TOTAL, window, by, where)
    # Who is dropped now came here an idle timeout ago: without the offset, falling traffic alone
    # would look like a spike.
    of = rise(names.STAGE_REACHED_TOTAL, window, by, ago=settings.idle_timeout)
    return _Spike(
        "JourneyDropOffSpike",
        "drop-off",
        "warning",
        Trouble("journey:drop_off", by, found, of, once=False),
        what=f"of a session dropped at {label('stage', 'no stage')} for each that reached it",
        description="Users leave here without being told to. Look at what the screen reports:"
        " camera, network, retakes.",
        chosen={"status": Status.DROPPED, "stage": "$stage"},
        at_rest=True,
    )


def _error(settings: Settings) -> _Spike:
    metric, window = names.SESSIONS_SETTLED_TOTAL, settings.windows[0]
    found = rise(metric, window, _PROJECT, f'status="{Status.ERROR}"')
    return _Spike(
        "JourneyErrorSpike",
        "error",
        "critical",
        Trouble("journey:error", _PROJECT, found, rise(metric, window, _PROJECT), once=True),
        what="of sessions ended with status ERROR",
        description="Many more users than usual end on an error page. The list of sessions has the"
        " error codes.",
        chosen={"status": Status.ERROR},
        at_rest=True,
    )


def _pending(settings: Settings) -> _Spike:
    return _Spike(
        "JourneyPendingSpike",
        "pending",
        "warning",
        _decided("journey:pending", Decision.PENDING, settings),
        what="of decisions were PENDING",
        description="Many more users than usual wait for somebody to look at them. The panel of"
        " the reasons for PENDING says why.",
        chosen={"decision": Decision.PENDING},
    )


def _retake(settings: Settings) -> _Spike:
    found = rise(names.EVENTS_TOTAL, settings.windows[0], _PROJECT, f'impact="{Impact.RETAKE}"')
    of = rise(names.SESSIONS_STARTED_TOTAL, settings.windows[0], _PROJECT)
    return _Spike(
        "JourneyRetakeSpike",
        "retake",
        "warning",
        Trouble("journey:retake", _PROJECT, found, of, once=False),
        what="RETAKE events a session",
        description="Users have to take their pictures again far more often than usual. Some give"
        " up; look at drop-off, too.",
        chosen={"impact": Impact.RETAKE},
    )


def _undecided(settings: Settings) -> _Spike:
    window = settings.windows[0]
    of = rise(names.SESSIONS_SETTLED_TOTAL, window, _PROJECT)
    # Who settles now was decided an idle timeout ago.
    decided = rise(names.DECISIONS_TOTAL, window, _PROJECT, ago=settings.idle_timeout)
    return _Spike(
        "JourneyUndecidedSpike",
        "undecided",
        "critical",
        Trouble(
            "journey:undecided",
            _PROJECT,
            f"clamp_min(\n{of}\n  - (\n{decided}\n  or\n{of} * 0), 0)",
            of,
            once=False,
        ),
        what="of sessions ended without any decision",
        description="Users get through and nobody decides: what decides fails, or it no longer"
        " sends its events.",
        chosen={"decision": "NONE", "status": _ENDED},
        at_rest=True,
    )


def _decided(series: str, decision: Decision, settings: Settings) -> Trouble:
    metric, window = names.DECISIONS_TOTAL, settings.windows[0]
    found = rise(metric, window, _PROJECT, f'decision="{decision}"')
    return Trouble(series, _PROJECT, found, rise(metric, window, _PROJECT), once=True)
