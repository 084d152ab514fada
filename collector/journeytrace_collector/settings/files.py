"""Files that settings name."""

from __future__ import annotations

from pathlib import Path

from journeytrace_collector.errors import ConfigError

__all__ = ["read_file"]


def read_file(key: str, file: Path) -> str:
    """Read a text that the setting `key` names.

    Raises:
        ConfigError: it cannot be read, or is no text.
    """
    try:
        return file.read_text("utf-8")
    except OSError as error:
        raise ConfigError(f"{key}: {file} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError:
        raise ConfigError(f"{key}: {file} is no text") from None
