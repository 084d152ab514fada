"""The section ``exporters.sms``."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any, Final, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, model_validator

from journeytrace_collector.settings.types import SecretPath
from journeytrace_exporters._settings import Section, Timeout
from journeytrace_exporters._template import check, check_all
from journeytrace_exporters.webhook.settings import must_be_public, read_url

__all__ = ["TEXT", "SmsSettings"]

TEXT: Final = "text"
"""The place of the whole text in a body."""
_HEADER: Final = frozenset("!#$%&'*+-.^_`|~")


def _url(value: str) -> str:
    parts = urlsplit(check(value, TEXT))
    if "{" in parts.netloc or "{" in parts.scheme:
        raise ValueError("must say itself which host is asked: places go behind it")
    read_url(value)
    return value


def _header_name(value: str) -> str:
    if not value or not all(c.isascii() and (c.isalnum() or c in _HEADER) for c in value):
        raise ValueError(f"{value!r} cannot be the name of a header")
    return value


def _header(value: SecretStr) -> SecretStr:
    text = value.get_secret_value()
    if not text.isprintable() or not text.isascii():
        raise ValueError("must be one line of ASCII")
    check(text, TEXT)
    return value


def _body(value: Any) -> Any:
    if value is not None and not isinstance(value, dict):
        raise ValueError("must hold keys and values")
    return check_all(value, TEXT)


HeaderName = Annotated[str, AfterValidator(_header_name)]


class SmsSettings(Section):
    """How an SMS leaves: one POST to a gateway, with places in braces for what it is about."""

    url: Annotated[str, AfterValidator(_url)]
    headers: dict[HeaderName, Annotated[SecretStr, AfterValidator(_header)]] = Field(default={})
    user: str | None = None
    """For Basic authentication; None: a header says who we are."""
    password: SecretStr | None = None
    password_file: SecretPath | None = None
    """File with the password; instead of password."""
    json_body: Annotated[dict[str, Any] | None, BeforeValidator(_body)] = None
    form_body: Annotated[dict[str, str] | None, BeforeValidator(_body)] = None
    """Either is sent, never both."""
    text: Annotated[str, AfterValidator(check)] = "{journey}: verify who you are: {link}"
    """What the person reads."""
    idempotency_header: HeaderName | None = None
    """A header by which the gateway knows a request again. Only with one is an SMS repeated that
    may have arrived."""
    allow_private_networks: bool = False
    """Let the gateway be in a private network and without TLS."""
    timeout: Timeout = timedelta(seconds=20)
    """How long one attempt may take."""

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        if (self.json_body is None) is (self.form_body is None):
            raise ValueError("must have either json_body or form_body")
        if "{link}" not in self.text:
            raise ValueError("text: has no {link} in it, so nobody could follow it")
        given = [self.password is not None, self.password_file is not None]
        if all(given):
            raise ValueError("password: stands beside password_file; give one of the two")
        if any(given) is not (self.user is not None):
            raise ValueError("user: goes with a password, and a password with a user")
        if self.user is not None and ":" in self.user:
            raise ValueError("user: must have no colon, which ends it in what is sent")
        if not self.allow_private_networks:
            must_be_public(read_url(self.url))
        return self
