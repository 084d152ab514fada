"""``python -m journeytrace_dashboards.alerts DIR``: write the rule files into a folder."""

from __future__ import annotations

import sys
from pathlib import Path

from journeytrace_dashboards.alerts.export import export_alerts

if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python -m journeytrace_dashboards.alerts DIR")
    for path in export_alerts(Path(sys.argv[1])):
        sys.stdout.write(f"{path}\n")
