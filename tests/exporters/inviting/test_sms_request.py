"""What a gateway is asked, as the settings have it."""

from __future__ import annotations

import asyncio
from base64 import b64decode
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
from tests.support.events import IDLE_TIMEOUT, NOON
from tests.support.inviting import KEY, SECRET, URL, inviting
from tests.support.receivers import HttpReceiver, Received

from journeytrace.browser import Key
from journeytrace.catalogue import builtin_catalogue
from journeytrace_collector.core.decode import Decoder
from journeytrace_collector.core.invitations import Channel, digest_of
from journeytrace_collector.health import Health
from journeytrace_collector.ingest import Ingest
from journeytrace_collector.invitations.inviting import Inviting
from journeytrace_collector.outbox.exporter import Context
from journeytrace_collector.recording import Recorder
from journeytrace_collector.settings import Settings
from journeytrace_collector.store import SqliteStore
from journeytrace_exporters import sms


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    """A store of its own."""
    with closing(SqliteStore(tmp_path / "data", builtin_catalogue(), IDLE_TIMEOUT)) as store:
        yield store


async def sent(store: SqliteStore, settings: Settings, section: dict[str, Any]) -> list[str]:
    """Invite somebody and have the link sent by this exporter; gives what was told of it."""
    with closing(Ingest(store, 2**20)) as ingest:
        recorder = Recorder(lambda: NOON)
        recorder.open(ingest, Decoder(builtin_catalogue()))
        context = Context(section, settings, store, lambda: NOON, Health(), recorder)
        exporter = sms.create(context)
        assert exporter is not None
        keys = [Key(KEY, SECRET)]
        kept = []

        async def record(*said: Any, parcels: Any = (), **more: Any) -> None:
            kept.extend(parcels)
            await recorder(*said, **more)

        desk = Inviting(settings.invitations, keys, store, record, lambda: NOON)
        link = await desk.invite("onboarding", "ann")
        await desk.send(link, Channel.SMS, "+33612345678", "ann", once="1")
        (parcel,) = kept
        assert link.token.encode() not in parcel.payload
        # The second time as after a crash, before it was noted that the parcel is delivered.
        for _ in range(2):
            await exporter.deliver(parcel)
        await exporter.close()
        found = await desk.find(digest_of(link.token))
        assert found is not None
        return [f"{one.outcome} {one.failure}".strip() for one in found.messages]


def test_places_are_filled_and_nothing_else_is(store: SqliteStore) -> None:
    """In the address as a part of it, in headers and in a form, with a password and a key; and what
    was told to be sent is not sent again."""
    settings = Settings(**inviting())

    async def scenario() -> tuple[list[str], Received]:
        async with HttpReceiver() as gateway:
            section = {
                "url": f"http://127.0.0.1:{gateway.port}/send/{{to}}",
                "headers": {"X-Journey": "{journey}"},
                "form_body": {"To": "{to}", "Body": "{text}", "From": "KYC & Co"},
                "user": "me",
                "password": "pä:ss",
                "text": "{journey} {link} {expires}",
                "idempotency_header": "Idempotency-Key",
                "allow_private_networks": True,
            }
            told = await sent(store, settings, section)
            (asked,) = gateway.received
            return told, asked

    told, asked = asyncio.run(scenario())
    assert told == ["INVITATION_SENT"]
    assert asked.path == "/send/+33612345678"
    assert asked.headers["x-journey"] == "Open an account"
    assert b64decode(asked.headers["authorization"].split()[1]).decode() == "me:pä:ss"
    assert len(asked.headers["idempotency-key"]) == 16
    said = {key: value[0] for key, value in parse_qs(asked.body.decode()).items()}
    assert (said["To"], said["From"]) == ("+33612345678", "KYC & Co")
    assert said["Body"].startswith(f"Open an account {URL}/i/")
    assert said["Body"].endswith(" 2026-06-02 12:00 UTC")


def test_a_gateway_in_a_private_network_is_not_asked(store: SqliteStore) -> None:
    """A name that leads there is refused where the connection would be made."""
    section = {"url": "https://localhost/send", "json_body": {"to": "{to}"}}
    told = asyncio.run(sent(store, Settings(**inviting()), section))
    assert told == ["INVITATION_FAILED refused"]
