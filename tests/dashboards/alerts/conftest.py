"""Rules put to the test by promtool."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from journeytrace_dashboards.alerts import Settings, export_alerts
from journeytrace_dashboards.alerts.settings import DEFAULTS

_PACKAGES = {
    "amtool": "prometheus-alertmanager",
    "prometheus": "prometheus",
    "prometheus-alertmanager": "prometheus-alertmanager",
    "promtool": "prometheus",
}

Firing = Iterable[str]
"""Alerts by name and labels, such as ``JourneyNoSessions{project="acme"}``; none: ``Name{}``."""


@pytest.fixture(scope="session")
def program() -> Callable[[str], str]:
    """Find a program of Debian's packages, without which nothing here is proved."""

    def find(name: str) -> str:
        found = shutil.which(name)
        if found is None:
            package = _PACKAGES[name]
            pytest.fail(f"{name} is missing: apt-get install --no-install-recommends {package}")
        return found

    return find


class Day:
    """A made-up day, of which promtool says what would have been told.

    It is played in steps of as many minutes as the rules are evaluated in.
    """

    def __init__(
        self, promtool: str, folder: Path, settings: Settings, only: Collection[str] = ()
    ) -> None:
        self._step = max(1, settings.interval // timedelta(minutes=1))
        self._promtool = promtool
        self._folder = folder
        self._rules = [
            str(path) for path in export_alerts(folder, settings) if "grafana" not in path.name
        ]
        for path in map(Path, self._rules if only else ()):
            groups = yaml.safe_load(path.read_text("utf-8"))["groups"]
            kept = [group for group in groups if group["name"] in only]
            path.write_text(yaml.safe_dump({"groups": kept}, sort_keys=False), "utf-8")
        self._series: dict[str, str] = {}
        self._expected: list[dict[str, Any]] = []
        self._texts: list[dict[str, Any]] = []

    def counts(self, series: str, *phases: tuple[int, float], since: int = 0) -> None:
        """Let a counter rise: for so many minutes by so much each. It is not there before `since`.

        A negative rise is a restart of the counting, from 0.
        """
        values, value = [f"_x{since // self._step}"] if since else [], 0.0
        for minutes, rise in phases:
            start = 0.0 if rise < 0 else value
            steps = minutes // self._step
            values.append(f"{start:.12g}+{abs(rise) * self._step:.12g}x{steps - 1}")
            value = start + abs(rise) * minutes
        self._series[series] = " ".join(values)

    def reaches(self, series: str, values: Iterable[float]) -> None:
        """Let a counter stand at these values, one a step."""
        self._series[series] = " ".join(f"{value:g}" for value in values)

    def shows(self, series: str, *phases: tuple[int, float | None]) -> None:
        """Let a gauge show a value for so many minutes; None: nothing is scraped."""
        self._series[series] = " ".join(
            f"_x{minutes // self._step}"
            if value is None
            else f"{value:g}+0x{minutes // self._step - 1}"
            for minutes, value in phases
        )

    def expect(self, minute: int, firing: Firing = ()) -> None:
        """Claim that at `minute` these alerts fire, and no others."""
        shown = []
        for alert in firing:
            name, labels = alert.removesuffix("}").split("{")
            listed = ",".join([f'alertname="{name}"', *filter(None, [labels])])
            shown.append({"labels": f"{{{listed}}}", "value": 1})
        by = "alertname, scope, project, event, reason, stage, destination, instance"
        by = f"{by}, sender, outcome, rule"
        expr = f'count by ({by}) (ALERTS{{alertstate="firing"}})'
        self._expected.append({"expr": expr, "eval_time": f"{minute}m", "exp_samples": shown})

    def holds(self, minute: int, condition: str) -> None:
        """Claim that at `minute` a condition of PromQL, with its ``bool``, is 1."""
        one = [{"labels": "{}", "value": 1}]
        self._expected.append({"expr": condition, "eval_time": f"{minute}m", "exp_samples": one})

    def expect_text(
        self, minute: int, alert: str, labels: Mapping[str, str], texts: Mapping[str, str]
    ) -> None:
        """Claim that at `minute` this alert fires alone of its name, with these texts."""
        exact = {"exp_labels": dict(labels), "exp_annotations": dict(texts)}
        self._texts.append({"eval_time": f"{minute}m", "alertname": alert, "exp_alerts": [exact]})

    def check(self) -> None:
        """Let promtool play the day and compare."""
        test = {
            "interval": f"{self._step}m",
            "input_series": [
                {"series": name, "values": values} for name, values in self._series.items()
            ],
            "promql_expr_test": self._expected,
            "alert_rule_test": self._texts,
        }
        file = self._folder / "test.yml"
        content = {
            "rule_files": self._rules,
            "evaluation_interval": f"{self._step}m",
            "tests": [test],
        }
        file.write_text(yaml.safe_dump(content, sort_keys=False))
        done = subprocess.run(
            [self._promtool, "test", "rules", str(file)],
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture
def day(tmp_path: Path, program: Callable[[str], str]) -> Callable[..., Day]:
    """Make a day on which a collector is up; `settings` are the defaults unless given.

    `only` names the groups of rules that are played; empty: all of them, which takes longer.
    """

    def make(settings: Settings = DEFAULTS, *, up: bool = True, only: Collection[str] = ()) -> Day:
        day = Day(program("promtool"), tmp_path, settings, only)
        if up:
            day.shows('up{job="journeytrace",instance="a"}', (50_000, 1))
            day.shows('journey_collector_build_info{version="1"}', (50_000, 1))
        return day

    return make
