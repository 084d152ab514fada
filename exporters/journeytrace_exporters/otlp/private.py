"""Personal data in what leaves: addresses hashed, dropped or left, and what never leaves at all.

It is looked for wherever OTLP has attributes, in maps and lists within them too, on journey events
or not (DESIGN section 12).
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from typing import TypeAlias

from google.protobuf.internal.containers import RepeatedCompositeFieldContainer
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

from journeytrace.conventions import PRIVATE_PREFIXES, USER_EMAIL, USER_HASH
from journeytrace_exporters.otlp.settings import OtlpSettings

__all__ = ["Attributes", "Privacy", "hash_email", "text_of"]

Attributes: TypeAlias = "RepeatedCompositeFieldContainer[KeyValue]"


def hash_email(key: bytes, address: str) -> str:
    """Give the value of ``user.hash``: one address, however it is written, has one hash."""
    return hmac.digest(key, address.strip().lower().encode(), "sha256").hex()


class Privacy:
    """What the settings ask for."""

    def __init__(self, settings: OtlpSettings) -> None:
        plain = settings.email == "plain"
        self._keys = frozenset() if plain else settings.private_keys | {USER_EMAIL}
        self._hash = _hasher(settings)
        self.needles = (
            *(KeyValue(key=key).SerializeToString() for key in sorted(self._keys)),
            *(prefix.encode() for prefix in PRIVATE_PREFIXES),
        )
        """Serialised attributes that hold none of these need no cleaning: searching bytes is many
        times cheaper than reading them."""

    def clean(self, attributes: Attributes) -> None:
        """Take out of `attributes` what must not leave, in place."""
        gone = []
        addresses = []
        hashed = False
        for index, pair in enumerate(attributes):
            if pair.key.startswith(PRIVATE_PREFIXES):
                gone.append(index)
            elif self._is_address(pair):
                addresses.append(index)
            else:
                hashed = hashed or pair.key == USER_HASH
                self._clean_value(pair.value)
        # One list has one hash: the sender's own, else the user's, else the first of another key.
        for index in sorted(addresses, key=lambda index: attributes[index].key != USER_EMAIL):
            pair = attributes[index]
            text = text_of(pair.value)
            if self._hash is None or hashed or not text:
                gone.append(index)
            else:
                pair.key, pair.value.string_value = USER_HASH, self._hash(text)
                hashed = True
        for index in sorted(gone, reverse=True):
            del attributes[index]

    def _clean_value(self, value: AnyValue) -> None:
        kind = value.WhichOneof("value")
        if kind == "kvlist_value":
            self.clean(value.kvlist_value.values)
        elif kind == "array_value":
            for item in value.array_value.values:
                self._clean_value(item)

    def _is_address(self, pair: KeyValue) -> bool:
        if pair.key not in self._keys:
            return False
        # Most ids are no addresses, and are what people search by.
        return not pair.key.endswith(".id") or b"@" in pair.value.SerializeToString()


def text_of(value: AnyValue) -> str:
    """Give a text, or an int as its digits, as the decoder reads it; empty: it is neither."""
    kind = value.WhichOneof("value")
    return str(value.int_value) if kind == "int_value" else value.string_value


def _hasher(settings: OtlpSettings) -> Callable[[str], str] | None:
    if settings.email == "drop" or settings.email_key is None:
        return None
    key = settings.email_key.get_secret_value().encode()
    return lambda address: hash_email(key, address)
