"""Screening: people of sessions are looked up in lists of sanctions and other risks.

Settings under ``exporters.screening``: see `ScreeningSettings`. What comes of it is recorded in the
session, as SCREENING_ENDED.
"""

from __future__ import annotations

from journeytrace_collector.errors import ConfigError
from journeytrace_collector.outbox.exporter import Context
from journeytrace_exporters._settings import read_section
from journeytrace_exporters.screening.exporter import ScreeningExporter
from journeytrace_exporters.screening.screener import Answer, Query, Screener, ScreenerError
from journeytrace_exporters.screening.settings import (
    LocalSettings,
    ScreeningSettings,
    YenteSettings,
)

__all__ = [
    "Answer",
    "Query",
    "Screener",
    "ScreenerError",
    "ScreeningExporter",
    "ScreeningSettings",
    "create",
]


def create(context: Context) -> ScreeningExporter | None:
    """Make the exporter; None: no screener is set.

    Raises:
        ConfigError: the section ``exporters.screening`` is faulty, or what it needs is missing.
    """
    settings = read_section("screening", ScreeningSettings, context.section)
    if settings.yente is not None:
        return ScreeningExporter(settings, _yente(settings.yente), context)
    if settings.local is None:
        return None
    try:
        return ScreeningExporter(settings, _local(settings.local), context)
    except ImportError as error:
        problem = f"needs {error.name}: pip install 'journeytrace[screening]'"
        raise ConfigError(f"exporters.screening.local: {problem}") from error


def _yente(settings: YenteSettings) -> Screener:
    from journeytrace_exporters.screening.yente import YenteScreener  # noqa: PLC0415

    key = settings.api_key
    return YenteScreener(
        settings.url,
        settings.dataset,
        settings.covered,
        threshold=settings.threshold,
        algorithm=settings.algorithm,
        api_key=key.get_secret_value() if key else None,
        timeout=settings.timeout,
        allow_private_networks=settings.allow_private_networks,
    )


def _local(settings: LocalSettings) -> Screener:
    # Only here is what it compares with needed: whoever asks yente installs nothing for it.
    from journeytrace_exporters.screening.local.lists import Limits, ListFile  # noqa: PLC0415
    from journeytrace_exporters.screening.local.screener import LocalScreener  # noqa: PLC0415

    files = [ListFile(one.name, one.path, one.covers) for one in settings.lists]
    limits = Limits(int(settings.max_size), settings.max_entries)
    return LocalScreener(files, settings.threshold, limits)
