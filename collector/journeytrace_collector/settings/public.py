"""The listener for browsers: where, for whom, and how much."""

from __future__ import annotations

from typing import Annotated, Final, Self
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    model_validator,
)
from pydantic_settings import NoDecode

from journeytrace.browser import KEY_RULE, is_key_id, is_secret
from journeytrace_collector.settings.access import Networks
from journeytrace_collector.settings.types import ListenAddress, Name, SecretPath, words

__all__ = ["Public", "PublicKey", "PublicLimits"]

_REQUEST: Final = 64
"""Events that one request may hold."""


def _key_id(value: str) -> str:
    if not is_key_id(value):
        raise ValueError("must be 1 to 64 of A-Z, a-z, 0-9, '.', '_' and '-'")
    return value


def _secret(value: SecretStr) -> SecretStr:
    if not is_secret(value.get_secret_value()):
        raise ValueError(KEY_RULE)
    return value


def _origin(value: str) -> str:
    parts = urlsplit(value)
    known = parts.scheme in {"http", "https"} and parts.netloc and "@" not in parts.netloc
    if value != "null" and not (known and value == f"{parts.scheme}://{parts.netloc}"):
        raise ValueError(
            f"is {value!r}, must be as browsers say it, such as https://form.example.com, or null"
        )
    return value


def _lower(value: str) -> str:
    return _origin(value.lower())


def _path(value: str) -> str:
    parts = urlsplit(value)
    plain = value.isascii() and value.isprintable() and not set(value) & set(" {}%\\")
    if not plain or not value.startswith("/") or value.startswith("//") or parts.path != value:
        raise ValueError("must be a path such as /journey")
    if value == "/healthz":
        raise ValueError("must be another one, for /healthz says that it runs")
    return value


KeyId = Annotated[str, AfterValidator(_key_id)]
Origins = Annotated[
    tuple[Annotated[str, AfterValidator(_lower)], ...], NoDecode, BeforeValidator(words)
]
WebPath = Annotated[str, AfterValidator(_path)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class PublicKey(_Part):
    """A secret that backends sign tokens with."""

    key: Annotated[SecretStr, AfterValidator(_secret)] | None = Field(
        default=None, description="The secret, 32 or more characters."
    )
    key_file: SecretPath | None = Field(
        default=None, description="File with the secret; instead of key."
    )


class PublicLimits(_Part):
    """How much is taken; each collector counts for itself."""

    session_rate: float = Field(default=10, gt=0, description="Events a second of a session.")
    session_burst: int = Field(
        default=100, ge=_REQUEST, description="Events of a session in one go, at least 64."
    )
    session_events: int = Field(
        default=2_000, ge=1, description="Events of a session in all, by the store's count, too."
    )
    address_rate: float = Field(
        default=100, gt=0, description="Requests a second of an address; phones share addresses."
    )
    address_burst: int = Field(default=1_000, ge=1, description="Requests of an address in one go.")
    rate: float = Field(default=2_000, gt=0, description="Events a second of all pages.")
    burst: int = Field(
        default=10_000, ge=_REQUEST, description="Events of all pages in one go, at least 64."
    )


class Public(_Part):
    """Where browsers send events."""

    listen: ListenAddress = Field(
        default=None, description="The address, as --public has it. off: browsers send nothing."
    )
    keys: dict[KeyId, PublicKey] = Field(
        default={},
        description="What tokens are signed with (HS256), by `kid`: each with key or key_file.",
    )
    origins: Origins = Field(
        default=(),
        description=(
            "Origins of pages that may send, such as https://form.example.com, with commas between"
            " them; null: pages in sandboxed frames. None: only what shows its token as Bearer."
        ),
    )
    proxies: Networks = Field(
        default=(),
        description=(
            "Addresses or networks of proxies whose X-Forwarded-For is believed. None: nobody's."
        ),
    )
    path: WebPath = Field(
        default="/journey",
        description="Where events are posted. Ad blockers know words such as collect and events.",
    )
    script_path: WebPath = Field(
        default="/journeytrace.js", description="Where the script for pages is fetched."
    )
    service: Name = Field(default="browser", description="The service.name of what pages send.")
    limits: PublicLimits = Field(default=PublicLimits(), description="How much is taken.")

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        if self.listen is not None and not self.keys:
            raise ValueError(
                "keys: is missing: give the secret that your backend signs tokens with, such as"
                " `keys: {2026a: {key_file: /run/secrets/browser-2026a}}`"
            )
        if self.path == self.script_path:
            raise ValueError("script_path: must be another one than path")
        return self
