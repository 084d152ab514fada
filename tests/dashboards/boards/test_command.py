from __future__ import annotations

import importlib.metadata
import subprocess
import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
import yaml
from tests.support.waiting import PATIENCE
from typer.testing import CliRunner

from journeytrace_collector.cli import app as journeytrace
from journeytrace_collector.cli.dashboards import GROUP
from journeytrace_dashboards.command import app
from journeytrace_dashboards.provisioning import COMPOSE, dashboards_yaml, datasources_yaml

MOUNTED = "/var/lib/grafana/dashboards/journeytrace"


@pytest.fixture
def runner() -> CliRunner:
    """Runs a command in this process."""
    return CliRunner()


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """Let the command's entry point lead where the test says; None: there is no entry point."""
    found = [] if request.param is None else [EntryPoint("dashboards", request.param, GROUP)]
    # By its module's name: as an attribute of the package the command itself stands there.
    module = sys.modules["journeytrace_collector.cli.dashboards"]
    monkeypatch.setattr(module, "entry_points", lambda **_: tuple(found))


def test_export_then_check_finds_nothing(runner: CliRunner, tmp_path: Path) -> None:
    """What was just written is as it should be."""
    done = runner.invoke(app, ["export", str(tmp_path / "new")])
    assert done.exit_code == 0
    assert done.stdout.split() == [
        str(tmp_path / "new" / name)
        for name in (
            "journeys.json",
            "sessions.json",
            "session-detail.json",
            "collector-health.json",
            "alerts/journeytrace.alerts.yml",
            "alerts/journeytrace.grafana.yml",
            "alerts/journeytrace.recording.yml",
        )
    ]
    done = runner.invoke(app, ["check", "--dir", str(tmp_path / "new")])
    assert (done.exit_code, done.stdout) == (
        0,
        "Nothing wrong. SQL was not prepared: --database.\n",
    )


def test_a_folder_that_cannot_be_written_is_named(runner: CliRunner, tmp_path: Path) -> None:
    """In one line, with why."""
    taken = tmp_path / "taken"
    taken.write_text("a file")
    done = runner.invoke(app, ["export", str(taken)])
    assert done.exit_code == 1
    assert done.stderr == f"journeytrace: {taken} cannot be written: File exists\n"


def test_settings_are_written_into_the_alerts(runner: CliRunner, tmp_path: Path) -> None:
    """Thresholds, windows, addresses and quiet hours, from one file."""
    file = tmp_path / "alerts.yml"
    file.write_text(
        "windows: [10m, 1h]\nvolume: 100\ngrafana_url: https://grafana.example/\n"
        "alertmanager_url: https://alertmanager.example\nquiet_hours: 22:00-06:00\n"
        "runbooks_url: https://wiki.example/runbooks\n"
    )
    done = runner.invoke(app, ["export", str(tmp_path / "new"), "--settings", str(file)])
    assert done.exit_code == 0, done.output
    alerts = (tmp_path / "new" / "alerts" / "journeytrace.alerts.yml").read_text()
    assert "https://grafana.example/d/journeytrace-journeys" in alerts
    assert "https://alertmanager.example/#/silences/new" in alerts
    assert "https://wiki.example/runbooks/JourneyBlockedSpike.md" in alerts
    assert "hour() * 60" in alerts
    recorded = (tmp_path / "new" / "alerts" / "journeytrace.recording.yml").read_text()
    assert "journey:blocked:of >= 100" in recorded
    assert "window: 30m" not in recorded


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("windows: [30m, 45m]", "windows: each must be a multiple of the first"),
        ("window: 30m", "window is unknown; known are "),
        ("hold: soon", "hold: 'soon' must be a duration such as 90s"),
        ("volume: many", "volume: 'many' must be a number"),
        ("quiet_hours: [at night]", "must look like 22:00-06:00"),
        ("margin: -1", "margin: is -1.0, but must not be negative"),
        ("- 1", "must be lines of `key: value`"),
        (": :", "cannot be read"),
    ],
)
def test_settings_that_are_wrong_are_named(
    runner: CliRunner, tmp_path: Path, text: str, said: str
) -> None:
    """With the key and what it may be; nothing is written."""
    file = tmp_path / "alerts.yml"
    file.write_text(text)
    done = runner.invoke(app, ["export", str(tmp_path / "new"), "--settings", str(file)])
    assert done.exit_code == 1
    assert said in done.stderr
    assert not (tmp_path / "new").exists()


def test_the_module_s_help_makes_no_folder(tmp_path: Path) -> None:
    """It is a command like the others."""
    command = [sys.executable, "-m", "journeytrace_dashboards.alerts", "--help"]
    done = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=PATIENCE
    )
    assert done.returncode == 0, done.stderr
    assert "--settings" in done.stdout
    assert not any(tmp_path.iterdir())


