"""What somebody has who installs the wheel: with the library alone, and with more beside it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from dataclasses import dataclass
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import pytest
from tests.support.waiting import PATIENCE

ROOT = Path(__file__).parents[1]
HERE = Path(sysconfig.get_path("purelib"))
API = ("opentelemetry-api", "typing_extensions")
INSTRUMENTATION = (
    "opentelemetry-instrumentation",
    "opentelemetry-semantic-conventions",
    "packaging",
    "wrapt",
)
INSTRUMENT = (
    "from opentelemetry.instrumentation.auto_instrumentation import run\n"
    "run()  # what the script opentelemetry-instrument does"
)
EXTRA = "pip install 'journeytrace[instrumentor]'"


@dataclass(frozen=True)
class Environment:
    """A virtual environment."""

    folder: Path

    @property
    def python(self) -> str:
        """Its interpreter."""
        return str(self.folder / "bin" / "python")

    @property
    def site(self) -> Path:
        """Where its packages are."""
        version = f"python{sys.version_info.major}.{sys.version_info.minor}"
        return self.folder / "lib" / version / "site-packages"

    def add(self, *names: str) -> None:
        """Copy distributions from the environment that the tests run in."""
        for name in names:
            for file in distribution(name).files or ():
                if ".." not in file.parts and file.suffix != ".pyc":
                    target = self.site / file
                    target.parent.mkdir(parents=True, exist_ok=True)
                    shutil.copy(HERE / file, target)

    def run(self, *command: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run a command of the environment to its end."""
        kept = {k: v for k, v in os.environ.items() if k not in {"PYTHONPATH", "VIRTUAL_ENV"}}
        path = f"{self.folder / 'bin'}{os.pathsep}{os.environ['PATH']}"
        return subprocess.run(
            command,
            env={**kept, "PATH": path, **variables},
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )

    def instrument(self, app: Path, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run a program by ``opentelemetry-instrument``."""
        return self.run(self.python, "-c", INSTRUMENT, self.python, str(app), **variables)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """The library with its one dependency."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True, timeout=PATIENCE)
    [wheel] = folder.glob("*.whl")
    made = Environment(tmp_path_factory.mktemp("base"))
    venv.create(made.folder, symlinks=True)
    made.add(*API)
    # From no index, and with its dependencies: so what is there suffices.
    pip = [sys.executable, "-m", "pip", "--python", made.python, "install", "--no-index"]
    subprocess.run([*pip, "--quiet", "--no-compile", wheel], check=True, timeout=PATIENCE)
    return made


def above(base: Environment, folder: Path, *sites: Path) -> Environment:
    """Make an environment that has all of `base`, and then these folders of packages."""
    made = Environment(folder)
    venv.create(folder, symlinks=True)
    (made.site / "below.pth").write_text("".join(f"{site}\n" for site in (base.site, *sites)))
    return made


@pytest.fixture(scope="module")
def everything(base: Environment, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """All that the tests have, and a configurator such as opentelemetry-distro brings."""
    made = above(base, tmp_path_factory.mktemp("everything"), HERE)
    (made.site / "distro.py").write_text(
        "from opentelemetry.sdk._configuration import _OTelSDKConfigurator\n"
        "class Configurator(_OTelSDKConfigurator): pass\n"
    )
    info = made.site / "distro-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: distro\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[opentelemetry_configurator]\nx = distro:Configurator")
    return made


@pytest.mark.parametrize("arguments", [["--help"], ["collector"], []])
def test_the_command_says_which_extra_it_needs(base: Environment, arguments: list[str]) -> None:
    """With the library alone it ends with one line that tells what to install."""
    done = base.run("journeytrace", *arguments)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.count("\n") == 1
    assert "pip install 'journeytrace[collector,exporters]'" in done.stderr


def test_the_library_needs_nothing_more(base: Environment) -> None:
    """With its one dependency a journey can be recorded from start to end."""
    code = (
        "import journeytrace, sys\n"
        "from journeytrace import *\n"
        "journey = Journey.start(email='ann@example.com')\n"
        "with journey.activate(), check(Event.FACE_COMPARE):\n"
        "    wrap(journey.identify)(user_id='u-42')\n"
        "journey.approve()\n"
        "print(problems(), 'opentelemetry.sdk' in sys.modules)"
    )
    done = base.run(base.python, "-c", code)
    assert (done.stdout, done.stderr) == ("{} False\n", "")


def test_instrumenting_goes_on_without_the_extra(base: Environment, tmp_path: Path) -> None:
    """Without the SDK the program runs as it would, and the log tells what is missing for what."""
    app = tmp_path / "app.py"
    app.write_text(
        "import journeytrace.instrumentor\n"
        "print(journeytrace.instrumentor.JourneyInstrumentor().is_instrumented_by_opentelemetry)\n"
    )
    environment = above(base, tmp_path / "venv")
    environment.add(*INSTRUMENTATION)
    done = environment.instrument(app)
    assert (done.stdout, done.stderr) == ("True\n", "")
    done = environment.instrument(app, OTEL_PYTHON_JOURNEYTRACE_SESSION_ID="spans")
    assert done.stdout == "True\n"
    assert EXTRA in done.stderr
    assert "Traceback" not in done.stderr


APP = """
from opentelemetry import _logs, trace
from journeytrace import Journey

with Journey.resume("s").activate() as journey:
    with trace.get_tracer("app").start_as_current_span("query"):
        _logs.get_logger("app").emit(body="a line of the log")
    with journey.check("PET_CHECK") as check:
        check.fail()
"""
OWN = '[events.PET_CHECK]\nsource = "BE"\nstage = "STEP1"\nimpact = "RETAKE"\nmeaning = "m"\n'


def printed(output: str) -> list[dict[str, Any]]:
    """Read the JSON documents that console exporters print one after the other."""
    return [json.loads(part + "}") for part in output.split("\n}\n") if part.strip()]


def test_instrumenting_sets_journeys_up_from_the_environment(
    everything: Environment, tmp_path: Path
) -> None:
    """The program's own spans and logs have the session's id, and its catalogue is known."""
    app, own = tmp_path / "app.py", tmp_path / "own.toml"
    app.write_text(APP)
    own.write_text(OWN)
    done = everything.instrument(
        app,
        OTEL_TRACES_EXPORTER="console",
        OTEL_LOGS_EXPORTER="console",
        OTEL_METRICS_EXPORTER="none",
        OTEL_PYTHON_JOURNEYTRACE_SESSION_ID="spans, logs",
        JOURNEYTRACE_CATALOGUE=str(own),
    )
    assert (done.returncode, done.stderr) == (0, "")
    found = {d.get("name") or d["body"]: d["attributes"] for d in printed(done.stdout)}
    assert found["query"] == {"session.id": "s"}
    assert found["a line of the log"] == {"session.id": "s"}
    assert found["PET_CHECK"]["journey.event.impact"] == "RETAKE"
    assert found["PET_CHECK"]["journey.stage"] == "STEP1"


def test_a_faulty_catalogue_stops_no_instrumenting(everything: Environment, tmp_path: Path) -> None:
    """The log tells the fault at the start; other libraries are instrumented, the program runs."""
    app = tmp_path / "app.py"
    app.write_text("print('ran')")
    done = everything.instrument(app, JOURNEYTRACE_CATALOGUE=str(tmp_path / "none.toml"))
    assert done.stdout == "ran\n"
    assert done.stderr.count("\n") == 1
    assert "'JOURNEYTRACE_CATALOGUE': names no usable catalogue" in done.stderr
    assert "none.toml: cannot be read: No such file or directory" in done.stderr
