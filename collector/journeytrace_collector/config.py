"""The collector's settings: defaults < YAML file < ``JOURNEYTRACE_…`` variables < flags.

Every layer is read into a plain mapping first. The mappings are merged and the result is checked
once. Each problem is then traced back to the layer that caused it, so that its message can name the
file, variable or flag to mend.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

import yaml
from pydantic import (
    BaseModel,
    ByteSize,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)

from journeytrace_collector.errors import ConfigError
from journeytrace_collector.setting_types import (
    Address,
    AddressValue,
    FilePath,
    LogLevel,
    Name,
    Size,
    Span,
    StoreUrl,
    Token,
)

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

__all__ = ["Address", "Project", "Settings", "load_settings"]

_PREFIX: Final = "JOURNEYTRACE_"
_NESTED: Final = "__"
_MIB: Final = 1024 * 1024


class Project(BaseModel):
    """What holds for one project."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    retention_days: Literal[30, 90, 180, 365] = Field(
        default=30,
        description="Days a session created from now on is kept, unless it says otherwise itself.",
    )


class Settings(BaseSettings):
    """All a collector can be told. Built by `load_settings`; alone it holds the defaults."""

    model_config = SettingsConfigDict(
        env_ignore_empty=True,
        env_nested_delimiter=_NESTED,
        env_prefix=_PREFIX,
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
    )

    data: FilePath = Field(
        default=Path("journeytrace-data"),
        description="Folder of the store, made if missing; relative to the working directory.",
    )
    store: StoreUrl | None = Field(
        default=None,
        description=(
            "Address of a PostgreSQL database that collectors share, postgresql://…; the password"
            " is better left to the variable PGPASSWORD. None: SQLite in the data folder."
        ),
    )
    collector_id: Name | None = Field(
        default=None,
        description="Name of this collector among those that share a store. None: the host's.",
    )
    otlp_grpc: AddressValue = Field(
        default=Address("127.0.0.1", 4317),
        description="Listen here for OTLP over gRPC. Port 0: any free port.",
    )
    otlp_http: AddressValue = Field(
        default=Address("127.0.0.1", 4318),
        description="Listen here for OTLP over HTTP. Port 0: any free port.",
    )
    admin: AddressValue = Field(
        default=Address("127.0.0.1", 9464),
        description="Listen here for metrics, health and the session API. Port 0: any free port.",
    )
    token: Token | None = Field(
        default=None,
        description="OTLP senders must show this bearer token. None: they show none.",
    )
    token_file: FilePath | None = Field(
        default=None,
        description="File with tokens of OTLP senders, one a line; instead of token.",
    )
    admin_token: Token | None = Field(
        default=None,
        description="Users of the admin address must show this bearer token. None: they show none.",
    )
    admin_token_file: FilePath | None = Field(
        default=None,
        description="File with tokens for the admin address, one a line; instead of admin_token.",
    )
    tls_cert: FilePath | None = Field(
        default=None,
        description="Certificate chain (PEM) of all three addresses. None: no TLS.",
    )
    tls_key: FilePath | None = Field(
        default=None, description="Private key (PEM) to tls_cert, without a password."
    )
    tls_client_ca: FilePath | None = Field(
        default=None,
        description="OTLP senders must show a certificate that this authority (PEM) has signed.",
    )
    insecure: bool = Field(
        default=False,
        description="Allow addresses that other machines can reach without any token.",
    )
    idle_timeout: Span = Field(
        default=timedelta(minutes=20),
        description="A session without events for so long is dropped. Zero is refused.",
    )
    catalogue: FilePath | None = Field(
        default=None,
        description="TOML file with your own stages, events and reasons. None: the built-in ones.",
    )
    # OTLP suggests 64 MiB. But a hostile body of empty records takes a hundred times its size in
    # memory once parsed, and no sender's batches come near this.
    max_request_bytes: Size = Field(
        default=ByteSize(16 * _MIB),
        description="Largest request taken, in bytes after decompression. Zero is refused.",
    )
    max_queued_bytes: Size = Field(
        default=ByteSize(64 * _MIB),
        description=(
            "Bytes of requests that may wait for the store; beyond it senders are told to come "
            "back. Zero is refused."
        ),
    )
    max_event_bytes: Size = Field(
        default=ByteSize(64 * 1024),
        description="Most metadata taken on one event, in bytes as JSON. Zero is refused.",
    )
    max_event_attributes: int = Field(
        default=256,
        gt=0,
        description="Most attributes taken on one event, all of them counted. Zero is refused.",
    )
    max_session_events: int = Field(
        default=10_000, ge=1, description="Most events taken of one session. Zero is refused."
    )
    max_session_bytes: Size = Field(
        default=ByteSize(16 * _MIB),
        description="Most metadata taken of one session, in bytes. Zero is refused.",
    )
    max_projects: int = Field(
        default=100,
        ge=0,
        description=(
            "Projects with counters of their own; further ones are counted together. Zero: only"
            " those named under projects."
        ),
    )
    projects: dict[str, Project] = Field(
        default={}, description="Settings of single projects, by project id."
    )
    exporters: dict[str, dict[str, Any]] = Field(
        default={}, description="Settings of each exporter, by its name."
    )
    log_level: LogLevel = Field(
        default="INFO",
        description="Least urgent log lines to write: DEBUG, INFO, WARNING or ERROR.",
    )

    @field_validator("max_queued_bytes")
    @classmethod
    def _queue_holds_a_request(cls, value: ByteSize, info: ValidationInfo) -> ByteSize:
        request = info.data.get("max_request_bytes", 0)
        if value < request:
            raise ValueError(
                f"must be at least max_request_bytes ({request}), "
                "or the largest request could never be taken"
            )
        return value

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 - the base class names it
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Read nothing behind the caller's back: `load_settings` alone merges the layers."""
        return (init_settings,)


