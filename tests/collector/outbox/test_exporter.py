"""How exporters are found, and what happens to those that cannot be used."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from tests.support.waiting import PATIENCE

from journeytrace.catalogue import builtin_catalogue
from journeytrace_collector.errors import ConfigError
from journeytrace_collector.health import Health
from journeytrace_collector.outbox.exporter import load_exporters
from journeytrace_collector.recording import Recorder
from journeytrace_collector.settings import Settings
from journeytrace_collector.store import SqliteStore

WITHOUT_EXTRA = """
import sys
sys.modules["prometheus_client"] = None
from pathlib import Path
from journeytrace.catalogue import builtin_catalogue
from journeytrace_collector.recording import Recorder
from journeytrace_collector.settings import Settings
from journeytrace_collector.errors import ConfigError
from journeytrace_collector.outbox.exporter import load_exporters
from journeytrace_collector.health import Health
from journeytrace_collector.store import SqliteStore
store = SqliteStore(Path(sys.argv[1]), builtin_catalogue(), 1)
print(sorted(load_exporters(Settings(), store, lambda: 0, Health(), Recorder(lambda: 0))))
try:
    settings = Settings(exporters={"prometheus": {"enabled": True}})
    load_exporters(settings, store, lambda: 0, Health(), Recorder(lambda: 0))
except ConfigError as error:
    print(error)
"""


def test_an_unknown_exporter_is_refused(tmp_path: Path) -> None:
    """Settings for an exporter that nobody installed stop the start and name the known ones."""
    store = SqliteStore(tmp_path, builtin_catalogue(), 1)
    with pytest.raises(ConfigError, match=r"exporters\.otlpp: .*known: .*otlp, .*webhook"):
        load_exporters(
            Settings(exporters={"otlpp": {}}), store, lambda: 0, Health(), Recorder(lambda: 0)
        )
    store.close()


def test_a_missing_extra_is_told(tmp_path: Path) -> None:
    """Without its extra an exporter is off; asked for, it stops the start and names the extra."""
    answer = subprocess.run(
        [sys.executable, "-c", WITHOUT_EXTRA, str(tmp_path)],
        capture_output=True,
        text=True,
        check=True,
        timeout=PATIENCE,
    )
    first, second = answer.stdout.splitlines()
    assert first == "[]"
    assert "exporters.prometheus: needs prometheus_client" in second
    assert "journeytrace[exporters]" in second
    assert "the exporter prometheus is off" in answer.stderr
