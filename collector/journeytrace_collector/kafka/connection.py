"""Settings → how the client of Kafka is told them."""

from __future__ import annotations

import logging
from typing import Any, Final

from journeytrace_collector.settings.files import read_file
from journeytrace_collector.settings.kafka import KafkaConnection

__all__ = ["connection"]

LOG: Final = logging.getLogger(__name__)
"""Where the client's own lines go."""


def connection(where: str, settings: KafkaConnection) -> dict[str, Any]:
    """Give what all clients have in common; `where` names the section in errors.

    Raises:
        ConfigError: a file cannot be read.
    """
    password = settings.sasl_password.get_secret_value() if settings.sasl_password else None
    if settings.sasl_password_file is not None:
        password = read_file(f"{where}.sasl_password_file", settings.sasl_password_file).strip()
    plain = "SSL" if settings.tls else "PLAINTEXT"
    given = {
        "bootstrap.servers": ",".join(settings.brokers),
        "security.protocol": f"SASL_{plain}" if settings.sasl_mechanism else plain,
        "ssl.ca.location": settings.tls_ca,
        "ssl.certificate.location": settings.tls_cert,
        "ssl.key.location": settings.tls_key,
        "sasl.mechanism": settings.sasl_mechanism,
        "sasl.username": settings.sasl_username,
        "sasl.password": password,
        # Brokers close what is idle, and come back: neither is worth a line each.
        "log.connection.close": False,
        "reconnect.backoff.max.ms": 2_000,
    }
    told = {key: value for key, value in given.items() if value is not None}
    paths = {key: str(value) for key, value in told.items() if key.endswith(".location")}
    return told | paths | {"logger": LOG}
