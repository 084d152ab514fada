from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from journeytrace_collector.kafka.watermark import (
    MOST_MARKS,
    WHOLE,
    Progress,
    reached,
    surveyed,
)

STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("append"), st.integers(0, 3)),
        st.tuples(st.just("store"), st.integers(1, 4)),
        st.tuples(st.just("look"), st.just(0)),
        st.tuples(st.just("pass"), st.integers(0, 100)),
    ),
    max_size=60,
)


class Log:
    """A partition, the time, and somebody who reads it."""

    def __init__(self, *, tells_time: bool) -> None:
        self.now = 1
        self.appended: list[int] = []
        self.progress = Progress()
        self._tells_time = tells_time

    def take(self, what: str, number: int) -> None:
        stored = self.progress.offset
        if what == "append":
            self.appended += [self.now] * number
        elif what == "store" and stored < len(self.appended):
            offset = min(stored + number, len(self.appended))
            self.progress.store(offset, self.appended[offset - 1] if self._tells_time else None)
        elif what == "look":
            self.progress.look(len(self.appended), self.now)
        elif what == "pass":
            self.now += number

    def unread(self) -> list[int]:
        return self.appended[self.progress.offset :]


@given(steps=STEPS, tells_time=st.booleans())
def test_nothing_that_lies_unread_is_older_than_the_watermark(
    steps: list[tuple[str, int]], tells_time: bool
) -> None:
    """Whatever is appended, stored and looked at: the watermark passes nothing that is unread."""
    log, before = Log(tells_time=tells_time), 0
    for step in steps:
        log.take(*step)
        assert all(at >= log.progress.at for at in log.unread())
        assert before <= log.progress.at <= log.now
        before = log.progress.at


@given(steps=STEPS, tells_time=st.booleans())
def test_a_drained_partition_counts_as_the_time_of_the_look(
    steps: list[tuple[str, int]], tells_time: bool
) -> None:
    """Once all is stored, a look brings the watermark to the time of the look."""
    log = Log(tells_time=tells_time)
    for step in steps:
        log.take(*step)
    log.take("store", len(log.appended))
    log.take("look", 0)
    assert log.progress.at == log.now
    assert log.progress.lag == 0


def test_a_partition_that_never_drains_follows_the_looks() -> None:
    """What is always a little behind is as far as the last look whose end it has passed."""
    progress = Progress()
    for second in range(1, 100):
        progress.look(second * 10, second)
        progress.store(second * 10 - 5, None)
        assert progress.at == second - 1


def test_looks_at_a_log_that_is_not_read_take_no_room() -> None:
    """However often a log is looked at that nobody reads, few ends of it are remembered."""
    progress = Progress()
    for second in range(10 * MOST_MARKS):
        progress.look(second + 1, second)
    assert len(progress._marks) <= MOST_MARKS
    progress.store(10 * MOST_MARKS, None)
    assert progress.at == 10 * MOST_MARKS - 1


def test_the_lowest_partition_holds_the_clock() -> None:
    """The clock is the lowest watermark of all; without any it is nobody's."""
    assert reached({}) is None
    assert reached({("spans", 0): 7, ("spans", 1): 5, ("spans", WHOLE): 9}, ["spans"]) == 5


def test_a_topic_of_which_nothing_is_known_holds_all() -> None:
    """Before a topic was looked at for the first time, nothing has come in by it."""
    assert reached({("spans", 0): 7, ("spans", WHOLE): 9}, ["spans", "logs"]) == 0


@given(
    looks=st.lists(
        st.tuples(st.integers(1, 50), st.integers(0, 3), st.booleans()), min_size=1, max_size=12
    )
)
def test_a_partition_that_is_added_holds_the_clock_at_the_look_before(
    looks: list[tuple[int, int, bool]],
) -> None:
    """A new partition counts from the last look that did not find it, and nothing goes back."""
    now, count, known, born = 1, 1, {}, {0: 1}
    known = {("spans", 0): 1} | surveyed({("spans", 0): 1}, {"spans": 1}, now)
    for passes, added, drained in looks:
        now += passes
        for number in range(count, count + added):
            born[number] = now
        count += added
        now += passes
        before = reached(known, ["spans"])
        notes: dict[Any, int] = surveyed(known, {"spans": count}, now)
        if drained:
            notes |= {("spans", number): now for number in range(count) if number not in born}
        known |= {one: max(known.get(one, 0), at) for one, at in notes.items()}
        after = reached(known, ["spans"])
        assert before is not None
        assert after is not None
        assert after >= before
        assert all(after <= at for number, at in born.items() if number > 0)


def test_a_topic_that_is_not_there_holds_only_what_was_known_of_it() -> None:
    """A topic that never was holds nothing; one that is gone holds as it did."""
    assert surveyed({}, {"spans": None}, 9) == {("spans", WHOLE): 9}
    assert surveyed({("spans", 0): 5, ("spans", WHOLE): 7}, {"spans": None}, 9) == {}
