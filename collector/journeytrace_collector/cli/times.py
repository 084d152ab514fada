"""Times as they are typed: of the API, or so long ago."""

from __future__ import annotations

from typing import Final

import typer

__all__ = ["TIME_HELP", "moment_of"]

TIME_HELP: Final = "2026-11-21 or RFC 3339, in UTC unless it has an offset; or ago: 30m, 2h, 7d."


def moment_of(flag: str, text: str | None) -> str | None:
    """Turn a span back from now into RFC 3339; anything else is the API's to judge.

    Raises:
        typer.BadParameter: it is neither; `flag` names it.
    """
    from datetime import UTC, datetime  # noqa: PLC0415

    from journeytrace_collector.settings.durations import parse_duration  # noqa: PLC0415

    if text is None or "-" in text:
        return text
    try:
        at = datetime.now(UTC) - parse_duration(text)
    except (ValueError, OverflowError):
        message = (
            f"{text!r} is neither a date (2026-11-20), nor RFC 3339 (2026-11-20T08:00:00Z), nor a"
            " span such as 2h or 7d"
        )
        raise typer.BadParameter(message, param_hint=flag) from None
    return at.isoformat().replace("+00:00", "Z")
