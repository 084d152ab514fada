"""The last word on what leaves: personal data taken out, failed checks marked."""

from __future__ import annotations

import itertools
from typing import Final

from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span, Status

from journeytrace.conventions import ERROR_CODE, EVENT_IMPACT, EVENT_NAME, EVENT_RESULT, Result
from journeytrace_exporters.otlp.private import Privacy, text_of
from journeytrace_exporters.otlp.settings import OtlpSettings
from journeytrace_exporters.otlp.wire import RESOURCE_SPANS, SCOPE_SPANS, SPANS, Pieces, cut, field

__all__ = ["Outgoing"]

_FAILED: Final = KeyValue(
    key=EVENT_RESULT, value=AnyValue(string_value=Result.FAIL.value)
).SerializeToString()


class Outgoing:
    """Edits serialised requests: the spans that need it, which most do not."""

    def __init__(self, settings: OtlpSettings) -> None:
        self._privacy = Privacy(settings)
        self._mark_failures = settings.mark_failures
        self._needles = self._privacy.needles + self._mark_failures * (_FAILED,)

    def concerns(self, payload: bytes) -> bool:
        """Whether there is anything in a serialised request that may need editing."""
        return any(needle in payload for needle in self._needles)

    def edited(self, payload: bytes) -> bytes:
        """Give the request as it may leave."""
        if not self.concerns(payload):
            return payload
        view = memoryview(payload)
        found: Pieces = []
        _, resources = cut(payload, RESOURCE_SPANS, 0, len(payload))
        for _, *inner in resources:
            resource, scopes = cut(payload, SCOPE_SPANS, *inner)
            parts: Pieces = [self._clean(ResourceSpans, resource)]
            for _, *within in scopes:
                scope, spans = cut(payload, SPANS, *within)
                mine: Pieces = [self._clean(ScopeSpans, scope)]
                for start, content, end in spans:
                    one = payload[content:end]
                    if self.concerns(one):
                        mine += field(SPANS, [self._edited_span(one)])
                    else:
                        mine.append(view[start:end])
                parts += field(SCOPE_SPANS, mine)
            found += field(RESOURCE_SPANS, parts)
        return b"".join(found)

    def _clean(self, kind: type[ResourceSpans | ScopeSpans], frame: bytes) -> bytes:
        """Give what surrounds spans without what must not leave."""
        if not self.concerns(frame):
            return frame
        message = kind.FromString(frame)
        about = message.resource if isinstance(message, ResourceSpans) else message.scope
        self._privacy.clean(about.attributes)
        return message.SerializeToString()

    def _edited_span(self, content: bytes) -> bytes:
        span = Span.FromString(content)
        if self._mark_failures and _FAILED in content:
            _mark(span)
        if any(needle in content for needle in self._privacy.needles):
            self._privacy.clean(span.attributes)
            for part in itertools.chain[Span.Event | Span.Link](span.events, span.links):
                self._privacy.clean(part.attributes)
        return span.SerializeToString()


def _mark(span: Span) -> None:
    """Let a trace view show where a journey went wrong; what the host says itself stands."""
    if span.status.code != Status.STATUS_CODE_UNSET or span.status.message:
        return
    texts = {pair.key: text_of(pair.value) for pair in span.attributes}
    if EVENT_NAME in texts and texts.get(EVENT_RESULT) == Result.FAIL:
        span.status.code = Status.STATUS_CODE_ERROR
        told = (texts.get(EVENT_IMPACT), texts.get(ERROR_CODE))
        span.status.message = " ".join(filter(None, told))
