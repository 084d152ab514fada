"""Rules put to the test by promtool."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.support.waiting import PATIENCE

from journeytrace_dashboards.alerts import Settings, export_alerts

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
    """A made-up day, minute by minute, of which promtool says what would have been told."""

    def __init__(self, promtool: str, folder: Path, settings: Settings) -> None:
        self._promtool = promtool
        self._folder = folder
        self._rules = [
            str(path) for path in export_alerts(folder, settings) if "grafana" not in path.name
        ]
        self._series: dict[str, str] = {}
        self._expected: list[dict[str, Any]] = []
        self._texts: list[dict[str, Any]] = []

    def counts(self, series: str, *phases: tuple[int, float], since: int = 0) -> None:
        """Let a counter rise: for so many minutes by so much each. It is not there before `since`.

        A negative rise is a restart of the counting, from 0.
        """
        values, value = [f"_x{since}"] if since else [], 0.0
        for minutes, rise in phases:
            start = 0.0 if rise < 0 else value
            values.append(f"{start:.12g}+{abs(rise):.12g}x{minutes - 1}")
            value = start + abs(rise) * minutes
        self._series[series] = " ".join(values)

    def shows(self, series: str, *phases: tuple[int, float | None]) -> None:
        """Let a gauge show a value for so many minutes; None: nothing is scraped."""
        self._series[series] = " ".join(
            f"_x{minutes}" if value is None else f"{value:g}+0x{minutes - 1}"
            for minutes, value in phases
        )

    def expect(self, minute: int, firing: Firing = ()) -> None:
        """Claim that at `minute` these alerts fire, and no others."""
        shown = []
        for alert in firing:
            name, labels = alert.removesuffix("}").split("{")
            listed = ",".join([f'alertname="{name}"', *filter(None, [labels])])
            shown.append({"labels": f"{{{listed}}}", "value": 1})
        by = "alertname, project, event, reason, stage, destination, instance"
        expr = f'count by ({by}) (ALERTS{{alertstate="firing"}})'
        self._expected.append({"expr": expr, "eval_time": f"{minute}m", "exp_samples": shown})

    def expect_text(
        self, minute: int, alert: str, labels: Mapping[str, str], texts: Mapping[str, str]
    ) -> None:
        """Claim that at `minute` this alert fires alone of its name, with these texts."""
        exact = {"exp_labels": dict(labels), "exp_annotations": dict(texts)}
        self._texts.append({"eval_time": f"{minute}m", "alertname": alert, "exp_alerts": [exact]})

    def check(self) -> None:
        """Let promtool play the day and compare."""
        test = {
            "interval": "1m",
            "input_series": [
                {"series": name, "values": values} for name, values in self._series.items()
            ],
            "promql_expr_test": self._expected,
            "alert_rule_test": self._texts,
        }
        file = self._folder / "test.yml"
        content = {"rule_files": self._rules, "evaluation_interval": "1m", "tests": [test]}
        file.write_text(yaml.safe_dump(content, sort_keys=False))
        done = subprocess.run(
            [self._promtool, "test", "rules", str(file)],
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE,
        )
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture
def day(tmp_path: Path, program: Callable[[str], str]) -> Callable[..., Day]:
    """Make a day on which a collector is up; `settings` are the defaults unless given."""

    def make(settings: Settings = Settings(), *, up: bool = True) -> Day:  # noqa: B008
        day = Day(program("promtool"), tmp_path, settings)
        if up:
            day.shows('up{job="journeytrace",instance="a"}', (2_000, 1))
            day.shows('journey_collector_build_info{version="1"}', (2_000, 1))
        return day

    return make
