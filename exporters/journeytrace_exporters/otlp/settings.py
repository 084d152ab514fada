"""The section ``exporters.otlp``."""

from __future__ import annotations

import re
import ssl
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Final, Literal, Self

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    PlainValidator,
    SecretStr,
    ValidationInfo,
    field_validator,
    model_validator,
)
from yarl import URL

from journeytrace.conventions import RETENTION_DAYS_ALLOWED
from journeytrace_collector.settings.types import check_secret
from journeytrace_exporters._settings import Section, Timeout

__all__ = ["OtlpSettings", "TlsSettings"]

_MIN_KEY: Final = 16
_HEADER: Final = re.compile(r"[A-Za-z0-9_.-]+", re.ASCII)


def _endpoint(value: object) -> URL | None:
    if value is None:
        return None
    problem = "must be http://host:port or https://host:port"
    try:
        url = URL(str(value))
    except ValueError:
        raise ValueError(problem) from None
    if url.scheme not in {"http", "https"} or not url.host or url.query_string or url.fragment:
        raise ValueError(problem)
    if url.user is not None or url.password is not None:
        raise ValueError("must hold no user and no password; set a header instead")
    return url


def _headers(headers: dict[str, str]) -> dict[str, str]:
    for name, value in headers.items():
        # gRPC reads values under a name in -bin as base64, so they would not arrive as they stand.
        if not _HEADER.fullmatch(name) or name.lower().endswith("-bin"):
            raise ValueError(f"{name!r} cannot be a header; allowed are letters, digits and _.-")
        if not (value.isascii() and value.isprintable()):
            raise ValueError(f"the value of {name!r} must be printable ASCII")
    return headers


def _tenants(tenants: dict[int, str]) -> dict[int, str]:
    for days in tenants:
        if days not in RETENTION_DAYS_ALLOWED:
            allowed = ", ".join(map(str, RETENTION_DAYS_ALLOWED))
            raise ValueError(f"{days} is no retention class; allowed are {allowed}")
    return tenants


def _file(value: object) -> Path:
    path = Path(str(value)).expanduser()
    if not path.is_file():
        raise ValueError(f"{path} is no file")
    return path


_Endpoint = Annotated[URL | None, PlainValidator(_endpoint)]
_File = Annotated[Path, BeforeValidator(_file)]
_Key = Annotated[str, Field(min_length=1, max_length=128)]
_Tenant = Annotated[str, Field(pattern=r"^[A-Za-z0-9!_.*'()-]{1,150}$")]


class TlsSettings(Section):
    """Certificates in PEM, for an endpoint with https."""

    ca_file: _File | None = None
    """Who vouches for the receiver. None: the authorities the system trusts."""
    cert_file: _File | None = None
    """Our own certificate, for receivers that ask for one. None: we show none."""
    key_file: Annotated[_File, AfterValidator(check_secret)] | None = None
    """The key to `cert_file`, in a file that not everybody may read."""

    @model_validator(mode="after")
    def _usable(self) -> Self:
        if (self.cert_file is None) != (self.key_file is None):
            raise ValueError("cert_file and key_file must be given together")
        try:
            self.context()
        except OSError as error:
            raise ValueError(f"the files cannot be used: {error}") from None
        return self

    def context(self) -> ssl.SSLContext:
        """Give what Python's own TLS needs of it."""
        context = ssl.create_default_context(cafile=self.ca_file)
        if self.cert_file is not None:
            context.load_cert_chain(self.cert_file, self.key_file)
        return context


class OtlpSettings(Section):
    """Where spans go, and what must not go with them."""

    endpoint: _Endpoint = None
    """Receiver, such as ``http://tempo:4317``. With HTTP its path is put before ``/v1/traces``.
    None: there is none, and nothing is exported."""
    protocol: Literal["grpc", "http/protobuf"] = "grpc"
    headers: Annotated[dict[str, str], AfterValidator(_headers)] = Field({}, repr=False)
    """Sent with every request, for example ``Authorization``."""
    compression: Literal["none", "gzip"] = "none"
    tls: TlsSettings = TlsSettings()
    """Only with https."""
    timeout: Timeout = timedelta(seconds=10)
    """How long one request may take."""
    passthrough: bool = True
    """Forward the spans that come in. Off: somebody in front of us does it. Derived spans go
    in either case, and events that came as log records too: nobody else makes spans of them."""
    email: Literal["hash", "plain", "drop"] | None = None
    """What becomes of ``user.email``, wherever it stands: hash sends ``user.hash`` instead, the
    HMAC-SHA-256 of the address in lower case under `email_key`; plain sends it; drop sends neither.
    None: hash where there is a key, else drop. So the address never leaves because nobody thought
    of it."""
    email_key: SecretStr | None = None
    """At least 16 characters, secret: addresses can be guessed, so a hash anybody can compute hides
    nothing. One who changes it can no longer tell that two sessions have one user."""
    private_keys: frozenset[_Key] = frozenset({"email", "enduser.email", "enduser.id"})
    """Further attributes that `email` is about, because they hold an address. Under a key that ends
    in ``.id`` only what has an @ in it is taken for one."""
    mark_failures: bool = True
    """Give the spans of failed checks the status ERROR, with impact and error code for its message,
    where the host left it unset."""
    tenants: Annotated[dict[int, _Tenant], AfterValidator(_tenants)] = Field({})
    """Retention class in days → value of ``X-Scope-OrgID``. Empty: one tenant, no header."""
    default_tenant: _Tenant | None = None
    """Tenant of spans that belong to no session, and of classes that `tenants` leaves out."""

    @field_validator("protocol")
    @classmethod
    def _fits_the_path(cls, value: str, info: ValidationInfo) -> str:
        endpoint = info.data.get("endpoint")
        if value == "grpc" and endpoint is not None and endpoint.path not in {"", "/"}:
            raise ValueError("grpc needs an endpoint without a path; or set http/protobuf")
        return value

    @field_validator("tls")
    @classmethod
    def _has_a_use(cls, value: TlsSettings, info: ValidationInfo) -> TlsSettings:
        endpoint = info.data.get("endpoint")
        if value.model_fields_set and endpoint is not None and endpoint.scheme == "http":
            raise ValueError("needs an endpoint with https")
        return value

    @field_validator("email_key")
    @classmethod
    def _fits_the_choice(cls, value: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        if value is None and info.data.get("email") == "hash":
            raise ValueError("is missing, and email: hash needs it; or set email: drop")
        if value is not None and len(value.get_secret_value()) < _MIN_KEY:
            raise ValueError(f"must have at least {_MIN_KEY} characters")
        return value

    @field_validator("default_tenant")
    @classmethod
    def _catches_the_rest(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is None and info.data.get("tenants"):
            raise ValueError("is missing, and tenants needs it for spans that belong to no session")
        return value
