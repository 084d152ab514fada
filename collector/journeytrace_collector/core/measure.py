"""Changes → by how much counters rise: pure, and committed with what it counts (DESIGN section 8).

What senders choose freely becomes no label unchecked, or they could multiply series without end:
events, stages and reasons outside the catalogue, projects above the cap, and those with long names
count as "other". A user's own event, stage or project of that very name is counted among them.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from journeytrace import conventions as names
from journeytrace.catalogue import Catalogue
from journeytrace.conventions import OTHER, Decision
from journeytrace.identity import trace_id
from journeytrace_collector.core.change import Change, Exemplar, SessionChange, Settlement, Tally
from journeytrace_collector.core.derive import highest_stage
from journeytrace_collector.core.marks import is_corrected
from journeytrace_collector.core.model import Event
from journeytrace_collector.core.series import RECORDS, born, observe
from journeytrace_collector.core.sessionize import SessionState

__all__ = ["DEFAULT_MAX_PROJECTS", "MAX_PROJECT_NAME", "MAX_UNFORESEEN", "Measure"]

DEFAULT_MAX_PROJECTS: Final = 100
"""Projects that have labels of their own, unless configured otherwise."""

MAX_PROJECT_NAME: Final = 64
"""Characters of a project's name that a label may have; a longer one counts as "other". Each of a
project's series, some 400, repeats the name."""

MAX_UNFORESEEN: Final = 5_000
"""Series of events, over all projects, whose source, stage or impact a sender chose otherwise than
the catalogue. What comes beyond counts as "other", without its stage: a sender could make 20,000 in
every project."""

_NS_PER_SECOND: Final = 1_000_000_000


