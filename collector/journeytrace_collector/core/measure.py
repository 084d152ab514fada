"""Changes → by how much counters rise: pure, and committed with what it counts (DESIGN section 8).

What senders choose freely becomes no label unchecked, or they could multiply series without end:
events, stages and reasons outside the catalogue, projects and error codes above their caps, and
those with long names count as "other". A user's own event, stage, project or code of that very name
is counted among them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Final

from journeytrace import conventions as names
from journeytrace.catalogue import Catalogue
from journeytrace.conventions import OTHER, Decision, Metric, Status
from journeytrace_collector.core.change import Change, SessionChange, Settlement, Tally
from journeytrace_collector.core.derive import highest_of, highest_stage
from journeytrace_collector.core.funnel import passed
from journeytrace_collector.core.marks import is_corrected
from journeytrace_collector.core.model import Event
from journeytrace_collector.core.operations import Verdict, is_passive
from journeytrace_collector.core.series import (
    ADDED,
    MAX_ERROR_CODE,
    RECORDS,
    REMOVED,
    born,
    observe_all,
    own_codes,
)
from journeytrace_collector.core.sessionize import SessionState

__all__ = ["DEFAULT_MAX_PROJECTS", "MAX_PROJECT_NAME", "MAX_UNFORESEEN", "Measure"]

DEFAULT_MAX_PROJECTS: Final = 100
"""Projects that have labels of their own, unless configured otherwise."""

MAX_PROJECT_NAME: Final = 64
"""Characters of a project's name that a label may have; a longer one counts as "other". Each of a
project's series, some 480, repeats the name."""

MAX_UNFORESEEN: Final = 5_000
"""Series of events, over all projects, whose source, stage or impact a sender chose otherwise than
the catalogue. What comes beyond counts as "other", without its stage: a sender could make 20,000 in
every project."""

MAX_ERROR_CODES: Final = 1_000
"""Series of error codes outside the catalogue, over all projects. They follow no pattern, so the
first to come have labels of their own; what comes beyond counts as "other"."""


_HISTOGRAMS: Final = {metric.name: metric for metric in names.METRICS if metric.buckets}


class _Seen:
    """Events of one change, counted together: most of them are alike."""

    def __init__(self) -> None:
        self.events: Counter[tuple[str, ...]] = Counter()
        """By the labels of `EVENTS_TOTAL`."""
        self.codes: Counter[tuple[str, ...]] = Counter()
        self.corrected: Counter[str] = Counter()
        self.took: dict[str, dict[tuple[str, ...], list[tuple[int, str]]]] = {}
        """By the name of a histogram and its labels: duration in ns and session of each."""

    def count(self, tally: Tally, at: int) -> None:
        """Add it all to a tally."""
        for labels, count in self.events.items():
            tally.add(names.EVENTS_TOTAL.name, labels, count)
        for labels, count in self.codes.items():
            tally.add(names.ERROR_CODES_TOTAL.name, labels, count)
        for project, count in self.corrected.items():
            tally.add(names.COLLECTOR_TIME_CORRECTED_TOTAL.name, (project,), count)
        for name, series in self.took.items():
            for labels, took in series.items():
                observe_all(tally, _HISTOGRAMS[name], labels, took, at)

    def observe(
        self, metric: Metric, labels: tuple[str, ...], duration: int, session_id: str
    ) -> None:
        """Take note of a duration in ns."""
        series = self.took.setdefault(metric.name, {})
        series.setdefault(labels, []).append((duration, session_id))


