"""All of the alerts that may differ from one installation to the next."""

from __future__ import annotations

import re
from dataclasses import dataclass, fields, replace
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import yaml

from journeytrace_dashboards.alerts.model import span
from journeytrace_dashboards.alerts.quiet import Quiet

__all__ = ["DEFAULTS", "Settings", "SettingsError", "load_settings"]

_UNITS: Final = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}


class SettingsError(ValueError):
    """The file of settings is at fault; the message names the key and what it may be."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Thresholds, windows, addresses and quiet hours. In a file durations are texts, as ``30m``."""

    interval: timedelta = timedelta(minutes=1)
    """How often rules are evaluated."""
    windows: tuple[timedelta, ...] = (timedelta(minutes=30), timedelta(hours=3), timedelta(days=1))
    """What counts as now, each a multiple of the first. Small projects need the longer ones."""
    idle_timeout: timedelta = timedelta(minutes=20)
    """The collector's own setting of that name."""
    baseline: timedelta = timedelta(days=7)
    """What counts as usual."""
    gap: timedelta = timedelta(hours=1)
    """Between now and the baseline, so that a spike does not at once become usual."""
    step: timedelta = timedelta(hours=1)
    """How finely the baseline is looked at; finer costs Prometheus more and tells nothing new."""
    history: timedelta = timedelta(hours=6)
    """Time with enough volume that a baseline must hold, or there is none, and no alert."""
    trusted: timedelta = timedelta(days=1)
    """Such time after which a baseline leaves out whatever is above its limit."""
    seasons: tuple[timedelta, ...] = (timedelta(days=1), timedelta(days=7), timedelta(days=14))
    """How long ago the same hour was; their median is usual, too, where volume is large."""
    weeks: tuple[timedelta, ...] = (timedelta(days=7), timedelta(days=14), timedelta(days=21))
    """How long ago there were as many sessions as now; the median is what silence is held to."""
    volume: int = 30
    """Sessions, runs or decisions in a window below which nothing is said about shares."""
    least: int = 10
    """How many, at least, make a spike."""
    margin: float = 0.05
    """How far, at least, a spike lies above the usual: as a share, or as events a session."""
    deviations: float = 6
    """How many standard deviations above the usual it lies, besides."""
    dispersion: float = 0.1
    """By how much of itself the usual varies, from no cause that anybody could mend."""
    clumping: float = 2
    """Variance of what one session can do more than once, as a multiple of its number."""
    silence_share: float = 0.2
    """Share of the usual number of sessions below which it is silence."""
    silence_deviations: float = 5
    """How many standard deviations below the usual number it lies, besides."""
    hold: timedelta = timedelta(minutes=10)
    """How long a condition holds before it is told."""
    keep: timedelta = timedelta(minutes=15)
    """How long an alert stays after its condition has gone, so that it does not flap.

    Twice as long for one that holds back warnings of its topic, so that these end before it.
    """
    down: timedelta = timedelta(minutes=2)
    """How long a collector may be away: longer than a restart takes."""
    outbox_age: timedelta = timedelta(minutes=5)
    """How long something may wait for delivery."""
    kafka_lag: timedelta = timedelta(minutes=5)
    """How far the reading of a log may be behind."""
    rejected_share: float = 0.01
    """Share of what came in that may be of no use before it is told."""
    commit_time: timedelta = timedelta(seconds=1)
    """What one transaction in a hundred may take."""
    queued_bytes: int = 32 * 1024 * 1024
    """Size of what may wait for the store: half of the collector's `max_queued_bytes`."""
    refused_requests: int = 10
    """Requests in the first window that may be refused before it is told."""
    refused_pages: float = 0.05
    """Share of the requests of browsers that may be refused for one reason before it is told."""
    corrected_share: float = 0.05
    """Share of a project's events whose time may not be believed before it is told."""
    violations: int = 0
    """Sessions of a project that may violate one rule in the first window before it is told."""
    job: str = "journeytrace"
    """Under which Prometheus scrapes the collectors."""
    grafana_url: str = "http://127.0.0.1:3000"
    """Where people open dashboards; no slash at the end."""
    desk_url: str = "http://127.0.0.1:9465"
    """Where people open the desk; no slash at the end. Empty: no alert has a link to it."""
    alertmanager_url: str = ""
    """Where people silence alerts. Empty: no alert has a link for it."""
    runbooks_url: str = "docs/runbooks"
    """Where people find runbooks, an address or a path; no slash at the end."""
    quiet_hours: tuple[Quiet, ...] = ()
    """When no warning is told; as ``22:00-06:00`` or ``sat,sun 00:00-24:00``, in UTC."""

    def __post_init__(self) -> None:
        """Refuse what the rules cannot be made of.

        Raises:
            SettingsError: see there.
        """
        if not self.windows or any(
            window % self.windows[0] or window < self.windows[0] for window in self.windows
        ):
            raise SettingsError("windows: each must be a multiple of the first, as 30m, 3h, 1d")
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, (int, float)) and value < 0:
                raise SettingsError(f"{field.name}: is {value}, but must not be negative")


DEFAULTS: Final = Settings()
"""What is committed, and what a file that says nothing means."""


def load_settings(path: Path) -> Settings:
    """Read a YAML file of some of the settings; the others keep their defaults.

    Raises:
        SettingsError: it cannot be read, or a key or a value is not what it should be.
    """
    try:
        content = yaml.safe_load(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise SettingsError(f"{path}: cannot be read: {error}") from error
    if content is None:
        return DEFAULTS
    if not isinstance(content, dict):
        raise SettingsError(f"{path}: must be lines of `key: value`")
    known = {field.name for field in fields(Settings)}
    if unknown := sorted(map(str, content.keys() - known)):
        raise SettingsError(
            f"{path}: {unknown[0]} is unknown; known are {', '.join(sorted(known))}"
        )
    values = {key: _value(key, given, getattr(DEFAULTS, key)) for key, given in content.items()}
    return replace(DEFAULTS, **values)


def _value(key: str, given: Any, default: Any) -> Any:
    """Take a value over in the form of its default."""
    try:
        if key == "quiet_hours":
            return tuple(Quiet.parse(str(one)) for one in _list(given))
        if isinstance(default, tuple):
            return tuple(_duration(one) for one in _list(given))
        if isinstance(default, timedelta):
            return _duration(given)
        if isinstance(default, str):
            return str(given).rstrip("/")
        return _number(given, default)
    except ValueError as error:
        shown = span(default) if isinstance(default, timedelta) else default
        raise SettingsError(f"{key}: {given!r} {error} (the default is {shown})") from None


def _list(given: Any) -> list[Any]:
    return given if isinstance(given, list) else [given]


def _number(given: Any, default: float) -> float:
    if isinstance(given, bool) or not isinstance(given, (int, float)):
        raise ValueError("must be a number")  # noqa: TRY004 - told like any other
    return type(default)(given)


def _duration(given: Any) -> timedelta:
    found = re.fullmatch(r"(\d+(?:\.\d+)?)(ms|s|m|h|d|w)", str(given))
    if found is None or not float(found[1]):
        raise ValueError("must be a duration such as 90s, 30m, 3h or 7d")
    return timedelta(seconds=float(found[1]) * _UNITS[found[2]])
