"""Spans by OTLP: those that came in, and those that say how a session ended.

Settings under ``exporters.otlp``: see `OtlpSettings`.
"""

from __future__ import annotations

from journeytrace_collector.outbox.exporter import Context
from journeytrace_exporters._settings import read_section
from journeytrace_exporters.otlp.exporter import OtlpExporter
from journeytrace_exporters.otlp.grpc import GrpcTransport
from journeytrace_exporters.otlp.http import HttpTransport
from journeytrace_exporters.otlp.settings import OtlpSettings

__all__ = ["OtlpExporter", "OtlpSettings", "create"]


def create(context: Context) -> OtlpExporter | None:
    """Make the exporter; None: no endpoint is set.

    Raises:
        ConfigError: the section ``exporters.otlp`` is faulty.
    """
    if not context.section:
        return None
    settings = read_section("otlp", OtlpSettings, context.section)
    if settings.endpoint is None:
        return None
    transport = (
        GrpcTransport(settings.endpoint, settings)
        if settings.protocol == "grpc"
        else HttpTransport(settings.endpoint, settings, context.clock)
    )
    return OtlpExporter(settings, context.catalogue, transport, context.health)