class Measure:
    """Counts changes. `tally` alters nothing; `learn` says what of it has been committed."""

    def __init__(
        self,
        catalogue: Catalogue,
        projects: Iterable[str] = (),
        max_projects: int = DEFAULT_MAX_PROJECTS,
        rules: Iterable[str] = (),
    ) -> None:
        """Count by `catalogue`.

        `projects` always have labels of their own. Others have, first come first served, while
        fewer than `max_projects` are known in all; 0: never. Names above `MAX_PROJECT_NAME` never
        have. `rules` are the names of those that sessions are held against.
        """
        self._catalogue = catalogue
        self._ordered = catalogue.ordered_stages
        self._max_projects = max_projects
        self._rules = tuple(rules)
        self._known = {"", *filter(_fits, projects)}
        self._born: set[str] = set()
        foreseen = _labels(names.EVENTS_TOTAL, born(catalogue, ""))
        self._foreseen = {labels[1:] for labels in foreseen}
        self._unforeseen: set[tuple[str, ...]] = set()
        self._own_codes = own_codes(catalogue)
        self._codes: set[tuple[str, ...]] = set()

    def restore(self, counters: Tally) -> None:
        """Take over the projects that the store has counted before.

        They are born again with the next tally, for the catalogue may have grown since.
        """
        self._known |= set(filter(_fits, _projects(counters)))
        self._note_chosen(counters)

    def learn(self, committed: Tally) -> None:
        """Take note of the projects that a committed tally has brought forth.

        Without this a project is born again with every tally, which costs time and alters nothing.
        """
        fresh = _projects(committed)
        self._known |= fresh
        self._born |= fresh
        self._note_chosen(committed)

    def tally(self, change: Change) -> Tally:
        """Say what rises because of `change`. Series that can be foreseen start at 0 before."""
        tally = Tally()
        label = self._project_labels(change)
        for project in sorted({*self._known, *label.values()} - self._born):
            tally.rises |= born(self._catalogue, project, self._rules).rises
        for outcome, (metric, labels) in RECORDS.items():
            if count := change.records.get(outcome, 0):
                tally.add(metric.name, labels, count)
        beyond = self._beyond(change, label)
        seen = _Seen()
        for session in change.sessions:
            project = label[_project(session.after)]
            for event in session.fresh:
                self._see(seen, event, project, beyond)
            self._count(tally, seen, session, project)
        seen.count(tally, change.at)
        return tally

    def _project_labels(self, change: Change) -> dict[str, str]:
        """Give the label of each project in `change`, whatever the order of its sessions."""
        projects = {_project(session.after) for session in change.sessions}
        room = max(0, self._max_projects - len(self._known - {"", OTHER}))
        fresh = sorted(filter(_fits, projects - self._known))
        welcome = self._known.union(fresh[:room])
        return {project: project if project in welcome else OTHER for project in projects}

    def _note_chosen(self, counters: Tally) -> None:
        """Take note of the series whose labels a sender chose."""
        events = _labels(names.EVENTS_TOTAL, counters)
        self._unforeseen.update(labels for labels in events if labels[1:] not in self._foreseen)
        codes = _labels(names.ERROR_CODES_TOTAL, counters)
        self._codes.update(labels for labels in codes if labels[1] not in self._own_codes)

    def _beyond(self, change: Change, label: dict[str, str]) -> set[tuple[str, ...]]:
        """Give the series of events and codes for which there is no room any more, whatever their
        order.
        """
        room = max(0, MAX_UNFORESEEN - len(self._unforeseen))
        room_for_codes = max(0, MAX_ERROR_CODES - len(self._codes))
        if sum([len(session.fresh) for session in change.sessions]) <= min(room, room_for_codes):
            return set()
        wanted, codes = set(), set()
        for session in change.sessions:
            project = label[_project(session.after)]
            for event in session.fresh:
                if (labels := self._event_labels(event, project))[1:] not in self._foreseen:
                    wanted.add(labels)
                if event.error_code is not None and not is_passive(event):
                    codes.add((project, _code(event.error_code)))
        codes = {labels for labels in codes if labels[1] not in self._own_codes}
        return {
            *sorted(wanted - self._unforeseen)[room:],
            *sorted(codes - self._codes)[room_for_codes:],
        }

    def _event_labels(self, event: Event, project: str) -> tuple[str, ...]:
        name = event.name if event.name in self._catalogue.events else OTHER
        return project, name, event.source, self._stage(event.stage), event.impact

    def _count(self, tally: Tally, seen: _Seen, session: SessionChange, project: str) -> None:
        if not session.after.begun or _goes_on(session):
            return
        if session.before is None or not session.before.begun:
            tally.add(names.SESSIONS_STARTED_TOTAL.name, (project,))
        self._count_verdict(tally, session, project)
        if session.before is None or session.before.stages.keys() != session.after.stages.keys():
            before = highest_stage(session.before) if session.before else None
            for stage in passed(before, highest_stage(session.after), self._ordered):
                tally.add(names.STAGE_REACHED_TOTAL.name, (project, stage))
        decision = _decision(session.after)
        if decision and decision != _decision(session.before):
            labels = (project, decision[0], self._reason(*decision))
            tally.add(names.DECISIONS_TOTAL.name, labels)
        for rule in session.violated:
            tally.add(names.CONFORMANCE_VIOLATIONS_TOTAL.name, (project, rule))
        if session.settlement:
            self._count_settlement(tally, seen, session.after, session.settlement, project)

    def _count_verdict(self, tally: Tally, session: SessionChange, project: str) -> None:
        """Count a verdict when it begins to hold; before its session began it counted nowhere."""
        verdict = _verdict(session.after)
        if verdict is None:
            return
        before = session.before if session.before and session.before.begun else None
        if verdict != _verdict(before):
            was = before.decision[2] if before and before.decision else ""
            tally.add(names.VERDICTS_TOTAL.name, (project, was, verdict.decision))

    def _see(self, seen: _Seen, event: Event, project: str, beyond: set[tuple[str, ...]]) -> None:
        labels = self._event_labels(event, project)
        if labels in beyond:
            labels = (project, OTHER, event.source, "", event.impact)
        seen.events[labels] += 1
        if event.error_code is not None and not is_passive(event):
            shown = (project, _code(event.error_code))
            seen.codes[(project, OTHER) if shown in beyond else shown] += 1
        if is_corrected(event):
            seen.corrected[project] += 1
        # Of a log record or a span event nobody knows how long it took: its duration is 0.
        if event.result is not None and event.duration and event.name in self._catalogue.events:
            labels = (event.name,)
            seen.observe(names.CHECK_DURATION_SECONDS, labels, event.duration, event.session_id)

    def _count_settlement(
        self,
        tally: Tally,
        seen: _Seen,
        state: SessionState,
        settlement: Settlement,
        project: str,
    ) -> None:
        status = settlement.status.value
        if settlement.by_verdict:
            # It has been counted as what it is.
            return
        if settlement.before is not None:
            labels = (project, settlement.before.value, status)
            tally.add(names.SESSION_REVISIONS_TOTAL.name, labels)
            self._correct(tally, state, settlement, settlement.before, project)
            return
        stage = self._stage(highest_stage(state))
        tally.add(names.SESSIONS_SETTLED_TOTAL.name, (project, status, stage))
        own = state.session_id
        took = state.end - state.first[0]
        seen.observe(names.SESSION_DURATION_SECONDS, (project, status), took, own)
        for name, (_, start, end) in state.stages.items():
            series = (project, self._stage(name))
            seen.observe(names.STAGE_DURATION_SECONDS, series, end - start, own)

    def _correct(
        self,
        tally: Tally,
        state: SessionState,
        settlement: Settlement,
        was: Status,
        project: str,
    ) -> None:
        """Move a session from where it was counted when it settled before to where it is now."""
        before = (was.value, self._stage(highest_of(state, settlement.stages_told)))
        after = (settlement.status.value, self._stage(highest_stage(state)))
        if before != after:
            name = names.SETTLED_CORRECTIONS_TOTAL.name
            tally.add(name, (project, *before, REMOVED))
            tally.add(name, (project, *after, ADDED))

    def _stage(self, stage: str | None) -> str:
        if stage is None:
            return ""
        return stage if stage in self._catalogue.stages else OTHER

    def _reason(self, decision: str, reason: str | None) -> str:
        if reason is None:
            return ""
        return reason if (Decision(decision), reason) in self._catalogue.reasons else OTHER