def load_settings(config_file: Path | None, flags: Mapping[str, object]) -> Settings:
    """Merge the layers and check the result.

    Args:
        config_file: YAML file; None: there is none.
        flags: what the command line gave, by field name. None as a value: the flag was not given.

    Raises:
        ConfigError: the file cannot be read, or a key or value is not allowed; the message has one
            line a problem.
    """
    layers = [_file_layer(config_file)] if config_file is not None else []
    layers += [_environment_layer(), _flag_layer(flags)]
    merged: dict[str, Any] = {}
    for layer in layers:
        merged = _merged(merged, layer.data)
    try:
        return Settings(**merged)
    except ValidationError as error:
        problems = (_problem(details, layers) for details in error.errors())
        raise ConfigError("\n".join(problems)) from None


@dataclass(frozen=True, slots=True)
class _Layer:
    data: Mapping[str, Any]
    spell: Callable[[tuple[str, ...]], str]
    """Gives a key the way the user wrote it in this layer."""


def _file_layer(path: Path) -> _Layer:
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
    return _Layer(data, lambda keys: f"{path}: {'.'.join(keys)}")


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


def _environment_layer() -> _Layer:
    try:
        data = EnvSettingsSource(Settings)()
    except SettingsError as error:
        raise ConfigError(f"{_PREFIX}… variables: {error}") from error
    # The source passes over names it does not know; put them in, so that the check finds them.
    for keys, value in _variables():
        if not _holds(data, keys):
            data = _merged(data, _nested(keys, value))
    return _Layer(data, lambda keys: _PREFIX + _NESTED.join(keys).upper())


def _variables() -> Iterator[tuple[tuple[str, ...], str]]:
    for name, value in os.environ.items():
        if name.upper().startswith(_PREFIX) and value:
            yield tuple(name[len(_PREFIX) :].lower().split(_NESTED)), value


def _flag_layer(flags: Mapping[str, object]) -> _Layer:
    data = {name: value for name, value in flags.items() if value is not None}
    return _Layer(data, lambda keys: "--" + "-".join(keys).replace("_", "-"))


def _nested(keys: tuple[str, ...], value: object) -> dict[str, Any]:
    return {keys[0]: _nested(keys[1:], value) if keys[1:] else value}


def _merged(low: Mapping[str, Any], high: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(low)
    for key, value in high.items():
        below = merged.get(key)
        if isinstance(below, Mapping) and isinstance(value, Mapping):
            value = _merged(below, value)  # noqa: PLW2901
        merged[key] = value
    return merged


def _problem(details: ErrorDetails, layers: list[_Layer]) -> str:
    keys = tuple(str(part) for part in details["loc"])
    spell = next((layer.spell for layer in reversed(layers) if _holds(layer.data, keys)), ".".join)
    return f"{spell(keys)}: {_explained(details, spell)}"


def _holds(data: Any, keys: tuple[str, ...]) -> bool:
    for key in keys:
        if not isinstance(data, Mapping) or key not in data:
            return False
        data = data[key]
    return True


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
    return f"is unknown; known are {', '.join(known)}"


def _known(parents: list[str]) -> list[str]:
    model: type[BaseModel] = Settings
    for parent in parents:
        below = model.model_fields[parent].annotation
        if not (isinstance(below, type) and issubclass(below, BaseModel)):
            return []
        model = below
    return sorted(model.model_fields)
