"""The last word on what leaves: personal data taken out, failed checks marked."""

from __future__ import annotations

import itertools
from typing import Final

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from journeytrace.conventions import ERROR_CODE, EVENT_IMPACT, EVENT_NAME, EVENT_RESULT, Result
from journeytrace_exporters.otlp.private import Privacy, text_of
from journeytrace_exporters.otlp.settings import OtlpSettings

__all__ = ["Outgoing"]

_FAILED: Final = KeyValue(
    key=EVENT_RESULT, value=AnyValue(string_value=Result.FAIL.value)
).SerializeToString()


class Outgoing:
    """Edits serialised requests, of which most need no editing and are not even parsed."""

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
        clean = self._privacy.clean
        request = ExportTraceServiceRequest.FromString(payload)
        for resource_spans in request.resource_spans:
            clean(resource_spans.resource.attributes)
            for scope_spans in resource_spans.scope_spans:
                clean(scope_spans.scope.attributes)
                for span in scope_spans.spans:
                    self._edit(span)
        return request.SerializeToString()

    def _edit(self, span: Span) -> None:
        content = span.SerializeToString()
        if self._mark_failures and _FAILED in content:
            _mark(span)
        if any(needle in content for needle in self._privacy.needles):
            self._privacy.clean(span.attributes)
            for part in itertools.chain[Span.Event | Span.Link](span.events, span.links):
                self._privacy.clean(part.attributes)


def _mark(span: Span) -> None:
    """Let a trace view show where a journey went wrong; what the host says itself stands."""
    if span.status.code != Status.STATUS_CODE_UNSET or span.status.message:
        return
    texts = {pair.key: text_of(pair.value) for pair in span.attributes}
    if EVENT_NAME in texts and texts.get(EVENT_RESULT) == Result.FAIL:
        span.status.code = Status.STATUS_CODE_ERROR
        told = (texts.get(EVENT_IMPACT), texts.get(ERROR_CODE))
        span.status.message = " ".join(filter(None, told))
