"""A bank's onboarding with stages, events, reasons and codes of its own.

It sends two journeys to the collector that OTEL_EXPORTER_OTLP_ENDPOINT names (without it,
http://localhost:4317) and prints their session ids.
"""

from __future__ import annotations

from pathlib import Path

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

import journeytrace
from journeytrace import Event, Journey


def tampered() -> Journey:
    """Turn away a user whose phone has been tampered with."""
    journey = Journey.start(project="acme-bank", user_id="u-1")
    with journey.check("DEVICE_CHECK") as check:
        check.fail(error_code="DEV-1001", rooted=True)  # impact from own.toml: BLOCKED
    journey.record("DEVICE_HELP_SHOWN", path="/other-phone")
    journey.reject("TAMPERED_DEVICE")
    return journey


def large_sum() -> Journey:
    """Hold a user who wants to begin with a large sum."""
    journey = Journey.start(project="acme-bank", user_id="u-2")
    with journey.check("DEVICE_CHECK"):
        pass
    journey.record(Event.STEP1_ENTERED)
    with journey.check(Event.CUSTOM_POLICY_EVALUATION) as check:
        check.fail(limit=10_000)  # impact from own.toml: PENDING
    journey.record("LARGE_SUM_HELD", reason="LARGE_SUM")
    journey.record("CONFETTI_SHOWN")  # in no catalogue: the collector will say so
    return journey


def main() -> None:
    """Set OpenTelemetry and the library up, and let two users come."""
    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
    journeytrace.configure(catalogue=Path(__file__).with_name("own.toml"))
    for journey in (tampered(), large_sum()):
        print(journey.session_id)
    provider.shutdown()


if __name__ == "__main__":
    main()
