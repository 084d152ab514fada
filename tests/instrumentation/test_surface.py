from __future__ import annotations

import importlib
import inspect
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.semconv.schemas import Schemas
from tests.support.waiting import PATIENCE

import journeytrace
from journeytrace import CatalogueError, Event, Impact, Journey, _settings, configure
from journeytrace.catalogue import builtin_catalogue, load_catalogue
from journeytrace.conventions import SCHEMA_URL

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    UserFile = Callable[[str], Path]

OWN = '[events.PET_CHECK]\nsource = "BE"\nstage = "STEP1"\nimpact = "RETAKE"\nmeaning = "m"\n'


def run(code: str) -> str:
    """Run code in a fresh interpreter and give what it prints."""
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=PATIENCE)
    return done.stdout.strip()


def test_the_public_names_are_these() -> None:
    """A name that comes or goes is a decision, not an accident."""
    assert journeytrace.__all__ == [
        "CatalogueError",
        "Check",
        "Event",
        "Impact",
        "Journey",
        "Reason",
        "Result",
        "Source",
        "check",
        "configure",
        "problems",
        "wrap",
    ]


def test_what_can_be_configured_is_this() -> None:
    """Each setting has a default, under which the library works and keeps personal data in."""
    parameters = inspect.signature(configure).parameters
    assert {name: parameter.default for name, parameter in parameters.items()} == {
        "catalogue": None,
        "tracer_provider": None,
        "record_exceptions": False,
        "browser_key": None,
    }


@pytest.mark.parametrize("method", [Journey.record, Journey.check])
def test_a_method_shows_what_it_can_be_told(method: Callable[..., object]) -> None:
    """Each parameter stands in its signature, and it has its name and its text."""
    parameters = inspect.signature(method).parameters
    said = {"source", "stage", "impact", "error_code", "submission_id", "email", "attributes"}
    assert said < set(parameters)
    assert method.__qualname__ == f"Journey.{method.__name__}"
    assert "metadata" in parameters
    assert method.__doc__


@pytest.mark.parametrize(
    "module",
    [
        "",
        ".asgi",
        ".browser",
        ".catalogue",
        ".conventions",
        ".errors",
        ".identity",
        ".instrumentor",
        ".processors",
        ".testing",
        ".wsgi",
    ],
)
def test_public_modules_say_what_is_public(module: str) -> None:
    """Each has a sorted list of names that exist."""
    found = importlib.import_module(f"journeytrace{module}")
    constants = sorted(name for name in found.__all__ if name.isupper())
    others = sorted(name for name in found.__all__ if not name.isupper())
    classes = [name for name in others if name[0].isupper()]
    assert found.__all__ == constants + classes + [n for n in others if n not in classes]
    assert all(hasattr(found, name) for name in found.__all__)


def test_the_import_takes_no_sdk() -> None:
    """The API is the only dependency, and the catalogue is read when it is needed."""
    code = (
        "import sys, journeytrace, journeytrace.asgi, journeytrace.wsgi\n"
        "slow = ('opentelemetry.sdk', 'tomllib', 'importlib.metadata', 'journeytrace.catalogue')\n"
        "print([name for name in sys.modules if name.startswith(slow)])"
    )
    assert run(code) == "[]"


def test_without_an_sdk_all_is_a_no_op() -> None:
    """Everything can be called, and nothing but the library's own is loaded for it."""
    code = (
        "import sys\n"
        "sys.modules['opentelemetry.sdk'] = None\n"
        "from journeytrace import *\n"
        "journey = Journey.start(project='acme-kyc')\n"
        "with journey.activate(), journey.check(Event.ID_RECOGNITION) as check:\n"
        "    check.fail(error_code='x')\n"
        "    check.observe(Event.STEP_VIEW)\n"
        "journey.approve()\n"
        "print(bool(journey), len(journey.trace_id), problems())"
    )
    assert run(code) == "True 32 {}"


