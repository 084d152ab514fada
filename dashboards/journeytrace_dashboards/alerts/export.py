"""Writes the files that are committed under ``dashboards/generated/alerts/``."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import yaml

from journeytrace_dashboards.alerts.conformance import conformance
from journeytrace_dashboards.alerts.grafana import provisioning
from journeytrace_dashboards.alerts.health import health
from journeytrace_dashboards.alerts.model import Group
from journeytrace_dashboards.alerts.prometheus import alerting_rules, recording_rules
from journeytrace_dashboards.alerts.senders import senders
from journeytrace_dashboards.alerts.settings import DEFAULTS, Settings
from journeytrace_dashboards.alerts.silence import silence
from journeytrace_dashboards.alerts.spikes import spikes

__all__ = ["alert_files", "alert_groups", "export_alerts"]

_HEAD: Final = "# Written by `journeytrace dashboards export`: change it there, not here.\n"


def alert_groups(settings: Settings = DEFAULTS) -> tuple[Group, ...]:
    """Give everything that is recorded and told."""
    single = (silence, conformance, health, senders)
    return (*spikes(settings), *(group(settings) for group in single))


def alert_files(settings: Settings = DEFAULTS) -> dict[str, str]:
    """Give the files by their names."""
    groups = alert_groups(settings)
    return {
        "journeytrace.alerts.yml": _write(alerting_rules(groups, settings)),
        "journeytrace.grafana.yml": _write(provisioning(groups, settings)),
        "journeytrace.recording.yml": _write(recording_rules(groups, settings)),
    }


def export_alerts(folder: Path, settings: Settings = DEFAULTS) -> list[Path]:
    """Write the files into `folder`, which is made if missing; give their paths, sorted.

    Raises:
        OSError: the folder or a file cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, text in sorted(alert_files(settings).items()):
        path = folder / name
        path.write_text(text, "utf-8")
        written.append(path)
    return written


class _Dumper(yaml.SafeDumper):
    """Writes expressions of several lines as blocks, so that people can read them."""


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)


def _write(content: dict[str, Any]) -> str:
    return _HEAD + yaml.dump(
        content, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=10_000
    )