def test_check_names_what_is_wrong(runner: CliRunner, tmp_path: Path) -> None:
    """Each on a line, and the command fails."""
    done = runner.invoke(app, ["check", "--dir", str(tmp_path)])
    assert done.exit_code == 1
    assert len(done.stderr.splitlines()) == 4
    assert f"{tmp_path}/journeys.json is missing: run journeytrace dashboards export" in done.stderr


def test_check_works_without_any_files(
    runner: CliRunner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Outside the repository there are none to compare: it says so, and how to name them."""
    monkeypatch.chdir(tmp_path)
    done = runner.invoke(app, ["check"])
    assert (done.exit_code, done.stdout) == (
        0,
        "Nothing wrong. No files were compared: --dir. SQL was not prepared: --database.\n",
    )


def test_check_asks_a_database(runner: CliRunner, tmp_path: Path) -> None:
    """One that cannot be reached is told, not passed over."""
    runner.invoke(app, ["export", str(tmp_path)])
    nobody = f"postgresql://nobody@/nothing?host={tmp_path}"
    done = runner.invoke(app, ["check", "--dir", str(tmp_path), "--database", nobody])
    assert done.exit_code == 1
    assert "the database cannot be asked" in done.stderr


def test_push_takes_the_token_from_the_environment(runner: CliRunner) -> None:
    """A command line is seen by every user of the machine."""
    done = runner.invoke(
        app, ["push", "--grafana", "http://127.0.0.1:9"], env={"GRAFANA_TOKEN": "secret"}
    )
    assert done.exit_code == 1
    assert done.stderr == "journeytrace: http://127.0.0.1:9 cannot be reached: Connection refused\n"
    assert "secret" not in done.output
    assert runner.invoke(app, ["push", "--grafana", "http://127.0.0.1:9"]).exit_code == 2


@pytest.mark.parametrize("installed", ["journeytrace_dashboards.command:app"], indirect=True)
@pytest.mark.usefixtures("installed")
def test_the_collector_s_command_leads_here(runner: CliRunner, tmp_path: Path) -> None:
    """By an entry point: it imports none of this."""
    assert runner.invoke(journeytrace, ["dashboards", "export", str(tmp_path)]).exit_code == 0
    assert (tmp_path / "journeys.json").exists()


@pytest.mark.parametrize("installed", [None, "no_such_package:app"], indirect=True)
@pytest.mark.usefixtures("installed")
def test_what_is_missing_is_named(runner: CliRunner) -> None:
    """With the extra that brings it."""
    done = runner.invoke(journeytrace, ["dashboards", "check"])
    assert done.exit_code == 1
    assert 'pip install "journeytrace[dashboards]"' in done.stderr


def test_the_entry_point_is_declared() -> None:
    """As `journeytrace dashboards` looks for it."""
    [found] = importlib.metadata.entry_points(group=GROUP, name="dashboards")
    assert found.load() is app


def test_help_needs_no_dashboards() -> None:
    """The collector's help answers without importing any of this."""
    code = (
        "import sys; from journeytrace_collector.cli import app\n"
        "try: app(['--help'])\n"
        "except SystemExit: pass\n"
        "assert not [m for m in sys.modules if 'journeytrace_dashboards' in m or 'grafana' in m]"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE)
    assert done.returncode == 0, done.stderr
    assert "dashboards" in done.stdout


@pytest.mark.parametrize("name", ["datasources", "dashboards"])
def test_the_provisioning_files_are_what_the_code_makes(repository: Path, name: str) -> None:
    """For the names of docker-compose.yml."""
    made = datasources_yaml(COMPOSE) if name == "datasources" else dashboards_yaml(MOUNTED)
    path = repository / "dashboards" / "provisioning" / name / "journeytrace.yaml"
    assert path.read_text() == made


def test_grafana_takes_no_variable_of_ours_for_one_of_its_environment() -> None:
    """In these files it replaces $name, unless the sign is doubled."""
    text = datasources_yaml(COMPOSE)
    assert "$$__tags" in text
    assert text.replace("$$", "").count("$") == 1
    [tempo] = [s for s in yaml.safe_load(text)["datasources"] if s["uid"] == "tempo"]
    assert tempo["jsonData"]["tracesToMetrics"]["queries"][0]["query"].count("$$") == 2


def test_compose_mounts_what_the_file_names(repository: Path) -> None:
    """Else Grafana starts without a dashboard and without a word."""
    compose = yaml.safe_load((repository / "docker-compose.yml").read_text())
    mounts = compose["services"]["grafana"]["volumes"]
    assert f"./dashboards/generated:{MOUNTED}:ro" in mounts
