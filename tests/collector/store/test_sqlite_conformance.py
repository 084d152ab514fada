"""What a kill leaves of the rules that a session violated."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from tests.support.events import IDLE_TIMEOUT, MINUTE, NOON, SESSION, event
from tests.support.rows import killed, rows_behind

from journeytrace.catalogue import builtin_catalogue
from journeytrace.conventions import CONFORMANCE_VIOLATIONS_TOTAL
from journeytrace_collector.core.change import Change, Followup
from journeytrace_collector.core.measure import Measure
from journeytrace_collector.insight.rule_file import rules_of
from journeytrace_collector.store import SqliteStore

CATALOGUE = builtin_catalogue()
RULES = rules_of(None, "", CATALOGUE)
RULE = "final-page-without-decision"


def opened(folder: Path) -> SqliteStore:
    """Open a store with the built-in rules, which counts what happens in it."""
    store = SqliteStore(folder, CATALOGUE, IDLE_TIMEOUT, rules=RULES)
    measure = Measure(CATALOGUE, rules=RULES.names)
    measure.restore(store.counters())

    def follow(change: Change) -> Followup:
        tally = measure.tally(change)
        return Followup(tally, committed=lambda: measure.learn(tally))

    store.follow(follow)
    return store


def told(store: SqliteStore) -> tuple[tuple[str, ...], float]:
    """Give what the session violates, and how many the rule has counted."""
    known = store.session(SESSION)
    counters = store.counters().rises
    count = counters.get((CONFORMANCE_VIOLATIONS_TOTAL.name, ("", RULE)), 0)
    return known.violates if known else (), count


def test_a_kill_before_or_after_settling_counts_once(tmp_path: Path) -> None:
    """Mark, memory and count are of one transaction, so a kill leaves all of them or none."""
    later = NOON + 60 * MINUTE
    with closing(opened(tmp_path / "one")) as store:
        store.write([event("STEP_VIEW")])
        store.write([event("FINAL_PAGE_VIEW", NOON + MINUTE)])
        before = killed(tmp_path / "one", tmp_path / "before")
        store.settle(later, 10)
        after = killed(tmp_path / "one", tmp_path / "after")
        assert told(store) == ((RULE,), 1)
    cases: list[tuple[Path, tuple[tuple[str, ...], float]]] = [
        (before, ((), 0)),
        (after, ((RULE,), 1)),
    ]
    for folder, found in cases:
        with closing(opened(folder)) as store:
            assert told(store) == found
            # It comes to rest once more, with something new that breaks the same rule.
            store.write([event("STEP_VIEW", NOON + 2 * MINUTE, received=later)])
            store.settle(later + 60 * MINUTE, 10)
            assert told(store) == ((RULE,), 1)
        assert rows_behind(folder) == []
