"""The key that reports are signed with, and the one that they are checked with."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from journeytrace_collector.errors import ConfigError
from journeytrace_collector.report.seal import KEY_ID
from journeytrace_collector.settings.files import read_file

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

__all__ = ["PublicKey", "SigningKey"]


class SigningKey:
    """A private Ed25519 key."""

    def __init__(self, key: str, file: Path) -> None:
        """Read the file that the setting `key` names.

        Raises:
            ConfigError: it is no such key, or cannot be read.
        """
        try:
            from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415
            from cryptography.hazmat.primitives import serialization  # noqa: PLC0415
            from cryptography.hazmat.primitives.asymmetric import ed25519  # noqa: PLC0415
        except ImportError:
            raise ConfigError(
                f"{key}: needs cryptography: pip install 'journeytrace[report]'"
            ) from None
        text = read_file(key, file).encode()
        try:
            found = serialization.load_pem_private_key(text, password=None)
        except (ValueError, TypeError, UnsupportedAlgorithm):
            found = None
        if not isinstance(found, ed25519.Ed25519PrivateKey):
            raise ConfigError(
                f"{key}: {file} holds no Ed25519 key without a password; this makes one:"
                f" openssl genpkey -algorithm ed25519 -out {file}"
            )
        self.sign: Callable[[bytes], bytes] = found.sign
        """Gives the signature, 64 bytes: the same for the same message."""
        self.key_id = _key_id(found.public_key())
        """What tells it from others: see `PublicKey.key_id`."""


class PublicKey:
    """A public Ed25519 key."""

    def __init__(self, pem: bytes) -> None:
        """Read it.

        Raises:
            ValueError: it is none.
        """
        from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm  # noqa: PLC0415
        from cryptography.hazmat.primitives import serialization  # noqa: PLC0415
        from cryptography.hazmat.primitives.asymmetric import ed25519  # noqa: PLC0415

        try:
            found = serialization.load_pem_public_key(pem)
        except (ValueError, UnsupportedAlgorithm):
            found = None
        if not isinstance(found, ed25519.Ed25519PublicKey):
            raise ValueError("holds no public Ed25519 key (PEM)")  # noqa: TRY004 - of a file
        self._key = found
        self._invalid = InvalidSignature
        self.key_id = _key_id(found)
        """The first 16 hexadecimal digits of the SHA-256 of its DER form."""

    def has_signed(self, message: bytes, signature: bytes) -> bool:
        """Whether a signature was made with the private key that belongs to it."""
        try:
            self._key.verify(signature, message)
        except self._invalid:
            return False
        return True


def _key_id(key: Ed25519PublicKey) -> str:
    from cryptography.hazmat.primitives.serialization import (  # noqa: PLC0415
        Encoding,
        PublicFormat,
    )

    der = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return sha256(der).hexdigest()[:KEY_ID]
