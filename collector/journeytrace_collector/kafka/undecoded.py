"""Messages that are no OTLP: parked in the outbox, until a person requeues or discards them.

Each is a parcel to the destination ``kafka``. Delivering it means reading it once more: what can be
read now is stored, and what cannot is parked with the reason, as other parcels are that nobody
takes. So `journeytrace outbox` shows, requeues and discards them, and they are kept as long.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Final

from journeytrace_collector.clock import Clock
from journeytrace_collector.core.change import Parcel
from journeytrace_collector.core.rights import Rights
from journeytrace_collector.errors import (
    PermanentExportError,
    RequestError,
    RetryableExportError,
    UnavailableError,
)
from journeytrace_collector.ingest import Intake
from journeytrace_collector.kafka.messages import RIGHTS, rights_of
from journeytrace_collector.kafka.watermark import Partition
from journeytrace_collector.outbox.exporter import Exporter
from journeytrace_collector.receiver.otlp import Read

__all__ = ["DESTINATION", "Undecoded", "parcel_of"]

DESTINATION: Final = "kafka"


def parcel_of(
    partition: Partition, offset: int, received: int, value: bytes, rights: bytes | None
) -> Parcel:
    """Make the parcel of a message; `rights`: what its header says of them."""
    topic, number = partition
    headers = {"topic": topic, "partition": str(number), "offset": str(offset)}
    headers["received"] = str(received)
    if rights is not None:
        headers[RIGHTS] = rights.decode("utf-8", "replace")
    return Parcel(DESTINATION, value, headers=headers)


class Undecoded(Exporter):
    """Reads messages that could not be read, once more."""

    at_once = 1

    def __init__(
        self, topics: Mapping[str, Read], bound: Rights, intake: Intake, clock: Clock
    ) -> None:
        """Read each topic as told, with the rights of `bound` at most."""
        self._topics = topics
        self._bound = bound
        self._intake = intake
        self._clock = clock

    def destinations(self) -> tuple[str, ...]:
        """See `Exporter.destinations`."""
        return (DESTINATION,)

    async def deliver(self, parcel: Parcel) -> None:
        """See `Exporter.deliver`."""
        said = parcel.headers
        where = f"{said['topic']}[{said['partition']}] at {said['offset']}"
        read = self._topics.get(said["topic"])
        if read is None:
            raise PermanentExportError(f"{where}: this topic is not among those that are read")
        try:
            rights = rights_of([(RIGHTS, said[RIGHTS])] if RIGHTS in said else (), self._bound)
            received = int(said["received"])
            stored = self._intake.submit(
                lambda body, _: read(body, received, rights), parcel.payload, self._clock()
            )
            await asyncio.wrap_future(stored)
        except UnavailableError as error:
            raise RetryableExportError(str(error)) from error
        except (RequestError, ValueError) as error:
            raise PermanentExportError(f"{where}: {error}") from error
        except Exception as error:
            problem = f"{where}: failed, the log says why: {type(error).__name__}"
            raise PermanentExportError(problem) from error
