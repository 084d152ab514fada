from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from opentelemetry import trace
from tests.support.waiting import PATIENCE

from journeytrace import Event, Journey, configure

if TYPE_CHECKING:
    from pathlib import Path

    from journeytrace.testing import RecordedJourneys

SERVICE_TEST = """
from journeytrace import Event, Journey

def test_service(journeys):
    Journey.start(session_id="s").record(Event.STEP_VIEW)
    assert journeys.names("s") == ["SESSION_CREATED", "STEP_VIEW"]

def test_another(journeys):
    assert journeys.events() == []
"""


def pytest_in(folder: Path) -> subprocess.CompletedProcess[str]:
    """Run the tests of a folder as a service author would."""
    options = ["-p", "no:cacheprovider", "--rootdir", str(folder)]
    command = [sys.executable, "-m", "pytest", *options, str(folder)]
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=PATIENCE)


def test_a_service_needs_only_the_fixture(tmp_path: Path) -> None:
    """Installed is enough; each test starts with nothing recorded."""
    (tmp_path / "test_service.py").write_text(SERVICE_TEST)
    outcome = pytest_in(tmp_path)
    assert "2 passed" in outcome.stdout


def test_a_missing_sdk_is_named(tmp_path: Path) -> None:
    """Who lacks the extra is told which one to install."""
    (tmp_path / "test_service.py").write_text(SERVICE_TEST)
    hide = "import sys\nsys.modules['opentelemetry.sdk.trace'] = None\n"
    (tmp_path / "conftest.py").write_text(hide)
    outcome = pytest_in(tmp_path)
    assert outcome.returncode != 0
    assert "pip install journeytrace[testing]" in outcome.stdout


def test_it_records_apart_from_the_process(journeys: RecordedJourneys) -> None:
    """The global tracer provider is neither used nor set."""
    before = trace.get_tracer_provider()
    Journey.resume("s").record(Event.STEP_VIEW)
    assert trace.get_tracer_provider() is before
    assert len(journeys.spans) == 1


def test_a_service_may_configure_itself_in_a_test(journeys: RecordedJourneys) -> None:
    """Recording goes on, whatever tracer provider the service's start-up names."""
    configure(tracer_provider=trace.NoOpTracerProvider())
    Journey.resume("s").record(Event.STEP_VIEW)
    assert journeys.names() == ["STEP_VIEW"]


@pytest.mark.usefixtures("unconfigured")
def test_it_records_as_the_service_is_configured(request: pytest.FixtureRequest) -> None:
    """What was configured before the test holds in it, but for where spans go."""
    configure(record_exceptions=True, tracer_provider=trace.NoOpTracerProvider())
    journeys: RecordedJourneys = request.getfixturevalue("journeys")
    with pytest.raises(KeyError), Journey.resume("s").check(Event.STEP_VIEW):
        raise KeyError
    assert [event.name for event in journeys.spans[0].events] == ["exception"]


def test_events_can_be_asked_for_by_session(journeys: RecordedJourneys) -> None:
    """Events come by time, of one session or of all."""
    late = Journey.resume("late", clock=lambda: 20)
    late.record(Event.STEP_VIEW)
    Journey.resume("early", clock=lambda: 10).record(Event.PAGE_HIDDEN)
    assert journeys.names() == ["PAGE_HIDDEN", "STEP_VIEW"]
    assert journeys.names("late") == ["STEP_VIEW"]
    assert [(event.session_id, event.at) for event in journeys.events()] == [
        ("early", 10),
        ("late", 20),
    ]
    journeys.clear()
    assert journeys.events() == []
