"""How the collector writes its log: a line each, with the time and its zone.

What a line says can come from outside, such as the path of a request. So whatever would begin a new
line, or steer a terminal, is written out as an escape: nobody can forge a line.
"""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from typing import Final, Literal

from journeytrace_collector.cli.terminal import plain

__all__ = ["JsonFormatter", "PlainFormatter", "log_to_stderr"]

_INDENT: Final = "    "


class PlainFormatter(logging.Formatter):
    """One line for people; the lines of a stack trace follow, indented."""

    def format(self, record: logging.LogRecord) -> str:
        """Write one record."""
        message = plain(record.getMessage())
        line = f"{_time(record)} {record.levelname} {record.name}: {message}"
        trace = _trace(self, record)
        if trace is None:
            return line
        return "\n".join([line, *(_INDENT + plain(part) for part in trace.splitlines())])


class JsonFormatter(logging.Formatter):
    """One object a line, in ASCII: time (RFC 3339), level, logger, message, exception (or not)."""

    def format(self, record: logging.LogRecord) -> str:
        """Write one record."""
        said = {
            "time": _time(record),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        trace = _trace(self, record)
        return json.dumps(said if trace is None else {**said, "exception": trace})


def log_to_stderr(level: str, form: Literal["plain", "json"]) -> None:
    """Send every log line of the process, and Python's warnings, to stderr in one form."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonFormatter() if form == "json" else PlainFormatter())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    logging.captureWarnings(True)
    # Each request to the admin address would be a line; Prometheus alone asks every few seconds.
    logging.getLogger("aiohttp.access").setLevel(logging.WARNING)


def _time(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")


def _trace(formatter: logging.Formatter, record: logging.LogRecord) -> str | None:
    """Give the stack trace of a record; None: it has none."""
    parts = []
    if record.exc_info and record.exc_info[0] is not None:
        parts.append(formatter.formatException(record.exc_info))
    if record.stack_info:
        parts.append(formatter.formatStack(record.stack_info))
    return "\n".join(parts) or None
