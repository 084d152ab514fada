"""The OTLP exporter: what leaves because of a change, and whether it arrived."""

from __future__ import annotations

import logging
from collections.abc import Hashable, Iterable, Iterator
from typing import Final, Protocol

from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from journeytrace.catalogue import Catalogue
from journeytrace.conventions import COLLECTOR_EXPORT_FAILURES_TOTAL
from journeytrace_collector.core.change import Change, Parcel
from journeytrace_collector.core.settle import derived_spans, request_of
from journeytrace_collector.health import Health
from journeytrace_collector.outbox.exporter import Exporter
from journeytrace_exporters._http import excerpt
from journeytrace_exporters.otlp.logged import logged_spans
from journeytrace_exporters.otlp.outgoing import Outgoing
from journeytrace_exporters.otlp.owners import Owner, Owners
from journeytrace_exporters.otlp.pack import packed
from journeytrace_exporters.otlp.settings import OtlpSettings
from journeytrace_exporters.otlp.split import split

__all__ = ["OtlpExporter", "Transport"]

_log = logging.getLogger(__name__)

_REJECTED: Final = ("otlp", "rejected")
_TENANT_HEADER: Final = "X-Scope-OrgID"


class Transport(Protocol):
    """One way to carry OTLP."""

    async def send(self, payload: bytes, headers: dict[str, str]) -> bytes:
        """Send a serialised request; gives the serialised response.

        Raises:
            RetryableExportError: as in `Exporter.deliver`.
            PermanentExportError: likewise.
        """

    async def close(self) -> None:
        """Let go of connections."""


class OtlpExporter(Exporter):
    """Sends spans to one OTLP endpoint."""

    wants_logged = True
    at_once = 512

    def __init__(
        self, settings: OtlpSettings, catalogue: Catalogue, transport: Transport, health: Health
    ) -> None:
        self._settings = settings
        self.wants_traces = settings.passthrough
        self._catalogue = catalogue
        self._transport = transport
        self._health = health
        health.add(COLLECTOR_EXPORT_FAILURES_TOTAL, _REJECTED, 0)
        self._outgoing = Outgoing(settings)
        self.rejected = 0
        """Spans that the receiver refused one by one, in answers that are successes otherwise."""

    def parcels(self, change: Change) -> Iterator[Parcel]:
        """Give the spans that came in, then those of log records, then the derived ones."""
        found: dict[Owner, list[bytes]] = {}
        for owner, payload in self._payloads(change):
            found.setdefault(owner, []).append(payload)
        # What has been given is let go, for a request can be large.
        for owner in list(found):
            for payload in packed(found.pop(owner)):
                yield _parcel(payload, owner)

    def _payloads(self, change: Change) -> Iterator[tuple[Owner, bytes]]:
        owners = Owners(change, self._settings)
        for request in change.traces if self._settings.passthrough else ():
            payload = request.SerializeToString()
            edited = self._outgoing.edited if self._outgoing.concerns(payload) else _as_it_is
            for owner, part in split(request, payload, owners.by_trace, owners.of_span):
                yield owner, edited(part)
        for session_id, request in logged_spans(change.logged, self._catalogue):
            yield owners.of_session(session_id), self._outgoing.edited(request.SerializeToString())
        for session in change.sessions:
            if session.settlement is not None:
                spans = derived_spans(session.after, session.settlement)
                yield owners.of_session(session.after.session_id), _serialised(spans)

    def joins(self, parcel: Parcel) -> Hashable:
        """Requests of one tenant: put one behind the other they are one request to protobuf."""
        return tuple(parcel.headers.items())

    async def deliver(self, parcel: Parcel) -> None:
        """Send one parcel; see `Exporter.deliver`."""
        # In lower case, so that the tenant replaces a header of that name instead of joining it.
        headers = {**self._settings.headers, **parcel.headers}
        lower = {name.lower(): value for name, value in headers.items()}
        self._note_rejects(await self._transport.send(parcel.payload, lower))

    def _note_rejects(self, answer: bytes) -> None:
        """Take a partial success for a success, as OTLP demands: what was refused stays refused."""
        try:
            partial = ExportTraceServiceResponse.FromString(answer).partial_success
        except DecodeError:
            return
        if partial.rejected_spans or partial.error_message:
            if not self.rejected:
                _log.warning(
                    "otlp: the receiver refused %d spans (further refusals are only counted): %s",
                    partial.rejected_spans,
                    excerpt(partial.error_message),
                )
            self.rejected += partial.rejected_spans
            self._health.add(COLLECTOR_EXPORT_FAILURES_TOTAL, _REJECTED)

    def destinations(self) -> tuple[str, ...]:
        """Give the one destination."""
        return ("otlp",)

    async def close(self) -> None:
        """Let go of connections."""
        await self._transport.close()


def _as_it_is(payload: bytes) -> bytes:
    return payload


def _serialised(spans: Iterable[Span]) -> bytes:
    return request_of(spans).SerializeToString(deterministic=True)


def _parcel(payload: bytes, owner: Owner) -> Parcel:
    headers = {_TENANT_HEADER: owner.tenant} if owner.tenant is not None else {}
    return Parcel("otlp", payload, owner.session_id, headers)