@pytest.mark.usefixtures("unconfigured")
def test_a_no_op_tracer_leaves_the_host_alone() -> None:
    """With journeys switched off, the host's spans carry nothing of them."""
    configure(tracer_provider=trace.NoOpTracerProvider())
    exporter = InMemorySpanExporter()
    host = TracerProvider(shutdown_on_exit=False)
    host.add_span_processor(SimpleSpanProcessor(exporter))
    with host.get_tracer("host").start_as_current_span("request"):
        journey = Journey.start()
        with journey.check(Event.ID_RECOGNITION) as check:
            check.fail()
    [span] = exporter.get_finished_spans()
    assert dict(span.attributes or {}) == {}


def test_a_provider_that_comes_late_is_found() -> None:
    """The library may be used before the host has set OpenTelemetry up."""
    code = (
        "from journeytrace import Journey, Event\n"
        "from opentelemetry import trace\n"
        "journey = Journey.start()\n"
        "from opentelemetry.sdk.trace import TracerProvider\n"
        "from opentelemetry.sdk.trace.export import SimpleSpanProcessor\n"
        "from opentelemetry.sdk.trace.export.in_memory_span_exporter import *\n"
        "exporter, provider = InMemorySpanExporter(), TracerProvider()\n"
        "provider.add_span_processor(SimpleSpanProcessor(exporter))\n"
        "trace.set_tracer_provider(provider)\n"
        "journey.record(Event.STEP_VIEW)\n"
        "print([span.name for span in exporter.get_finished_spans()])"
    )
    assert run(code) == "['STEP_VIEW']"


@pytest.mark.usefixtures("unconfigured")
@pytest.mark.parametrize("loaded", [True, False])
def test_configure_takes_a_catalogue_of_ones_own(
    user_file: UserFile, counted: Callable[[], Mapping[str, int]], loaded: bool
) -> None:
    """From a file or loaded before, it says what events mean."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    path = user_file(OWN)
    configure(catalogue=load_catalogue(path) if loaded else path, tracer_provider=provider)
    with Journey.start().check("PET_CHECK") as check:
        check.fail()
    attributes = exporter.get_finished_spans()[-1].attributes
    assert attributes
    assert attributes["journey.event.impact"] == Impact.RETAKE
    assert attributes["journey.stage"] == "STEP1"
    assert counted() == {}


@pytest.mark.usefixtures("unconfigured")
def test_the_environment_names_the_catalogue(
    user_file: UserFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where `configure` is given none; what it is given wins, and a fault stops the start too."""
    monkeypatch.setenv("JOURNEYTRACE_CATALOGUE", str(user_file(OWN)))
    configure()
    assert "PET_CHECK" in _settings.current().catalogue.events
    configure(catalogue=builtin_catalogue())
    assert "PET_CHECK" not in _settings.current().catalogue.events
    monkeypatch.setenv("JOURNEYTRACE_CATALOGUE", "nowhere.toml")
    with pytest.raises(CatalogueError, match=r"nowhere\.toml: cannot be read"):
        configure()


def test_a_faulty_catalogue_of_the_environment_breaks_nothing(user_file: UserFile) -> None:
    """Without `configure` the first event finds it, takes the built-in one and counts."""
    code = (
        f"import os; os.environ['JOURNEYTRACE_CATALOGUE'] = {str(user_file('[event.X]'))!r}\n"
        "from journeytrace import Journey, problems\n"
        "journey = Journey.start()\n"
        "journey.record('STEP_VIEW')\n"
        "print(problems())"
    )
    assert run(code) == "{'bad_catalogue': 1}"


@pytest.mark.usefixtures("unconfigured")
def test_the_tracer_says_which_version_and_conventions() -> None:
    """The scope of every event has name, version and the schema that its names are of."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    configure(tracer_provider=provider)
    Journey.start()
    scope = exporter.get_finished_spans()[0].instrumentation_scope
    assert scope
    assert (scope.name, scope.version) == ("journeytrace", version("journeytrace"))
    assert scope.schema_url == SCHEMA_URL
    assert SCHEMA_URL in {schema.value for schema in Schemas}


@pytest.mark.usefixtures("unconfigured")
def test_a_faulty_catalogue_stops_the_start(user_file: UserFile) -> None:
    """Configuring is the one call that raises."""
    with pytest.raises(CatalogueError, match="did you mean"):
        configure(catalogue=user_file('[events.STEP_VIEW]\nimpact = "NON"'))
