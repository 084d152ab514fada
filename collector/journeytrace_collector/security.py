"""Who may send, who may read, and what travels encrypted.

Senders and readers have tokens of their own: whoever may send events must not be able to read
personal data with the same token.
"""

from __future__ import annotations

import re
import socket
import ssl
from collections.abc import Sequence
from hmac import compare_digest
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Final

import grpc
from pydantic import SecretStr

from journeytrace.browser import KEY_RULE, Key, is_secret
from journeytrace_collector.core.rights import ANYBODY, Rights
from journeytrace_collector.errors import ConfigError, UnauthenticatedError
from journeytrace_collector.hosts import Hosts
from journeytrace_collector.settings import Address, Settings
from journeytrace_collector.settings.files import read_file
from journeytrace_collector.settings.types import TOKEN_RULE, is_token

__all__ = ["Access", "Senders", "Tls", "Tokens", "browser_keys"]

_BEARER: Final = re.compile(r"bearer +(\S+)", re.IGNORECASE)


class Tokens:
    """The bearer tokens that open one kind of port; none: it stands open."""

    def __init__(self, tokens: Sequence[str] = ()) -> None:
        self._tokens = tuple(token.encode() for token in tokens)
        self.refused = {"missing": 0, "wrong": 0}
        """How many were refused since the start, by what was amiss with their token."""

    def __bool__(self) -> bool:
        return bool(self._tokens)

    def __repr__(self) -> str:
        return f"<{len(self._tokens)} tokens>"

    def shares_with(self, other: Tokens) -> bool:
        """Tell whether a token is in both."""
        return not set(self._tokens).isdisjoint(other._tokens)

    def check(self, authorization: str | None) -> int:
        """Check the value of a header or metadata entry ``authorization``; None: there is none.

        Gives the number of the token that it shows; 0 where none is asked for.

        Raises:
            UnauthenticatedError: it shows none of the tokens.
        """
        if not self._tokens:
            return 0
        found = _BEARER.fullmatch(authorization or "")
        if found is None:
            self.refused["missing"] += 1
            raise UnauthenticatedError("a token is missing: send `authorization: Bearer …`")
        given = found[1].encode("utf-8", "surrogateescape")
        # In constant time, or the time taken would tell how much of a guess is right.
        same = [compare_digest(given, token) for token in self._tokens]
        if not any(same):
            self.refused["wrong"] += 1
            raise UnauthenticatedError("the token is not one of those that are allowed here")
        return same.index(True)


class Senders:
    """Who may send events, each with its token and its rights; nobody: anybody may."""

    def __init__(self, known: Sequence[tuple[str, Rights]] = ()) -> None:
        self._tokens = Tokens([token for token, _ in known])
        self._tokens.refused |= {"host": 0, "origin": 0}
        self._rights = [rights for _, rights in known] or [ANYBODY]

    def __bool__(self) -> bool:
        return bool(self._tokens)

    def __repr__(self) -> str:
        return f"<senders with {self._tokens!r}>"

    def shares_with(self, other: Tokens) -> bool:
        """Tell whether a token is in both."""
        return other.shares_with(self._tokens)

    @property
    def refused(self) -> dict[str, int]:
        """How many were turned away since the start; see `Tokens.refused`.

        Where no token is asked for, by what their request said instead: *host* or *origin*.
        """
        return self._tokens.refused

    def check(self, authorization: str | None) -> Rights:
        """Give the rights of who shows this; see `Tokens.check`."""
        return self._rights[self._tokens.check(authorization)]


