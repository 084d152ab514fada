"""Run all benchmarks one after the other: ``python -m benchmarks``, about fifteen minutes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

for module in sorted(Path(__file__).parent.glob("bench_*.py")):
    # Each in a process of its own, so that none inherits another's memory.
    subprocess.run([sys.executable, "-m", f"benchmarks.{module.stem}"], check=True)