def _goes_on(session: SessionChange) -> bool:
    """Whether events alone are to be counted, as is quickly told of most sessions."""
    before, after = session.before, session.after
    return (
        before is not None
        and before.events > 0
        and before.stages is after.stages
        and before.decided is after.decided
        and before.operations is after.operations
        and session.settlement is None
        and not session.violated
    )


def _fits(project: str) -> bool:
    return len(project) <= MAX_PROJECT_NAME


def _project(state: SessionState) -> str:
    return state.project or ""


def _decision(state: SessionState | None) -> tuple[str, str | None] | None:
    # Verdicts of people are counted apart.
    return state.decided[2:] if state and state.decided else None


def _verdict(state: SessionState | None) -> Verdict | None:
    return state.verdict if state else None


def _code(code: str) -> str:
    return code if len(code) <= MAX_ERROR_CODE else OTHER


def _labels(metric: Metric, tally: Tally) -> Iterable[tuple[str, ...]]:
    """Give the labels of the series that `tally` has of a metric."""
    return (labels for name, labels in tally.rises if name == metric.name)


def _projects(tally: Tally) -> set[str]:
    """Give the projects in `tally`: each is born with this counter."""
    return {labels[0] for labels in _labels(names.SESSIONS_STARTED_TOTAL, tally)}
