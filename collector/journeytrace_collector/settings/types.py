"""What a single setting can be: each type reads a text and says what is allowed instead."""

from __future__ import annotations

import re
import stat
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import IPv6Address, ip_address
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, BeforeValidator, ByteSize, Field, PlainValidator, SecretStr
from pydantic_settings import NoDecode

from journeytrace_collector.settings.durations import parse_duration

__all__ = [
    "TOKEN_RULE",
    "Address",
    "AddressValue",
    "DeskAddress",
    "FilePath",
    "HostNames",
    "Kept",
    "ListenAddress",
    "LogLevel",
    "Name",
    "SecretPath",
    "Size",
    "Span",
    "StoreUrl",
    "Token",
    "TraceUrl",
    "Words",
    "check_secret",
    "is_loopback",
    "is_token",
    "words",
]

TOKEN_RULE: Final = "must be 16 or more ASCII characters without spaces"  # noqa: S105
_TOKEN: Final = re.compile(r"[!-~]{16,}")


@dataclass(frozen=True, slots=True)
class Address:
    """Where to listen."""

    host: str
    """A name or an IP address; an IPv6 address without its brackets."""
    port: int
    """0: any free port."""

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @classmethod
    def parse(cls, text: object) -> Address:
        """Read ``host:port``, an IPv6 host in brackets.

        Raises:
            ValueError: `text` has another form, or a port above 65535.
        """
        found = isinstance(text, str) and _ADDRESS.fullmatch(text)
        if not found or int(found["port"]) > 65_535:
            raise ValueError(f"must be host:port such as 127.0.0.1:4317 or [::1]:0{_not(text)}")
        if found["v6"]:
            return cls(str(IPv6Address(found["v6"])), int(found["port"]))
        return cls(found["host"], int(found["port"]))


_ADDRESS: Final = re.compile(
    r"(?:\[(?P<v6>[^\]]+)\]|(?P<host>[^\s\[\]:/]+)):(?P<port>\d{1,5})", re.ASCII
)


def _not(value: object) -> str:
    """Quote what stands there instead, but no mapping: a token may have slipped into it."""
    return f", not {value!r}" if isinstance(value, str | int | float) else ""


def _address(value: object) -> Address:
    return value if isinstance(value, Address) else Address.parse(value)


def _desk(value: object) -> Address | None:
    # YAML reads a bare `off` as false.
    if value is None or value is False or (isinstance(value, str) and value.lower() == "off"):
        return None
    try:
        return _address(value)
    except ValueError as error:
        raise ValueError(f"{error}; off: no desk") from None


def _listen(value: object) -> Address | None:
    if value is None or value is False or (isinstance(value, str) and value.lower() == "off"):
        return None
    try:
        return _address(value)
    except ValueError as error:
        raise ValueError(f"{error}; off: nobody listens") from None


def _trace_url(value: str) -> str:
    if not value.startswith(("http://", "https://")) or "{trace_id}" not in value:
        raise ValueError("must begin with http:// or https:// and hold {trace_id}")
    return value


MAX_SPAN: Final = timedelta(days=366)
"""No older event is believed, so waiting longer has no meaning; and in ns it fits a database."""


def _span(value: object) -> timedelta:
    if isinstance(value, dict | list):
        raise ValueError("must be a span of time such as 20m")  # noqa: TRY004 - for pydantic
    span = value if isinstance(value, timedelta) else parse_duration(str(value))
    if not timedelta(0) < span <= MAX_SPAN:
        raise ValueError(f"must be longer than zero and at most {MAX_SPAN.days}d")
    return span


def _kept(value: object) -> timedelta:
    span = _span(value)
    if span > timedelta(days=365):
        raise ValueError("must be at most 365 days, the longest that anything is kept")
    return span


def _path(value: object) -> Path:
    # An empty path is the working directory to pathlib, but an unset shell variable to people.
    if not isinstance(value, str | Path) or not str(value):
        raise ValueError(f"must be a path{_not(value)}")
    return Path(value).expanduser()


def check_secret(path: Path) -> Path:
    """Refuse a file with a secret that is everybody's; one that is missing is told later.

    Its group may read it: so secrets are shared with a service, and mounted by Kubernetes.

    Raises:
        ValueError: every user of the machine can read or replace it.
    """
    try:
        mode = path.stat().st_mode
    except OSError:
        return path
    if mode & (stat.S_IROTH | stat.S_IWOTH):
        raise ValueError(f"{path} can be read or replaced by everybody: `chmod o-rwx {path}`")
    return path


def is_loopback(name: str) -> bool:
    """Tell whether a host's name can only mean the machine itself."""
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return name == "localhost" or name.endswith(".localhost")


def _upper(value: object) -> object:
    return value.upper() if isinstance(value, str) else value


def is_token(text: str) -> bool:
    """Tell whether `text` keeps to `TOKEN_RULE`."""
    return _TOKEN.fullmatch(text) is not None


def _token(value: SecretStr) -> SecretStr:
    if not is_token(value.get_secret_value()):
        raise ValueError(TOKEN_RULE)
    return value


def _url(value: SecretStr) -> SecretStr:
    if not value.get_secret_value().startswith(("postgresql://", "postgres://")):
        raise ValueError("must begin with postgresql://; left out, the store is SQLite's")
    return value


def _name(value: str) -> str:
    if not (1 <= len(value) <= 128 and value.isprintable()):
        raise ValueError("must be 1 to 128 printable characters")
    return value


def words(value: object) -> object:
    """Split a text at commas and spaces; anything else stays what it is."""
    return (
        [word for word in re.split(r"[,\s]+", value) if word] if isinstance(value, str) else value
    )


AddressValue = Annotated[Address, NoDecode, PlainValidator(_address)]
DeskAddress = Annotated[Address | None, NoDecode, PlainValidator(_desk)]
ListenAddress = Annotated[Address | None, NoDecode, PlainValidator(_listen)]
Span = Annotated[timedelta, PlainValidator(_span)]
Kept = Annotated[timedelta, PlainValidator(_kept)]
FilePath = Annotated[Path, PlainValidator(_path)]
HostNames = Annotated[tuple[str, ...], NoDecode, BeforeValidator(words)]
Words = HostNames
SecretPath = Annotated[Path, PlainValidator(_path), AfterValidator(check_secret)]
Size = Annotated[ByteSize, Field(gt=0)]
Token = Annotated[SecretStr, AfterValidator(_token)]
StoreUrl = Annotated[SecretStr, AfterValidator(_url)]
TraceUrl = Annotated[str, AfterValidator(_trace_url)]
Name = Annotated[str, AfterValidator(_name)]
LogLevel = Annotated[Literal["DEBUG", "INFO", "WARNING", "ERROR"], BeforeValidator(_upper)]
