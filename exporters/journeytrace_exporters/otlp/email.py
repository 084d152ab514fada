"""E-mail addresses in what leaves: hashed, dropped or left (DESIGN section 4, `user.email`)."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterator
from typing import TypeAlias

from google.protobuf.internal.containers import RepeatedCompositeFieldContainer
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue

from journeytrace.conventions import EVENT_NAME, USER_EMAIL, USER_HASH
from journeytrace_exporters.otlp.settings import OtlpSettings

__all__ = ["Rewrite", "email_rewrite", "hash_email", "without_email"]

Rewrite: TypeAlias = Callable[[str], tuple[str, str] | None]
"""From an address to the attribute that leaves in its place; None: none does."""

_Attributes: TypeAlias = "RepeatedCompositeFieldContainer[KeyValue]"

_NEEDLE = USER_EMAIL.encode()


def hash_email(key: bytes, address: str) -> str:
    """Give the value of ``user.hash``: one address, however it is written, has one hash."""
    return hmac.digest(key, address.strip().lower().encode(), "sha256").hex()


def email_rewrite(settings: OtlpSettings) -> Rewrite:
    """Give what the settings ask for."""
    if settings.email == "plain":
        return _keep
    if settings.email == "drop" or settings.email_key is None:
        return lambda _: None
    key = settings.email_key.get_secret_value().encode()
    return lambda address: (USER_HASH, hash_email(key, address))


def _keep(address: str) -> tuple[str, str]:
    return USER_EMAIL, address


def without_email(request: ExportTraceServiceRequest, rewrite: Rewrite) -> bytes:
    """Serialise a request with the addresses on its journey events rewritten, in place.

    What is no journey event stays as it is: its attributes are not ours to judge.
    """
    payload = request.SerializeToString()
    if rewrite is _keep or _NEEDLE not in payload:
        return payload
    changed = [_rewrite(attributes, rewrite) for attributes in _suspects(request)]
    return request.SerializeToString() if any(changed) else payload


def _suspects(request: ExportTraceServiceRequest) -> Iterator[_Attributes]:
    for resource_spans in request.resource_spans:
        for scope_spans in resource_spans.scope_spans:
            for span in scope_spans.spans:
                # Searching bytes is several times cheaper than reading attributes.
                if _NEEDLE not in span.SerializeToString():
                    continue
                yield span.attributes
                for event in span.events:
                    yield event.attributes


def _rewrite(attributes: _Attributes, rewrite: Rewrite) -> bool:
    """Rewrite the addresses of one journey event; gives whether there were any."""
    keys = [pair.key for pair in attributes]
    if USER_EMAIL not in keys or EVENT_NAME not in keys:
        return False
    for index in reversed([index for index, key in enumerate(keys) if key == USER_EMAIL]):
        pair = attributes[index]
        replacement = rewrite(_text(pair))
        if replacement is None or (replacement[0] == USER_HASH and USER_HASH in keys):
            del attributes[index]
        else:
            pair.key, pair.value.string_value = replacement
    return True


def _text(pair: KeyValue) -> str:
    # The decoder takes strings and ints for an address, and rejects what is neither.
    kind = pair.value.WhichOneof("value")
    return str(pair.value.int_value) if kind == "int_value" else pair.value.string_value
