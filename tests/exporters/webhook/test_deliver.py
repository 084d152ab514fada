"""Delivery of webhooks to a real receiver, and where they are not delivered."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from aiohttp import web
from tests.support.events import NOON, event
from tests.support.receivers import Answer, HttpReceiver, Received

from journeytrace.catalogue import builtin_catalogue
from journeytrace.conventions import Status
from journeytrace_collector.core.change import Change, Parcel, SessionChange, Settlement
from journeytrace_collector.core.sessionize import fold
from journeytrace_collector.errors import PermanentExportError, RetryableExportError
from journeytrace_exporters.webhook import WebhookExporter
from journeytrace_exporters.webhook_signature import verify

SECRET = "sixteen or more characters"
PARCEL = Parcel("webhook:crm", b'{"type": "settled"}', "s", {"Idempotency-Key": "k"})

Make = Callable[..., WebhookExporter]


def endpoint(url: str, **more: Any) -> dict[str, Any]:
    """Give the settings of an endpoint."""
    return {"name": "crm", "url": url, "secret": SECRET, **more}


async def failure(exporter: WebhookExporter, parcel: Parcel = PARCEL) -> Exception:
    """Deliver, close, and give what is raised."""
    try:
        with pytest.raises((RetryableExportError, PermanentExportError)) as caught:
            await exporter.deliver(parcel)
    finally:
        await exporter.close()
    return caught.value


def answered(make: Make, answer: Answer) -> Exception:
    """Deliver to a receiver that answers so, and give what is raised."""

    async def scenario() -> Exception:
        async with HttpReceiver() as receiver:
            receiver.answers.append(answer)
            url = f"http://127.0.0.1:{receiver.port}/hook"
            return await failure(make(endpoint(url), allow_private_networks=True))

    return asyncio.run(scenario())


def test_a_receiver_can_trust_what_it_gets(make: Make) -> None:
    """Each parcel arrives whole, signed at the time of sending, with its key beside the body."""
    (state,) = fold([event("REJECTED", reason="CUSTOM_POLICY")], builtin_catalogue()).values()
    settlement = Settlement(0, None, Status.DROPPED)

    async def scenario() -> tuple[list[Parcel], list[Received]]:
        async with HttpReceiver() as receiver:
            url = f"http://127.0.0.1:{receiver.port}/hook?tenant=1"
            exporter = make(endpoint(url), allow_private_networks=True)
            change = Change(NOON, [SessionChange(None, state, settlement=settlement)])
            parcels = list(exporter.parcels(change))
            for parcel in parcels:
                await exporter.deliver(parcel)
            await exporter.close()
            return parcels, receiver.received

    parcels, received = asyncio.run(scenario())
    assert len(received) == 2
    for parcel, request in zip(parcels, received, strict=True):
        key = verify(SECRET, request.headers, request.body, now=NOON / 1e9)
        assert request.body == parcel.payload
        assert request.headers["content-type"] == "application/json"
        assert key == request.headers["idempotency-key"] == parcel.headers["Idempotency-Key"]
        assert request.path == "/hook"


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_any_success_is_delivered(make: Make, status: int) -> None:
    """What the receiver answers beside 2xx is its own affair."""

    async def scenario() -> None:
        async with HttpReceiver() as receiver:
            receiver.answers.append(lambda: web.Response(status=status))
            url = f"http://127.0.0.1:{receiver.port}"
            exporter = make(endpoint(url), allow_private_networks=True)
            await exporter.deliver(PARCEL)
            await exporter.close()

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("status", "header", "after"),
    [(408, None, None), (425, None, None), (429, "7", 7), (500, None, None), (503, "1", 1)],
)
def test_statuses_that_pass(
    make: Make, status: int, header: str | None, after: float | None
) -> None:
    """These mean later, at the time the receiver names."""
    headers = {"Retry-After": header} if header else {}
    found = answered(make, lambda: web.Response(status=status, headers=headers, text="busy\nnow"))
    assert isinstance(found, RetryableExportError)
    assert (str(found), found.after) == (f"{status}: busy now", after)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 422])
def test_statuses_that_stay(make: Make, status: int) -> None:
    """Any other refusal means never."""
    found = answered(make, lambda: web.Response(status=status))
    assert isinstance(found, PermanentExportError)


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_redirects_are_not_followed(make: Make, status: int) -> None:
    """A redirect goes to people, who decide whether the new place is right."""

    async def scenario() -> Exception:
        async with HttpReceiver() as elsewhere, HttpReceiver() as receiver:
            location = {"Location": f"http://127.0.0.1:{elsewhere.port}/"}
            receiver.answers.append(lambda: web.Response(status=status, headers=location))
            url = f"http://127.0.0.1:{receiver.port}"
            found = await failure(make(endpoint(url), allow_private_networks=True))
            assert elsewhere.received == []
            return found

    found = asyncio.run(scenario())
    assert isinstance(found, PermanentExportError)
    assert "redirects are not followed" in str(found)


def test_nobody_listens(make: Make) -> None:
    """A receiver that cannot be reached can be later."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{held.getsockname()[1]}"
        found = asyncio.run(failure(make(endpoint(url), allow_private_networks=True)))
    assert isinstance(found, RetryableExportError)


def test_an_answer_that_does_not_come(make: Make) -> None:
    """After its timeout an endpoint is asked again later."""

    async def scenario() -> Exception:
        never = asyncio.Event()
        async with HttpReceiver() as receiver:
            receiver.answers.append(never)
            url = f"http://127.0.0.1:{receiver.port}"
            slow = endpoint(url, timeout=timedelta(milliseconds=50))
            found = await failure(make(slow, allow_private_networks=True))
            never.set()
            return found

    found = asyncio.run(scenario())
    assert isinstance(found, RetryableExportError)
    assert str(found) == "no answer within 0.05 s"


def test_an_endpoint_that_is_gone_parks_its_parcels(make: Make) -> None:
    """What waits for a name that is configured no more is for people to decide."""
    found = asyncio.run(failure(make(endpoint("https://example.com")), Parcel("webhook:old", b"")))
    assert isinstance(found, PermanentExportError)
    assert "webhook:old" in str(found)


@pytest.mark.parametrize("host", ["localhost", "127.1", "2130706433", "0x7f.0.0.1"])
def test_a_name_cannot_lead_into_a_private_network(make: Make, host: str) -> None:
    """Whatever a name turns out to mean, and however a number is written, no socket is opened."""

    async def scenario() -> Exception:
        async with HttpReceiver() as receiver:
            # The port answers plain HTTP: had it been reached, TLS would fail, and differently.
            found = await failure(make(endpoint(f"https://{host}:{receiver.port}/")))
            assert receiver.received == []
            return found

    found = asyncio.run(scenario())
    assert isinstance(found, PermanentExportError)
    assert any(word in str(found) for word in ("allow_private_networks", "canonical"))