class Measure:
    """Counts changes. `tally` alters nothing; `learn` says what of it has been committed."""

    def __init__(
        self,
        catalogue: Catalogue,
        projects: Iterable[str] = (),
        max_projects: int = DEFAULT_MAX_PROJECTS,
    ) -> None:
        """Count by `catalogue`.

        `projects` always have labels of their own. Others have, first come first served, while
        fewer than `max_projects` are known in all; 0: never. Names above `MAX_PROJECT_NAME` never
        have.
        """
        self._catalogue = catalogue
        self._max_projects = max_projects
        self._known = {"", *filter(_fits, projects)}
        self._born: set[str] = set()
        self._foreseen = {labels[1:] for labels in _events(born(catalogue, ""))}
        self._unforeseen: set[tuple[str, ...]] = set()

    def restore(self, counters: Tally) -> None:
        """Take over the projects that the store has counted before.

        They are born again with the next tally, for the catalogue may have grown since.
        """
        self._known |= set(filter(_fits, _projects(counters)))
        self._note_unforeseen(counters)

    def learn(self, committed: Tally) -> None:
        """Take note of the projects that a committed tally has brought forth.

        Without this a project is born again with every tally, which costs time and alters nothing.
        """
        fresh = _projects(committed)
        self._known |= fresh
        self._born |= fresh
        self._note_unforeseen(committed)

    def tally(self, change: Change) -> Tally:
        """Say what rises because of `change`. Series that can be foreseen start at 0 before."""
        tally = Tally()
        label = self._project_labels(change)
        for project in sorted({*self._known, *label.values()} - self._born):
            tally.rises |= born(self._catalogue, project).rises
        for outcome, (metric, labels) in RECORDS.items():
            if count := change.records.get(outcome, 0):
                tally.add(metric.name, labels, count)
        beyond = self._beyond(change, label)
        for session in change.sessions:
            self._count(tally, session, label[_project(session.after)], change.at, beyond)
        return tally

    def _project_labels(self, change: Change) -> dict[str, str]:
        """Give the label of each project in `change`, whatever the order of its sessions."""
        projects = {_project(session.after) for session in change.sessions}
        room = max(0, self._max_projects - len(self._known - {"", OTHER}))
        fresh = sorted(filter(_fits, projects - self._known))
        welcome = self._known.union(fresh[:room])
        return {project: project if project in welcome else OTHER for project in projects}

    def _note_unforeseen(self, counters: Tally) -> None:
        found = _events(counters)
        self._unforeseen.update(labels for labels in found if labels[1:] not in self._foreseen)

    def _beyond(self, change: Change, label: dict[str, str]) -> set[tuple[str, ...]]:
        """Give the series of events for which there is no room any more, whatever their order."""
        room = max(0, MAX_UNFORESEEN - len(self._unforeseen))
        if sum([len(session.fresh) for session in change.sessions]) <= room:
            return set()
        wanted = {
            labels
            for session in change.sessions
            for event in session.fresh
            if (labels := self._event_labels(event, label[_project(session.after)]))[1:]
            not in self._foreseen
        }
        return set(sorted(wanted - self._unforeseen)[room:])

    def _event_labels(self, event: Event, project: str) -> tuple[str, ...]:
        name = event.name if event.name in self._catalogue.events else OTHER
        return project, name, event.source, self._stage(event.stage), event.impact

    def _count(
        self,
        tally: Tally,
        session: SessionChange,
        project: str,
        at: int,
        beyond: set[tuple[str, ...]],
    ) -> None:
        for event in session.fresh:
            self._count_event(tally, event, project, at, beyond)
        if session.before is None:
            tally.add(names.SESSIONS_STARTED_TOTAL.name, (project,))
        known = session.before.stages if session.before else {}
        for stage in session.after.stages.keys() - known.keys():
            tally.add(names.STAGE_REACHED_TOTAL.name, (project, self._stage(stage)))
        decision = _decision(session.after)
        if decision and decision != _decision(session.before):
            labels = (project, decision[0], self._reason(*decision))
            tally.add(names.DECISIONS_TOTAL.name, labels)
        if session.settlement:
            self._count_settlement(tally, session.after, session.settlement, project, at)

    def _count_event(
        self, tally: Tally, event: Event, project: str, at: int, beyond: set[tuple[str, ...]]
    ) -> None:
        labels = self._event_labels(event, project)
        if labels in beyond:
            labels = (project, OTHER, event.source, "", event.impact)
        tally.add(names.EVENTS_TOTAL.name, labels)
        if is_corrected(event):
            tally.add(names.COLLECTOR_TIME_CORRECTED_TOTAL.name, (project,))
        name = event.name
        known = name in self._catalogue.events
        # Of a log record or a span event nobody knows how long it took: its duration is 0.
        if known and event.result is not None and event.duration:
            seen = _exemplar(event.session_id, event.duration, at)
            observe(tally, names.CHECK_DURATION_SECONDS, (name,), seen.value, seen)

    def _count_settlement(
        self, tally: Tally, state: SessionState, settlement: Settlement, project: str, at: int
    ) -> None:
        status = settlement.status.value
        if settlement.before is not None:
            labels = (project, settlement.before.value, status)
            tally.add(names.SESSION_REVISIONS_TOTAL.name, labels)
            return
        stage = self._stage(highest_stage(state))
        tally.add(names.SESSIONS_SETTLED_TOTAL.name, (project, status, stage))
        seen = _exemplar(state.session_id, state.end - state.first[0], at)
        observe(tally, names.SESSION_DURATION_SECONDS, (project, status), seen.value, seen)
        for name, (_, start, end) in state.stages.items():
            seen = _exemplar(state.session_id, end - start, at)
            series = (project, self._stage(name))
            observe(tally, names.STAGE_DURATION_SECONDS, series, seen.value, seen)

    def _stage(self, stage: str | None) -> str:
        if stage is None:
            return ""
        return stage if stage in self._catalogue.stages else OTHER

    def _reason(self, decision: str, reason: str | None) -> str:
        if reason is None:
            return ""
        return reason if (Decision(decision), reason) in self._catalogue.reasons else OTHER


def _fits(project: str) -> bool:
    return len(project) <= MAX_PROJECT_NAME


def _project(state: SessionState) -> str:
    _, _, project = state.kept.get("project_id", (0, b"", ""))
    return project


def _decision(state: SessionState | None) -> tuple[str, str | None] | None:
    return state.decided[2:] if state and state.decided else None


def _exemplar(session_id: str, duration: int, at: int) -> Exemplar:
    # The collector's time, not the sender's: Prometheus takes exemplars in order only.
    return Exemplar(trace_id(session_id).hex(), duration / _NS_PER_SECOND, at)


def _events(tally: Tally) -> Iterable[tuple[str, ...]]:
    """Give the labels of the events that `tally` counts."""
    total = names.EVENTS_TOTAL.name
    return (labels for name, labels in tally.rises if name == total)


def _projects(tally: Tally) -> set[str]:
    """Give the projects in `tally`: each is born with this counter."""
    started = names.SESSIONS_STARTED_TOTAL.name
    return {labels[0] for name, labels in tally.rises if name == started}
