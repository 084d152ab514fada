"""The section ``exporters.mail``."""

from __future__ import annotations

from datetime import timedelta
from email.utils import parseaddr
from pathlib import Path
from typing import Annotated, Final, Literal, Self

from pydantic import AfterValidator, Field, SecretStr, model_validator

from journeytrace_collector.settings.types import SecretPath
from journeytrace_exporters._settings import Section, Timeout
from journeytrace_exporters._template import check

__all__ = ["MailSettings"]

_PORTS: Final = {"starttls": 587, "implicit": 465, "none": 25}
_TEXT: Final = (
    "Hello,\n\nplease open this link to verify who you are ({journey}):\n\n{link}\n\n"
    "It can be opened once, until {expires}. If you do not know what this is about, do nothing.\n"
)


def _line(value: str) -> str:
    if not value.isprintable() or not value.strip():
        raise ValueError("must be one line of text")
    return value


def _sender(value: str) -> str:
    _, address = parseaddr(_line(value))
    local, _, domain = address.rpartition("@")
    if not local or not domain or not address.isascii() or " " in address:
        raise ValueError("must be an address such as kyc@example.com or KYC <kyc@example.com>")
    return value


class MailSettings(Section):
    """How mails leave: any server that speaks SMTP."""

    host: Annotated[str, AfterValidator(_line)]
    """Its name."""
    port: int | None = Field(default=None, ge=1, le=65_535)
    """None: 587 with starttls, 465 with implicit, 25 with none."""
    tls: Literal["starttls", "implicit", "none"] = "starttls"
    """``starttls``: nothing is said before the connection is encrypted. ``none``: for a server on
    this machine; others read the link on its way."""
    user: str | None = None
    """None: the server asks nobody who they are."""
    password: SecretStr | None = None
    password_file: SecretPath | None = None
    """File with the password; instead of password."""
    ca_file: Path | None = None
    """Authorities (PEM) that the server's certificate is checked against. None: the system's."""
    sender: Annotated[str, AfterValidator(_sender)]
    """From whom, such as ``KYC <kyc@example.com>``."""
    subject: Annotated[str, AfterValidator(_line), AfterValidator(check)] = (
        "Please verify who you are"
    )
    text: Annotated[str, AfterValidator(check)] = _TEXT
    """With ``{link}`` in it."""
    timeout: Timeout = timedelta(seconds=20)
    """How long one attempt may take."""

    @property
    def real_port(self) -> int:
        """The port that is connected to."""
        return self.port or _PORTS[self.tls]

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        if "{link}" not in self.text:
            raise ValueError("text: has no {link} in it, so nobody could follow it")
        given = [self.password is not None, self.password_file is not None]
        if all(given):
            raise ValueError("password: stands beside password_file; give one of the two")
        if any(given) is not (self.user is not None):
            raise ValueError("user: goes with a password, and a password with a user")
        if self.user is not None and self.tls == "none":
            raise ValueError("tls: must be starttls or implicit where a password travels")
        return self