class Tls:
    """Certificate and key of the ports, and the authority of senders, read and checked once."""

    def __init__(self, cert: Path, key: Path, client_ca: Path | None) -> None:
        """Read the files.

        Raises:
            ConfigError: they cannot be read or do not belong together.
        """
        self._cert, self._key, self._client_ca = cert, key, client_ca
        try:
            self.context(ask_clients=True)
            self._pem = [path.read_bytes() if path else None for path in (key, cert, client_ca)]
        except OSError as error:
            names = "tls_cert, tls_key" + (", tls_client_ca" if client_ca else "")
            raise ConfigError(f"{names}: cannot be used: {_reason(error)}") from error

    def context(self, *, ask_clients: bool) -> ssl.SSLContext:
        """Give it as Python's servers want it; `ask_clients`: for senders, who show theirs."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        # An empty password, for OpenSSL would otherwise ask for one on the terminal.
        context.load_cert_chain(self._cert, self._key, password="")
        if ask_clients and self._client_ca is not None:
            context.load_verify_locations(self._client_ca)
            context.verify_mode = ssl.CERT_REQUIRED
        return context

    def credentials(self) -> Any:
        """Give it as gRPC wants it."""
        key, cert, client_ca = self._pem
        return grpc.ssl_server_credentials([(key, cert)], client_ca, client_ca is not None)


class Access:
    """All of it, as the settings have it."""

    def __init__(self, settings: Settings) -> None:
        """Read the files that the settings name.

        Raises:
            ConfigError: they cannot be used, or a port could be reached by anybody unasked.
        """
        self.senders = _senders(settings)
        """Who may send events."""
        self.readers = Tokens(
            _tokens("admin_token", settings.admin_token, settings.admin_token_file)
        )
        """Who may use the admin port."""
        self.tls = _tls(settings)
        """None: everything travels in the clear."""
        self.hosts = Hosts(settings.hosts)
        """The names of ports that ask for no token."""
        self.browser_keys = browser_keys(settings)
        """What the tokens of browsers are signed with."""
        if self.senders.shares_with(self.readers):
            raise ConfigError("admin_token: is also a token, so every sender could read all data")
        if settings.desk is not None and not settings.desk_access.known:
            _check_desk(settings.desk)
        if not settings.insecure:
            _check_exposure(settings, self.senders, self.readers)


def _senders(settings: Settings) -> Senders:
    known = [(token, ANYBODY) for token in _tokens("token", settings.token, settings.token_file)]
    for name, sender in settings.senders.items():
        projects = None if sender.projects is None else frozenset(sender.projects)
        rights = Rights(name, frozenset(sender.sources), projects)
        tokens = _tokens(f"senders.{name}.token", sender.token, sender.token_file)
        if not tokens:
            raise ConfigError(f"senders.{name}: has no token: give it token or token_file")
        known += [(token, rights) for token in tokens]
    if len({token for token, _ in known}) < len(known):
        raise ConfigError("senders: two of them have the same token")
    return Senders(known)


def _tokens(key: str, token: SecretStr | None, file: Path | None) -> list[str]:
    if token is not None and file is not None:
        raise ConfigError(f"{key}: stands beside {key}_file; give one of the two")
    if token is not None:
        return [token.get_secret_value()]
    return _read_tokens(f"{key}_file", file) if file is not None else []


def browser_keys(settings: Settings) -> tuple[Key, ...]:
    """Give what the tokens of browsers are signed with; the first signs.

    Raises:
        ConfigError: a file with one cannot be used.
    """
    found = []
    for name, key in settings.public.keys.items():
        where = f"public.keys.{name}"
        if (key.key is None) == (key.key_file is None):
            raise ConfigError(f"{where}: must have either key or key_file")
        secret = key.key.get_secret_value() if key.key else _read_secret(where, key.key_file)
        found.append(Key(name, secret))
    return tuple(found)


def _read_secret(where: str, file: Path | None) -> str:
    assert file is not None  # noqa: S101 - asked before
    secret = read_file(f"{where}.key_file", file).strip()
    if not is_secret(secret):
        raise ConfigError(f"{where}.key_file: what is in {file} {KEY_RULE}")
    return secret


def _read_tokens(key: str, file: Path) -> list[str]:
    lines = read_file(key, file).splitlines()
    found = [(number, line.strip()) for number, line in enumerate(lines, 1) if line.strip()]
    if not found:
        raise ConfigError(f"{key}: {file} holds no token")
    for number, token in found:
        if not is_token(token):
            raise ConfigError(f"{key}: {file}, line {number}: {TOKEN_RULE}")
    return [token for _, token in found]


def _tls(settings: Settings) -> Tls | None:
    cert, key, client_ca = settings.tls_cert, settings.tls_key, settings.tls_client_ca
    if cert is not None and key is not None:
        return Tls(cert, key, client_ca)
    if cert is not None or key is not None:
        given, missing = ("tls_cert", "tls_key") if cert else ("tls_key", "tls_cert")
        raise ConfigError(f"{given}: needs {missing} beside it")
    if client_ca is not None:
        raise ConfigError("tls_client_ca: needs tls_cert and tls_key beside it")
    return None


def _check_exposure(settings: Settings, senders: Senders, readers: Tokens) -> None:
    known_senders = bool(senders) or settings.tls_client_ca is not None
    ports = (
        ("otlp_grpc", settings.otlp_grpc, known_senders, "token"),
        ("otlp_http", settings.otlp_http, known_senders, "token"),
        ("admin", settings.admin, bool(readers), "admin_token"),
    )
    problems = [
        f"{name}: {address} can be reached from other machines, and nobody is asked for a token: "
        f"set {key} or {key}_file, or allow it with --insecure"
        for name, address, guarded, key in ports
        if not guarded and not _is_local(address)
    ]
    if problems:
        raise ConfigError("\n".join(problems))


def _check_desk(address: Address) -> None:
    if not _is_local(address):
        raise ConfigError(
            f"desk: {address} can be reached from other machines, and nobody is asked who they are:"
            " say in desk_access how people are known (proxy_header, proxy_token or oidc), or give"
            " it an address of the loopback, such as 127.0.0.1:9465, or off"
        )


def _is_local(address: Address) -> bool:
    try:
        found = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)
    except OSError:
        # Nothing can listen there; who tries says so.
        return True
    return all(ip_address(str(where[0]).split("%")[0]).is_loopback for *_, where in found)


def _reason(error: OSError) -> str:
    if error.filename is not None:
        return f"{error.filename}: {error.strerror}"
    # OpenSSL's words end with the place in its own source.
    return re.sub(r" \(_ssl\.c:\d+\)", "", str(error.strerror or error))
