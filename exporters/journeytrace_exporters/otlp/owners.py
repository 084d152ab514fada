"""Whose a span is: its session, and with it the tenant that keeps spans as long as the session.

A parcel belongs to one session, so that it goes when the session is erased. Spans of no session
share parcels of their own.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple, TypeAlias

from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from journeytrace.conventions import DEFAULT_RETENTION_DAYS, SESSION_ID
from journeytrace.errors import InvalidSessionIdError
from journeytrace.identity import normalise_session_id, trace_id
from journeytrace_collector.core.change import Change
from journeytrace_exporters.otlp.settings import OtlpSettings

__all__ = ["Owner", "Owners", "Tenant"]

Tenant: TypeAlias = str | None
"""Value of ``X-Scope-OrgID``; None: no header."""


class Owner(NamedTuple):
    """Whose spans can share a parcel."""

    session_id: str | None
    """None: they belong to no session."""
    tenant: Tenant


class Owners:
    """Tells whose the spans of one change are."""

    def __init__(self, change: Change, settings: OtlpSettings) -> None:
        self._settings = settings
        self._nobody: Final = Owner(None, settings.default_tenant if settings.tenants else None)
        self.by_trace: dict[bytes, Owner] = {}
        """Asked first: it is cheap, and the host's own spans under a check stay with it."""
        self._by_id: dict[str, Owner] = {}
        """By the id as it was sent, for it is normalised once and not for each span."""
        for session in change.sessions:
            state = session.after
            days = change.retention.days(state) if settings.tenants else 0
            owner = Owner(state.session_id, self._tenant(days))
            self.by_trace[trace_id(state.session_id)] = owner
            self._by_id[state.session_id] = owner

    def of_session(self, session_id: str) -> Owner:
        """Give the owner of what names this session, as it was sent.

        A session that did not change had only events that were known already. Those have been
        delivered by their class; what comes again goes where it lives shortest.
        """
        owner = self._by_id.get(session_id)
        if owner is None:
            owner = self._by_id[session_id] = self._found(session_id)
        return owner

    def of_span(self, span: Span) -> Owner:
        """Give the owner of a span that came in and whose trace is nobody's."""
        owner = self._named(span.attributes)
        if owner is None and span.events:
            named = (self._named(event.attributes) for event in span.events)
            owner = next(filter(None, named), None)
        return owner or self._nobody

    def _named(self, attributes: Iterable[KeyValue]) -> Owner | None:
        for pair in attributes:
            if pair.key == SESSION_ID:
                # The decoder reads an int as its digits.
                return self.of_session(pair.value.string_value or str(pair.value.int_value))
        return None

    def _found(self, session_id: str) -> Owner:
        try:
            normalised = normalise_session_id(session_id)
        except InvalidSessionIdError:
            return self._nobody
        known = self.by_trace.get(trace_id(normalised))
        return known or Owner(normalised, self._tenant(DEFAULT_RETENTION_DAYS))

    def _tenant(self, days: int) -> Tenant:
        if not self._settings.tenants:
            return None
        return self._settings.tenants.get(days, self._settings.default_tenant)
