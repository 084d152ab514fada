"""Where settings come from: a YAML file, ``JOURNEYTRACE_…`` variables, flags.

Each is read into a plain mapping, and can spell a key the way its user wrote it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml
from pydantic_settings import EnvSettingsSource, SettingsError

from journeytrace.browser import KEY_VARIABLE
from journeytrace_collector.errors import ConfigError
from journeytrace_collector.settings.model import (
    BROKERS,
    LISTEN,
    NESTED,
    PREFIX,
    Settings,
    own_key,
)

__all__ = ["Layer", "environment_layer", "file_layer", "flag_layer", "holds", "merge"]


# Kubernetes tells every container of the services beside it. Of a service called journeytrace, or
# journeytrace-something, it does so in variables that begin as ours do.
_SERVICE_LINK: Final = re.compile(
    rf"""{PREFIX[:-1]}(?:_[A-Z0-9_]+)?
    (?: _SERVICE_HOST=[0-9a-fA-F.:]+
      | _SERVICE_PORT(?:_[A-Z0-9_]+)?=[0-9]+
      | _PORT(?:_[0-9]+_(?:TCP|UDP|SCTP))?=(?:tcp|udp|sctp)://.+
      | _PORT_[0-9]+_(?:TCP|UDP|SCTP)_(?:PROTO=(?:tcp|udp|sctp)|PORT=[0-9]+|ADDR=[0-9a-fA-F.:]+)
    )""",
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class Layer:
    """What one source says."""

    data: Mapping[str, Any]
    spell: Callable[[tuple[str, ...]], str]
    """Gives a key the way the user wrote it in this layer."""


def file_layer(path: Path) -> Layer:
    """Read a YAML file.

    Raises:
        ConfigError: it cannot be read, or holds no keys and values.
    """
    try:
        data = yaml.load(path.read_text("utf-8"), _StrictLoader)  # noqa: S506 - a SafeLoader
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
    except yaml.MarkedYAMLError as error:
        raise ConfigError(f"{path}: is not valid YAML: {_yaml_problem(error)}") from None
    except (yaml.YAMLError, UnicodeDecodeError):
        raise ConfigError(f"{path}: is not valid YAML: a character is none of UTF-8") from None
    if data is None:
        data = {}
    if not isinstance(data, dict) or not all(isinstance(key, str) for key in data):
        raise ConfigError(f"{path}: must hold keys and values, such as `idle_timeout: 20m`")
    return Layer(data, lambda keys: f"{path}: {'.'.join(keys)}")


def _yaml_problem(error: yaml.MarkedYAMLError) -> str:
    # Not the line itself, nor a word from it, for it may hold a token.
    problem = re.sub(r"'[^<'][^']{2,}'", "…", error.problem or "faulty")
    mark = error.problem_mark
    return f"{problem} in line {mark.line + 1}" if mark else problem


class _StrictLoader(yaml.SafeLoader):
    """Refuses a key that stands twice, where YAML libraries silently take the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and keys.count(key.value) > 1:
                raise yaml.constructor.ConstructorError(
                    None, None, f"{key.value} stands twice", key.start_mark
                )
        return super().construct_mapping(node, deep)


def environment_layer() -> Layer:
    """Read the variables.

    Raises:
        ConfigError: one that stands for several values cannot be read.
    """
    try:
        data = EnvSettingsSource(Settings)()
    except SettingsError as error:
        raise ConfigError(f"{PREFIX}… variables: {error}") from error
    # The source passes over names it does not know; put them in, so that the check finds them.
    for keys, value in _variables():
        if not holds(data, keys):
            data = merge(data, _nested(keys, value))
    return Layer(data, lambda keys: PREFIX + NESTED.join(keys).upper())


def _variables() -> Iterator[tuple[tuple[str, ...], str]]:
    for name, value in os.environ.items():
        if name.upper().startswith(PREFIX) and value:
            keys = tuple(name[len(PREFIX) :].lower().split(NESTED))
            if name.upper() == KEY_VARIABLE:
                # The library's own, where a service runs beside a collector.
                continue
            if keys[0] in Settings.model_fields or not _SERVICE_LINK.fullmatch(f"{name}={value}"):
                yield keys, value


def flag_layer(flags: Mapping[str, object]) -> Layer:
    """Take what was given; None: it was not."""
    given = {name: value for name, value in flags.items() if value is not None}
    # Of a setting that holds others, the flag is the address alone.
    data = {n: {key: v} if (key := own_key(n)) else v for n, v in given.items()}
    return Layer(data, _flag)


def _flag(keys: tuple[str, ...]) -> str:
    flag = "--" + "-".join(keys).replace("_", "-")
    return flag.removesuffix(f"-{LISTEN}").removesuffix(f"-{BROKERS}")


def _nested(keys: tuple[str, ...], value: object) -> dict[str, Any]:
    return {keys[0]: _nested(keys[1:], value) if keys[1:] else value}


def merge(low: Mapping[str, Any], high: Mapping[str, Any]) -> dict[str, Any]:
    """Join two mappings, key by key; where both have a value `high` wins."""
    merged = dict(low)
    for key, value in high.items():
        below = merged.get(key)
        if isinstance(below, Mapping) and isinstance(value, Mapping):
            value = merge(below, value)  # noqa: PLW2901
        merged[key] = value
    return merged


def holds(data: Any, keys: tuple[str, ...]) -> bool:
    """Whether `data` has something under these keys, one below the other."""
    for key in keys:
        if not isinstance(data, Mapping) or key not in data:
            return False
        data = data[key]
    return True
