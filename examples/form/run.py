"""Starts the form with a collector and its desk, in one process, on free ports of the loopback.

Everything is kept in a temporary folder, and gone after Ctrl-C.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
import socket
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import uvicorn
from pydantic import SecretStr

from journeytrace_collector.process import Collector
from journeytrace_collector.settings import Address, Project, Settings
from journeytrace_collector.settings.invitations import Invitations, InvitedJourney
from journeytrace_collector.settings.public import Public, PublicKey

FREE = Address("127.0.0.1", 0)
LIST = {
    "name": "invented",
    "path": Path(__file__).parents[1] / "screening" / "persons.ftm.jsonl",
    "covers": ["pep", "sanctions", "criminal", "other"],
}


async def run() -> None:
    """Run both until they are told to end."""
    secret = secrets.token_hex(32)
    with (
        TemporaryDirectory(prefix="journeytrace-form-", ignore_cleanup_errors=True) as folder,
        socket.create_server((FREE.host, FREE.port)) as door,
    ):
        # Links begin with it, so it has to be known beforehand.
        with socket.create_server((FREE.host, FREE.port)) as free:
            public = Address(FREE.host, free.getsockname()[1])
        form = f"http://{FREE.host}:{door.getsockname()[1]}"
        settings = Settings(
            data=Path(folder),
            otlp_grpc=FREE,
            otlp_http=FREE,
            admin=FREE,
            desk=FREE,
            public=Public(
                listen=public,
                keys={"example": PublicKey(key=SecretStr(secret))},
                origins=(form,),
            ),
            projects={"example-form": Project()},
            # Invented people: whoever says that they are Ivan Sokolov is found on a list.
            exporters={"screening": {"local": {"lists": [LIST]}}},
            invitations=Invitations(
                url=f"http://{public}",
                journeys={
                    "form": InvitedJourney(
                        name="A form to try", project="example-form", form=f"{form}/invited"
                    )
                },
            ),
        )
        async with Collector(settings) as collector:
            # What tells a service where its collector is, and what it signs tokens with.
            os.environ |= {
                "JOURNEY_URL": f"http://{collector.public}{settings.public.path}",
                "JOURNEYTRACE_BROWSER_KEY": f"example:{secret}",
                "OTEL_BSP_SCHEDULE_DELAY": "500",  # ms: one looks at the desk at the same time
                "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": f"http://{collector.otlp_http}/v1/traces",
            }
            service = uvicorn.Server(uvicorn.Config("app:app", log_level="warning"))
            print(
                f"The form:  {form}\n"
                f"The desk:  http://{collector.desk}\n"
                f"In a terminal:  journeytrace sessions --url http://{collector.admin}\n"
                "Ctrl-C ends it.",
                flush=True,
            )
            await service.serve(sockets=[door])
            # Ctrl-C, which uvicorn hands on, takes effect here; then the collector ends in order.
            await asyncio.sleep(0)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with suppress(KeyboardInterrupt):
        asyncio.run(run())
