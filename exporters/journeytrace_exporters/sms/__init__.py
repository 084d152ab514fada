"""Links by SMS, through any gateway that takes a POST.

Settings under ``exporters.sms``: see `SmsSettings`.
"""

from __future__ import annotations

from journeytrace_collector.core.invitations import Channel
from journeytrace_collector.invitations.messages import Outcomes
from journeytrace_collector.outbox.exporter import Context
from journeytrace_collector.security import browser_keys
from journeytrace_collector.settings.files import read_file
from journeytrace_exporters._settings import read_section
from journeytrace_exporters.sms.exporter import SmsExporter
from journeytrace_exporters.sms.settings import SmsSettings

__all__ = ["SmsExporter", "SmsSettings", "create"]


def create(context: Context) -> SmsExporter | None:
    """Make the exporter; None: nobody is invited to anything.

    Raises:
        ConfigError: the section ``exporters.sms`` is faulty.
    """
    if not context.section and not context.settings.invitations.journeys:
        return None
    outcomes = Outcomes(
        Channel.SMS, browser_keys(context.settings), context.store, context.record, context.clock
    )
    if not context.section:
        return SmsExporter(None, None, outcomes, context.clock)
    settings = read_section("sms", SmsSettings, context.section)
    password = settings.password.get_secret_value() if settings.password else None
    if settings.password_file is not None:
        password = read_file("exporters.sms.password_file", settings.password_file).strip()
    return SmsExporter(settings, password, outcomes, context.clock)
