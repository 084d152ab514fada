"""The section ``exporters.webhook``."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from ipaddress import ip_address
from typing import Annotated, Final

from pydantic import Field, PlainValidator, SecretStr, ValidationInfo, field_validator
from yarl import URL

from journeytrace.conventions import Decision, Status
from journeytrace_exporters._settings import Section, Timeout
from journeytrace_exporters.webhook.addresses import is_public

__all__ = [
    "UNDECIDED",
    "EndpointSettings",
    "Kind",
    "WebhookSettings",
    "must_be_public",
    "read_url",
]

_MIN_SECRET: Final = 16

UNDECIDED: Final = "NONE"
"""In `EndpointSettings.decisions`: sessions without a decision."""


class Kind(StrEnum):
    """What can be news."""

    SETTLED = "settled"
    """A session came to rest, for the first time or again after it had changed."""
    DECISION_CHANGED = "decision_changed"
    """The decision or its reason is another, or there is one for the first time, or a person has
    given a verdict: also one that agrees with what was decided."""
    STATUS_CHANGED = "status_changed"
    """The status is another than was told before; the first one of a session is no news."""


def read_url(value: object) -> URL:
    """Read where something is posted to.

    Raises:
        ValueError: it is no address of the web, or holds a password.
    """
    problem = "must be https://host/path"
    try:
        url = URL(str(value))
    except ValueError:
        raise ValueError(problem) from None
    if url.scheme not in {"http", "https"} or not url.host or url.fragment:
        raise ValueError(problem)
    if url.user is not None or url.password is not None:
        raise ValueError("must hold no user and no password; the signature says who we are")
    return url


class EndpointSettings(Section):
    """One receiver. An empty filter lets everything pass."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
    """Names its line in the outbox; one who changes it strands what is waiting there."""
    url: Annotated[URL, PlainValidator(read_url)]
    secret: SecretStr
    """Shared with the receiver, at least 16 characters; see `webhook_signature`."""
    events: frozenset[Kind] = frozenset(Kind)
    projects: frozenset[str] = frozenset()
    statuses: frozenset[Status] = frozenset()
    """The status that the news tells."""
    decisions: frozenset[str] = frozenset()
    """The decision that stands when the news is told; ``NONE``: there is none."""
    include_email: bool = False
    timeout: Timeout = timedelta(seconds=10)
    """How long one attempt may take."""

    @field_validator("secret")
    @classmethod
    def _long_enough(cls, value: SecretStr) -> SecretStr:
        if len(value.get_secret_value()) < _MIN_SECRET:
            raise ValueError(f"must have at least {_MIN_SECRET} characters")
        return value

    @field_validator("decisions")
    @classmethod
    def _known(cls, value: frozenset[str]) -> frozenset[str]:
        allowed = [*Decision.__members__, UNDECIDED]
        if not value.issubset(allowed):
            raise ValueError(f"allowed are {', '.join(allowed)}")
        return value


class WebhookSettings(Section):
    """Who wants to know."""

    allow_private_networks: bool = False
    """Let receivers be in private networks and without TLS. Off: whoever can write a URL here could
    make the collector call what only the collector can reach."""
    endpoints: tuple[EndpointSettings, ...] = ()

    @field_validator("endpoints")
    @classmethod
    def _allowed(
        cls, value: tuple[EndpointSettings, ...], info: ValidationInfo
    ) -> tuple[EndpointSettings, ...]:
        names = [endpoint.name for endpoint in value]
        for endpoint in value:
            if names.count(endpoint.name) > 1:
                raise ValueError(f"two have the name {endpoint.name!r}")
            if not info.data.get("allow_private_networks"):
                must_be_public(endpoint.url, f"{endpoint.name}: ")
        return value


def must_be_public(url: URL, whose: str = "") -> None:
    """Check that whoever writes a URL makes the collector call nothing that they cannot reach.

    Raises:
        ValueError: it would; `whose` stands before the message.
    """
    host = url.host or ""
    opt_in = "only with allow_private_networks: true"
    if url.scheme != "https":
        raise ValueError(f"{whose}url must be https; http is taken {opt_in}")
    try:
        address = ip_address(host)
    except ValueError:
        return  # a name: what it means is looked at whenever we connect
    if not is_public(address):
        raise ValueError(f"{whose}url leads to {address}, which is taken {opt_in}")
