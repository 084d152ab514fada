"""The collector's settings: defaults < YAML file < ``JOURNEYTRACE_…`` variables < flags.

Every layer is read into a plain mapping first. The mappings are merged and the result is checked
once. Each problem is then traced back to the layer that caused it, so that its message can name the
file, variable or flag to mend.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from difflib import get_close_matches
from pathlib import Path
from types import NoneType
from typing import TYPE_CHECKING, Any, get_args, get_origin

from pydantic import BaseModel, ValidationError

from journeytrace_collector.errors import ConfigError
from journeytrace_collector.settings.layers import (
    Layer,
    environment_layer,
    file_layer,
    flag_layer,
    holds,
    merge,
)
from journeytrace_collector.settings.model import Settings

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

__all__ = ["load_settings"]


def load_settings(config_file: Path | None, flags: Mapping[str, object]) -> Settings:
    """Merge the layers and check the result.

    Args:
        config_file: YAML file; None: there is none.
        flags: what the command line gave, by field name. None as a value: the flag was not given.

    Raises:
        ConfigError: the file cannot be read, or a key or value is not allowed; the message has one
            line a problem.
    """
    layers = [file_layer(config_file)] if config_file is not None else []
    layers += [environment_layer(), flag_layer(flags)]
    merged: dict[str, Any] = {}
    for layer in layers:
        merged = merge(merged, layer.data)
    try:
        return Settings(**merged)
    except ValidationError as error:
        problems = (_problem(details, layers) for details in error.errors())
        raise ConfigError("\n".join(problems)) from None


def _problem(details: ErrorDetails, layers: list[Layer]) -> str:
    keys = tuple(str(part) for part in details["loc"])
    spell = next((layer.spell for layer in reversed(layers) if holds(layer.data, keys)), ".".join)
    return f"{spell(keys)}: {_explained(details, spell)}"


def _explained(details: ErrorDetails, spell: Callable[[tuple[str, ...]], str]) -> str:
    if details["type"] == "extra_forbidden":
        return _unknown(tuple(str(part) for part in details["loc"]), spell)
    # Values stay out of messages that are not our own: a later key may hold a secret.
    message = details["msg"].removeprefix("Value error, ").removeprefix("Input ")
    return message[0].lower() + message[1:]


def _unknown(keys: tuple[str, ...], spell: Callable[[tuple[str, ...]], str]) -> str:
    *parents, key = keys
    known = _known(parents)
    close = get_close_matches(key, known, n=1)
    if close:
        return f"is unknown; did you mean {spell((*parents, close[0])).rsplit(' ', 1)[-1]}?"
    return f"is unknown; known are {', '.join(known)}" if known else "is unknown"


def _known(parents: list[str]) -> list[str]:
    """Give the keys that may stand below these; empty: nobody can tell."""
    kind: Any = Settings
    for parent in parents:
        if _is_model(kind):
            field = kind.model_fields.get(parent)
            kind = _given(field.annotation) if field else None
        else:
            # What a mapping holds, whatever its keys are called.
            kind = get_args(kind)[1] if get_origin(kind) is dict else None
    return sorted(kind.model_fields) if _is_model(kind) else []


def _given(kind: Any) -> Any:
    """Give what something is where it is not None."""
    if NoneType not in get_args(kind):
        return kind
    return next(one for one in get_args(kind) if one is not NoneType)


def _is_model(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)
