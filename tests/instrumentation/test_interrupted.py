from __future__ import annotations

import os
import signal
import subprocess
import sys
from itertools import count
from pathlib import Path
from threading import Event as Flag
from threading import Thread
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry.trace import NoOpTracerProvider

import journeytrace
from journeytrace import Event, Journey, configure

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from types import FrameType

    from journeytrace.testing import RecordedJourneys

    Counted = Callable[[], Mapping[str, int]]

OURS = str(Path(journeytrace.__file__).parent)
SECONDS = 60
"""Until a wait counts as hung."""

STEP = "opcode" if sys.version_info[:2] != (3, 12) else "line"
"""What one step of the library is; tracing by instruction crashes Python 3.12.1."""

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="needs signals and forks"),
    pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning"),
]


def in_child(act: Callable[[], object]) -> int:
    """Fork, act in the child, and give its exit code: 0, or -SIGALRM if it hung."""
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            # The kernel ends what no Python code could end any more.
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            signal.alarm(SECONDS)
            act()
            code = 0
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def at_step(wanted: int, do: Callable[[], object]) -> Callable[..., Any]:
    """Give a trace function that acts once, before the library's nth step from now."""
    passed = count()

    def trace(frame: FrameType, kind: str, _argument: object) -> Any:
        if not frame.f_code.co_filename.startswith(OURS):
            return None
        frame.f_trace_opcodes = STEP == "opcode"
        if kind == STEP and next(passed) == wanted:
            do()
        return trace

    return trace


def spoil() -> None:
    """Record what is counted as a problem, and is the subject of a warning, twice."""
    Journey.resume("").record("PET_SHOWN")


def interruptions(act: Callable[[], object], by: Callable[[], object]) -> Iterator[int]:
    """Act again and again, each time interrupted one step later, until it ends before."""
    for step in count():
        came = Flag()

        def interrupt(came: Flag = came) -> None:
            came.set()
            by()

        sys.settrace(at_step(step, interrupt))
        try:
            act()
        finally:
            sys.settrace(None)
        if not came.is_set():
            return
        yield step


@pytest.mark.usefixtures("journeys")
def test_a_signal_handler_may_report_wherever_it_comes(counted: Counted) -> None:
    """One that interrupts the library at any step neither hangs nor loses a count."""

    def interrupted_everywhere() -> None:
        signal.signal(signal.SIGUSR1, lambda *_: spoil())
        before = dict(counted())
        for round_number in interruptions(spoil, lambda: signal.raise_signal(signal.SIGUSR1)):
            now = counted()
            assert now["no_journey"] == before.get("no_journey", 0) + 2 * (round_number + 1)
            assert now["bad_session_id"] == now["no_journey"]
        assert counted()["no_journey"] > 20

    assert in_child(interrupted_everywhere) == 0


def test_an_interruption_takes_no_field_away(journeys: RecordedJourneys) -> None:
    """Wherever more is said of the session, this event or the one after it carries it."""
    journey = Journey.resume("s")
    said = {"user.id": "u-42", "user.email": "ann@example.com", "journey.project.id": "acme-kyc"}

    def act() -> None:
        journey.identify(user_id="u-42", email="ann@example.com")
        journey.record(Event.STEP_VIEW)

    rounds = 0
    for _ in interruptions(act, lambda: journey.identify(project="acme-kyc")):
        journey.record(Event.STEP1_ENTERED)
        carried = {k: v for e in journeys.events() for k, v in e.attributes.items() if k in said}
        assert carried == said
        journeys.clear()
        rounds += 1
    assert rounds > 20


@pytest.mark.usefixtures("journeys")
def test_a_fork_may_come_wherever_another_thread_is(counted: Counted) -> None:
    """Wherever in a report another thread stands, a forked child reports and reads the counts."""

    def report_and_read() -> None:
        before = counted().get("bad_session_id", 0)
        spoil()
        assert counted()["bad_session_id"] == before + 1

    for step in count():
        stopped, ended, go_on = Flag(), Flag(), Flag()

        def stop(stopped: Flag = stopped, go_on: Flag = go_on) -> None:
            stopped.set()
            assert go_on.wait(2 * SECONDS), "the fork has not come"

        trace = at_step(step, stop)

        def work(
            trace: Callable[..., Any] = trace, stopped: Flag = stopped, ended: Flag = ended
        ) -> None:
            sys.settrace(trace)
            spoil()
            ended.set()
            stopped.set()

        thread = Thread(target=work, daemon=True)
        thread.start()
        assert stopped.wait(SECONDS), "the thread has neither stopped nor ended"
        if ended.is_set():
            break
        code = in_child(report_and_read)
        go_on.set()
        thread.join(SECONDS)
        assert code == 0, f"the child ended with {code}, forked at step {step}"
    assert step > 20


@pytest.mark.usefixtures("unconfigured")
def test_a_fork_may_come_while_the_tracer_is_made() -> None:
    """A child makes a tracer of its own, whatever another thread of its parent waited for."""
    parent, asked, go_on = os.getpid(), Flag(), Flag()

    class Slow(NoOpTracerProvider):
        def get_tracer(self, *args: Any, **kwargs: Any) -> Any:
            if os.getpid() == parent:
                asked.set()
                assert go_on.wait(2 * SECONDS), "the fork has not come"
            return super().get_tracer(*args, **kwargs)

    configure(tracer_provider=Slow())
    journey = Journey.resume("s")
    thread = Thread(target=journey.record, args=(Event.STEP_VIEW,), daemon=True)
    thread.start()
    assert asked.wait(SECONDS), "nobody has asked for the tracer"
    code = in_child(lambda: journey.record(Event.STEP_VIEW))
    go_on.set()
    thread.join(SECONDS)
    assert code == 0


FIRST_EVENT = """
import os, signal, sys
from threading import Event, Thread
from journeytrace import Journey

sys.setswitchinterval(60)  # from go_on to the fork, no other thread's turn comes by itself
importing, go_on = Event(), Event()

class Slow:
    def find_spec(self, name, path=None, target=None):
        if name == "tomllib" and not importing.is_set():
            importing.set()
            assert go_on.wait(SECONDS), "the fork has not come"

sys.meta_path.insert(0, Slow())
thread = Thread(target=Journey.resume("s").record, args=("STEP_VIEW",))
thread.start()
assert importing.wait(SECONDS), "nobody has imported the catalogue"
os.register_at_fork(before=go_on.set)  # the newest one is called first
pid = os.fork()
if pid == 0:
    signal.alarm(SECONDS)
    Journey.resume("s").record("STEP_VIEW")
    os._exit(0)
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
thread.join(SECONDS)
"""


def test_a_fork_may_come_during_the_first_event() -> None:
    """What another thread is importing just then is imported when the child begins."""
    code = FIRST_EVENT.replace("SECONDS", str(SECONDS))
    command = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", code]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=4 * SECONDS)
    assert (done.stdout, done.stderr) == ("0\n", "")
