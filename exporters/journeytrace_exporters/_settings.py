"""Checking an exporter's own section of the settings."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeVar

from pydantic import BaseModel, ConfigDict, PlainValidator, ValidationError

from journeytrace_collector.errors import ConfigError
from journeytrace_collector.settings.durations import parse_duration

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

__all__ = ["Section", "Timeout", "read_section"]


class Section(BaseModel):
    """Base of all sections: a key that is not known is a mistake, not a wish."""

    # Inputs stay out of messages, for many of them are secrets.
    # Defaults are checked too: some are wrong beside what was given.
    model_config = ConfigDict(
        extra="forbid", frozen=True, hide_input_in_errors=True, validate_default=True
    )


_LONGEST: Final = timedelta(hours=1)


def _timeout(value: object) -> timedelta:
    span = value if isinstance(value, timedelta) else parse_duration(str(value))
    if not timedelta(0) < span <= _LONGEST:
        raise ValueError("must be longer than zero and at most 1h")
    return span


Timeout = Annotated[timedelta, PlainValidator(_timeout)]
"""How long one attempt may take, such as ``10s``, at most ``1h``. Zero is refused."""

_S = TypeVar("_S", bound=Section)


def read_section(name: str, model: type[_S], section: Mapping[str, Any]) -> _S:
    """Check the settings of the exporter called `name`.

    Raises:
        ConfigError: a key or value is not allowed; one line a problem, each with its key.
    """
    try:
        return model.model_validate(dict(section))
    except ValidationError as error:
        lines = (_line(f"exporters.{name}", details, model) for details in error.errors())
        raise ConfigError("\n".join(lines)) from None


def _line(prefix: str, details: ErrorDetails, model: type[Section]) -> str:
    key = ".".join((prefix, *(str(part) for part in details["loc"])))
    if details["type"] == "extra_forbidden":
        # Only of the top do we know the keys without walking through the model.
        known = f"; known are {', '.join(model.model_fields)}" if len(details["loc"]) == 1 else ""
        return f"{key}: is unknown{known}"
    message = details["msg"].removeprefix("Value error, ").removeprefix("Input ")
    return f"{key}: {message[:1].lower()}{message[1:]}"
