"""``journeytrace collector``: one flag for each setting, then the process itself."""

from __future__ import annotations

import asyncio
import inspect
import logging
from pathlib import Path
from typing import Annotated, Any, Final, cast, get_args

import typer
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from journeytrace.errors import JourneytraceError
from journeytrace_collector.cli.logs import log_to_stderr
from journeytrace_collector.settings import Settings, load_settings
from journeytrace_collector.settings.model import own_key

__all__ = ["app", "collector"]

app: Final = typer.Typer(
    rich_markup_mode="markdown",
    add_completion=False,
    pretty_exceptions_show_locals=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

_log = logging.getLogger(__name__)

_SECRETS: Final = ("admin_token", "token")
_METAVARS: Final = {
    "admin": "HOST:PORT",
    "admin_token_file": "FILE",
    "catalogue": "FILE",
    "collector_id": "NAME",
    "conformance": "FILE",
    "data": "DIR",
    "desk": "HOST:PORT|off",
    "desk_reveal": "viewers|nobody",
    "desk_trace_url": "URL",
    "forward_to_kafka": "HOST:PORT|off",
    "hosts": "NAME,NAME",
    "idle_timeout": "20m",
    "log_format": "plain|json",
    "log_level": "LEVEL",
    "otlp_grpc": "HOST:PORT",
    "otlp_http": "HOST:PORT",
    "outbox_retention": "30d",
    "public": "HOST:PORT|off",
    "store": "URL",
    "tls_cert": "FILE",
    "tls_client_ca": "FILE",
    "tls_key": "FILE",
    "token_file": "FILE",
}


def collector(*, config: Path | None = None, **flags: str | bool | None) -> None:
    """Take in events over OTLP, keep the sessions, serve the API and the metrics.

    Every flag can also be a key of the file, such as idle_timeout, or a
    variable, such as JOURNEYTRACE_IDLE_TIMEOUT. A flag beats a variable, and a
    variable beats the file. Tokens have no flag, for every user of a machine can
    read the command line of its processes.
    """
    try:
        settings = load_settings(config, flags)
    except JourneytraceError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from None
    log_to_stderr(settings.log_level, settings.log_format)
    try:
        _run(settings)
    except JourneytraceError as error:
        if settings.log_format == "plain":
            typer.echo(str(error), err=True)
        else:
            _log.critical("%s", error)
        raise typer.Exit(2) from None


def _run(settings: Settings) -> None:
    from journeytrace_collector.process import run  # noqa: PLC0415 - not needed for a faulty flag

    asyncio.run(run(settings))


def _signature() -> inspect.Signature:
    config = Annotated[
        Path | None, typer.Option(metavar="FILE", help="YAML file with settings. None: none read.")
    ]
    flags = {"config": cast(Any, config)} | _setting_flags()
    return inspect.Signature(
        [
            inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=flag)
            for name, flag in flags.items()
        ]
    )


def _setting_flags() -> dict[str, Any]:
    # The text goes to the settings as it is: one place checks a value, wherever it comes from.
    return {
        name: _flag(name, field)
        for name, field in Settings.model_fields.items()
        if not isinstance(field.default, dict)
        and name not in _SECRETS
        and (not isinstance(field.default, BaseModel) or own_key(name))
    }


def _flag(name: str, field: FieldInfo) -> Any:
    if field.annotation is bool:
        option = typer.Option(f"--{name}", help=field.description, show_default=False)
        return Annotated[bool | None, option]
    option = typer.Option(
        metavar=_METAVARS.get(name, "N"),
        help=f"{field.description} \\[default: {_shown(name, field.default)}]",
        show_default=False,
    )
    return Annotated[str | None, option]


def _shown(name: str, default: object) -> str:
    if key := own_key(name):
        return str(getattr(default, key) or "off")
    from datetime import timedelta  # noqa: PLC0415

    from journeytrace_collector.settings.durations import format_duration  # noqa: PLC0415

    if isinstance(default, timedelta):
        return format_duration(default)
    return "none" if default is None or default == () else str(default)


def _keys_below(field: FieldInfo) -> str:
    if isinstance(field.default, BaseModel):
        return f" Keys: {', '.join(type(field.default).model_fields)}."
    below = get_args(field.annotation)[-1:]
    if not (below and isinstance(below[0], type) and issubclass(below[0], BaseModel)):
        return ""
    return f" Keys of each: {', '.join(below[0].model_fields)}."


def _without_a_flag() -> str:
    flags = _setting_flags()
    said = (
        f"{name}: {field.description}{_keys_below(field)}"
        for name, field in sorted(Settings.model_fields.items())
        if name not in flags or isinstance(field.default, BaseModel)
    )
    return "\n\n".join(["Without a flag, as keys of the file or variables:", *said])


collector.__signature__ = _signature()  # type: ignore[attr-defined]
collector.__annotations__ = {
    name: parameter.annotation for name, parameter in _signature().parameters.items()
}
app.command(epilog=_without_a_flag())(collector)
