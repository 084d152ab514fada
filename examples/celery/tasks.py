"""A worker with Celery: every task knows the journey that was active where it was sent from.

::

    pip install journeytrace celery opentelemetry-sdk opentelemetry-exporter-otlp-proto-http
    celery -A tasks worker      # spans go to OTEL_EXPORTER_OTLP_ENDPOINT, by default port 4318 here
    python begin.py             # in another terminal: begins a journey, and sends it here

The broker is a folder, so that nothing has to be installed; any other will do.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from celery import Celery, Task
from celery.signals import before_task_publish, worker_process_init, worker_process_shutdown
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from journeytrace import Event, Journey, Reason, check

HEADER = "journey_session"
KNOWN = {"Max Muster"}


@before_task_publish.connect
def send_session(headers: dict[str, Any], **_: Any) -> None:
    """Let the id of the active journey go along with every task that is sent."""
    headers[HEADER] = Journey.current().session_id


class JourneyTask(Task):
    """A task that runs in the journey it was sent from."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run it."""
        session_id = self.request.get(HEADER)
        # One that another task calls as a function is in that one's journey already.
        journey = Journey.resume(session_id) if session_id else Journey.current()
        with journey.activate():
            return super().__call__(*args, **kwargs)


folder = Path(os.environ.get("BROKER_FOLDER", "queue"))
folder.mkdir(exist_ok=True)
app = Celery("tasks", broker="filesystem://", task_cls=JourneyTask)
app.conf.broker_transport_options = {
    "data_folder_in": str(folder),
    "data_folder_out": str(folder),
    "control_folder": str(folder / "control"),
    "polling_interval": 0.2,
}


@worker_process_init.connect
def set_up(**_: Any) -> None:
    """Set OpenTelemetry up in each process of the pool: a fork takes no sending thread along."""
    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)


@worker_process_shutdown.connect
def send_the_rest(**_: Any) -> None:
    """Send what is left."""
    provider = trace.get_tracer_provider()
    if isinstance(provider, TracerProvider):
        provider.shutdown()


@app.task
def find_duplicate(name: str) -> bool:
    """Look for an earlier user of the same name."""
    with check(Event.DUPLICATE_APPROVED_USER_CHECK) as search:
        found = name in KNOWN
        if found:
            search.fail(error_code="PV-20003")
    return found


@app.task
def decide(name: str) -> str:
    """Decide by what another task found; both record in the journey that this one was sent from."""
    journey = Journey.current()
    if find_duplicate(name):
        journey.reject(Reason.DUPLICATE_USER)
        return "REJECTED"
    journey.approve()
    return "APPROVED"
