"""Retention class → tenant: spans are kept as long as their session is (opt-in)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeAlias

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from journeytrace.conventions import DEFAULT_RETENTION_DAYS, SESSION_ID
from journeytrace.errors import InvalidSessionIdError
from journeytrace.identity import trace_id
from journeytrace_collector.core.change import Change
from journeytrace_exporters.otlp.settings import OtlpSettings

__all__ = ["Tenant", "Tenants"]

Tenant: TypeAlias = str | None
"""Value of ``X-Scope-OrgID``; None: no header."""


@dataclass(frozen=True, slots=True)
class Tenants:
    """Whose the spans of one change are."""

    settings: OtlpSettings
    days: dict[bytes, int]
    """Retention by trace id, of the sessions that changed."""

    @classmethod
    def of(cls, change: Change, settings: OtlpSettings) -> Tenants:
        """Learn what `change` tells of retention; nothing when there is one tenant for all."""
        if not settings.tenants:
            return cls(settings, {})
        states = [session.after for session in change.sessions]
        days = {trace_id(state.session_id): change.retention.days(state) for state in states}
        return cls(settings, days)

    def of_session(self, session_id: str) -> Tenant:
        """Give the tenant of a session.

        One that did not change had only events that were known already. Those have been delivered
        by their class; what comes again goes where it lives shortest.
        """
        if not self.settings.tenants:
            return None
        return self._tenant(self.days.get(trace_id(session_id), DEFAULT_RETENTION_DAYS))

    def split(
        self, request: ExportTraceServiceRequest
    ) -> Iterator[tuple[Tenant, ExportTraceServiceRequest]]:
        """Give the request by tenant; as it is when there is one for all."""
        if not self.settings.tenants:
            yield None, request
            return
        parts: dict[Tenant, ExportTraceServiceRequest] = {}
        for resource_spans in request.resource_spans:
            for scope_spans in resource_spans.scope_spans:
                found: dict[Tenant, list[Span]] = {}
                for span in scope_spans.spans:
                    found.setdefault(self._of_span(span), []).append(span)
                for tenant, spans in found.items():
                    part = parts.setdefault(tenant, ExportTraceServiceRequest())
                    own = part.resource_spans.add(schema_url=resource_spans.schema_url)
                    own.resource.CopyFrom(resource_spans.resource)
                    scope = own.scope_spans.add(schema_url=scope_spans.schema_url)
                    scope.scope.CopyFrom(scope_spans.scope)
                    scope.spans.extend(spans)
        yield from parts.items()

    def _of_span(self, span: Span) -> Tenant:
        # By trace first: it is cheap, and the host's own spans under a check stay with it.
        days = self.days.get(span.trace_id)
        if days is not None:
            return self._tenant(days)
        for attributes in (span.attributes, *(event.attributes for event in span.events)):
            for pair in attributes:
                if pair.key == SESSION_ID:
                    with suppress(InvalidSessionIdError):
                        return self.of_session(pair.value.string_value)
        return self.settings.default_tenant

    def _tenant(self, days: int) -> Tenant:
        return self.settings.tenants.get(days, self.settings.default_tenant)
