"""Links by mail, through any server that speaks SMTP.

Settings under ``exporters.mail``: see `MailSettings`.
"""

from __future__ import annotations

from journeytrace_collector.core.invitations import Channel
from journeytrace_collector.errors import ConfigError
from journeytrace_collector.invitations.messages import Outcomes
from journeytrace_collector.outbox.exporter import Context
from journeytrace_collector.security import browser_keys
from journeytrace_collector.settings.files import read_file
from journeytrace_exporters._settings import read_section
from journeytrace_exporters.mail.exporter import MailExporter
from journeytrace_exporters.mail.settings import MailSettings

__all__ = ["MailExporter", "MailSettings", "create"]


def create(context: Context) -> MailExporter | None:
    """Make the exporter; None: nobody is invited to anything.

    Raises:
        ConfigError: the section ``exporters.mail`` is faulty.
    """
    if not context.section and not context.settings.invitations.journeys:
        return None
    outcomes = Outcomes(
        Channel.MAIL, browser_keys(context.settings), context.store, context.record, context.clock
    )
    if not context.section:
        return MailExporter(None, None, outcomes, context.clock)
    settings = read_section("mail", MailSettings, context.section)
    password = settings.password.get_secret_value() if settings.password else None
    if settings.password_file is not None:
        password = read_file("exporters.mail.password_file", settings.password_file).strip()
    try:
        return MailExporter(settings, password, outcomes, context.clock)
    except OSError as error:
        raise ConfigError(f"exporters.mail.ca_file: cannot be used: {error.strerror}") from error
