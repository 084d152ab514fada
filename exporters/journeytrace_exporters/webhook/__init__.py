"""News of sessions by webhook: settled, decision changed, status changed.

Settings under ``exporters.webhook``: see `WebhookSettings`. Receivers check what they get with
`journeytrace_exporters.webhook_signature`.
"""

from __future__ import annotations

from journeytrace_collector.outbox.exporter import Context
from journeytrace_exporters._settings import read_section
from journeytrace_exporters.webhook.exporter import WebhookExporter
from journeytrace_exporters.webhook.settings import EndpointSettings, WebhookSettings

__all__ = ["EndpointSettings", "WebhookExporter", "WebhookSettings", "create"]


def create(context: Context) -> WebhookExporter | None:
    """Make the exporter; None: no endpoint is set.

    Raises:
        ConfigError: the section ``exporters.webhook`` is faulty.
    """
    settings = read_section("webhook", WebhookSettings, context.section)
    if not settings.endpoints:
        return None
    idle_timeout = round(context.settings.idle_timeout.total_seconds() * 1e9)
    return WebhookExporter(settings, context.catalogue, idle_timeout, context.clock)
