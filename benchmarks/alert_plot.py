"""A plot of the smallest spike that is seen, as SVG that can be read in light and in dark."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Final

__all__ = ["plot"]

_WIDTH, _HEIGHT, _LEFT, _TOP, _RIGHT, _BOTTOM = 720, 400, 60, 20, 190, 50
_X: Final = (5, 5000)
_COLOURS: Final = ("#4c8dd6", "#1f9d8a", "#d9822b", "#b565c9")
_STYLE: Final = (
    "text{font:13px sans-serif;fill:#57606a}.axis{stroke:#8b949e;stroke-width:1}"
    ".grid{stroke:#8b949e;stroke-opacity:.25}"
    "@media (prefers-color-scheme:dark){text{fill:#b4bcc6}}"
)


def plot(lines: Mapping[str, Sequence[tuple[float, float]]]) -> str:
    """Draw shares over sessions an hour, a line each."""
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img">',
        "<title>The smallest share in trouble that is told, by sessions an hour</title>",
        f"<style>{_STYLE}</style>",
    ]
    for percent in range(0, 101, 20):
        y = _y(percent / 100)
        parts.append(
            f'<line class="grid" x1="{_LEFT}" y1="{y:.1f}" x2="{_WIDTH - _RIGHT}" y2="{y:.1f}"/>'
        )
        parts.append(f'<text x="{_LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{percent} %</text>')
    for volume in (5, 20, 100, 500, 2000, 5000):
        x, y = _x(volume), _HEIGHT - _BOTTOM + 20
        parts.append(f'<text x="{x:.1f}" y="{y}" text-anchor="middle">{volume:,}</text>')
    bottom = _HEIGHT - _BOTTOM
    parts.append(
        f'<line class="axis" x1="{_LEFT}" y1="{bottom}" x2="{_WIDTH - _RIGHT}" y2="{bottom}"/>'
    )
    parts.append(
        f'<text x="{(_LEFT + _WIDTH - _RIGHT) / 2}" y="{_HEIGHT - 8}" text-anchor="middle">'
        "sessions an hour</text>"
    )
    for number, (name, points) in enumerate(lines.items()):
        colour = _COLOURS[number % len(_COLOURS)]
        path = " ".join(f"{_x(volume):.1f},{_y(share):.1f}" for volume, share in points)
        dash = ' stroke-dasharray="6 4"' if number % 2 else ""
        parts.append(
            f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2.5"{dash}/>'
        )
        y = _TOP + 20 + number * 24
        x = _WIDTH - _RIGHT + 16
        parts.append(
            f'<line x1="{x}" y1="{y - 4}" x2="{x + 24}" y2="{y - 4}" stroke="{colour}"'
            f' stroke-width="2.5"{dash}/>'
        )
        parts.append(f'<text x="{x + 30}" y="{y}">{name}</text>')
    return "\n".join([*parts, "</svg>", ""])


def _x(volume: float) -> float:
    low, high = map(math.log, _X)
    return _LEFT + (_WIDTH - _LEFT - _RIGHT) * (math.log(volume) - low) / (high - low)


def _y(share: float) -> float:
    return _TOP + (_HEIGHT - _TOP - _BOTTOM) * (1 - share)
