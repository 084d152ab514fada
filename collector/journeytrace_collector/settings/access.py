"""How the desk knows who somebody is, and what they may do there."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Annotated, Final, Literal, Self
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainValidator,
    model_validator,
)
from pydantic_settings import NoDecode

from journeytrace_collector.settings.types import (
    Name,
    SecretPath,
    Span,
    Words,
    is_loopback,
    words,
)

__all__ = [
    "CALLBACK",
    "DeskAccess",
    "Networks",
    "OpenIdConnect",
    "ProxyHeader",
    "ProxyToken",
    "RoleName",
]

CALLBACK: Final = "/sign-in/callback"
"""Where a provider sends people back to, below the address of the desk."""

_WAYS: Final = ("proxy_header", "proxy_token", "oidc")
_ASYMMETRIC: Final = tuple(
    f"{kind}{bits}" for kind in ("RS", "PS", "ES") for bits in (256, 384, 512)
)

RoleName = Literal["viewer", "analyst", "admin"]
Roles = Mapping[Name, RoleName]
"""By project; ``*``: in all that are not named."""


def _networks(value: object) -> object:
    found = words(value)
    if not isinstance(found, list | tuple):
        raise ValueError("must be addresses such as 10.0.0.7 or 10.0.0.0/8")  # noqa: TRY004
    try:
        return tuple(
            one if isinstance(one, IPv4Network | IPv6Network) else ip_network(str(one))
            for one in found
        )
    except ValueError as error:
        raise ValueError(f"must be addresses such as 10.0.0.7 or 10.0.0.0/8: {error}") from None


def _header(value: str) -> str:
    if not (value.isascii() and value.replace("-", "").replace("_", "").isalnum()):
        raise ValueError("must be the name of a header, such as X-Forwarded-Email")
    return value


def _secure_url(value: str) -> str:
    """Let secrets travel encrypted, or not leave the machine."""
    try:
        parts = urlsplit(value)
        known = parts.hostname is not None and parts.username is None and (parts.port or 1)
    except ValueError:
        known = False
    local = known and parts.scheme == "http" and is_loopback(parts.hostname or "")
    if not known or not (parts.scheme == "https" or local):
        raise ValueError("must begin with https://, or be one of this machine's own addresses")
    return value


def _origin(value: str) -> str:
    checked = _secure_url(value)
    parts = urlsplit(checked)
    if parts.path not in {"", "/"} or parts.query or parts.fragment:
        raise ValueError("must be a scheme and a host alone, such as https://desk.example.com")
    return f"{parts.scheme}://{parts.netloc}"


def _keys(value: str) -> str:
    return _secure_url(value) if "://" in value else value


Networks = Annotated[
    tuple[IPv4Network | IPv6Network, ...], NoDecode, PlainValidator(_networks), Field(min_length=1)
]
HeaderName = Annotated[Name, AfterValidator(_header)]
SecureUrl = Annotated[str, AfterValidator(_secure_url)]
Origin = Annotated[str, AfterValidator(_origin)]
KeysPlace = Annotated[str, AfterValidator(_keys)]
Algorithm = Literal[_ASYMMETRIC]  # type: ignore[valid-type]
Algorithms = Annotated[tuple[Algorithm, ...], NoDecode, BeforeValidator(words), Field(min_length=1)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class ProxyHeader(_Part):
    """A reverse proxy that asks who somebody is, and says so in a header."""

    name: HeaderName = Field(description="The header, such as X-Forwarded-Email or Remote-User.")
    groups: HeaderName | None = Field(
        default=None, description="The header with their groups, between commas. None: no groups."
    )
    proxies: Networks = Field(
        description=(
            "The proxy's addresses or networks, as its connections come from. What comes from"
            " elsewhere is refused."
        )
    )


class ProxyToken(_Part):
    """A reverse proxy that asks who somebody is, and says so in a JWT that it has signed."""

    name: HeaderName = Field(description="The header, such as Cf-Access-Jwt-Assertion.")
    keys: KeysPlace = Field(description="Its public keys, a JWKS: a file, or an https address.")
    issuer: Name = Field(description="Who signs, `iss`.")
    audience: Name = Field(description="For whom, `aud`: what the proxy calls this desk.")
    algorithms: Algorithms = Field(
        default=("RS256", "ES256"),
        description="What it may be signed by: RS, PS or ES with 256, 384 or 512.",
    )
    id_claim: Name | None = Field(
        default=None,
        description="The claim that says who somebody is. None: email, else sub.",
    )
    groups_claim: Name = Field(default="groups", description="The claim with their groups, a list.")


class OpenIdConnect(_Part):
    """A provider of OpenID Connect, where people sign in."""

    issuer: SecureUrl = Field(
        description="Its address, below which /.well-known/openid-configuration is found."
    )
    client_id: Name = Field(description="What it calls this desk.")
    client_secret_file: SecretPath | None = Field(
        default=None,
        description="File with the desk's secret there. None: a public client, by PKCE alone.",
    )
    scopes: Words = Field(
        default=("openid", "email", "profile"),
        description="What to ask it for, openid among them.",
    )
    algorithms: Algorithms = Field(
        default=("RS256", "ES256"),
        description="What it may sign by: RS, PS or ES with 256, 384 or 512.",
    )
    id_claim: Name | None = Field(
        default=None,
        description=(
            "The claim that says who somebody is. None: email where email_verified is true, else"
            " sub."
        ),
    )
    groups_claim: Name = Field(default="groups", description="The claim with their groups, a list.")

    @model_validator(mode="after")
    def _asks_for_an_id_token(self) -> Self:
        if "openid" not in self.scopes:
            raise ValueError("scopes: openid is missing, without which nobody is named")
        return self


class DeskAccess(_Part):
    """Who may open the desk. Without a way to know people: whoever sits at the machine."""

    url: Origin | None = Field(
        default=None,
        description=(
            "How people reach the desk, such as https://desk.example.com. None: by the names in"
            " hosts. oidc needs it."
        ),
    )
    proxy_header: ProxyHeader | None = Field(
        default=None, description="A proxy's header says who somebody is. None: none does."
    )
    proxy_token: ProxyToken | None = Field(
        default=None, description="A proxy's signed JWT says who somebody is. None: none does."
    )
    oidc: OpenIdConnect | None = Field(
        default=None,
        description="People sign in at a provider of OpenID Connect. None: they don't.",
    )
    people: dict[Name, Roles] = Field(
        default={},
        description=(
            "Roles by person: viewer, analyst or admin by project; * stands for all projects that"
            " are not named, and for sessions without one."
        ),
    )
    groups: dict[Name, Roles] = Field(
        default={},
        description="Roles by group, likewise. Where several hold, the highest does.",
    )
    contact: Name | None = Field(
        default=None,
        description="Whom to ask for a role, as people without one are told. None: an admin.",
    )
    idle: Span = Field(
        default=timedelta(minutes=30),
        description="Whoever signed in and does nothing for so long is signed out.",
    )
    lifetime: Span = Field(
        default=timedelta(hours=12), description="And in any case after so long."
    )
    key_file: SecretPath | None = Field(
        default=None,
        description=(
            "File with keys that sign cookies, one a line, the first for new ones, for desks that"
            " share them. None: desk-key in the data folder, made at the first start."
        ),
    )

    proxies: Networks | None = Field(
        default=None,
        description=(
            "Addresses or networks of proxies whose X-Forwarded-For tells where people are, for the"
            " audit trail; those of proxy_header are believed anyway. None: no others."
        ),
    )

    @property
    def known(self) -> bool:
        """Whether anybody is asked who they are."""
        return any(getattr(self, way) is not None for way in _WAYS)

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        ways = [way for way in _WAYS if getattr(self, way) is not None]
        if len(ways) > 1:
            raise ValueError(f"{' and '.join(ways)} stand side by side: give one of them")
        if ways and not (self.people or self.groups):
            raise ValueError(
                "nobody has a role: name them, such as `people: {ann@example.com: {'*': admin}}`"
            )
        if self.model_fields_set and not ways:
            raise ValueError(
                f"says not how people are known: give {', '.join(_WAYS[:-1])} or {_WAYS[-1]}"
            )
        if self.oidc is not None and self.url is None:
            raise ValueError(
                f"url: is missing: give it, and let the provider send people back to it with"
                f" {CALLBACK} behind it"
            )
        if self.lifetime < self.idle:
            raise ValueError("lifetime: must be at least idle")
        return self
