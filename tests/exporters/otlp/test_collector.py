"""The exporter inside a collector: what comes in at one end, and what leaves at the other."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

import aiohttp
import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from tests.support.events import IDLE_TIMEOUT, MINUTE, NOON, done, event
from tests.support.otlp import journey_span, pairs, request
from tests.support.receivers import GrpcReceiver, spans_of
from tests.support.running import free_settings
from tests.support.waiting import wait_until

from journeytrace.catalogue import builtin_catalogue
from journeytrace.identity import root_span_id, trace_id
from journeytrace_collector.core.change import Change
from journeytrace_collector.core.measure import Measure
from journeytrace_collector.core.retention import NS_PER_DAY
from journeytrace_collector.health import Health
from journeytrace_collector.outbox.effects import effects
from journeytrace_collector.process import Collector
from journeytrace_collector.store import Carried, SqliteStore
from journeytrace_exporters.otlp import OtlpExporter

Make = Callable[..., OtlpExporter]


def log_records(*names: str) -> ExportLogsServiceRequest:
    """Make log records that are journey events of one session, of now."""
    found = ExportLogsServiceRequest()
    records = found.resource_logs.add().scope_logs.add().log_records
    for name in names:
        attributes = pairs({"session.id": "s", "journey.event.name": name})
        records.add(time_unix_nano=time.time_ns(), attributes=attributes)
    return found


async def post(collector: Collector, path: str, body: bytes) -> None:
    """Send OTLP to a collector, which takes it."""
    headers = {"Content-Type": "application/x-protobuf"}
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"http://{collector.otlp_http}{path}", data=body, headers=headers) as answer,
    ):
        assert answer.status == 200


@pytest.mark.parametrize("passthrough", [True, False])
def test_log_records_leave_whoever_forwards_spans(tmp_path: Path, passthrough: bool) -> None:
    """Events that came as log records reach the backend with `passthrough` on and off."""
    names = ("SESSION_CREATED", "STEP_VIEW", "STEP1_ENTERED")

    async def scenario() -> set[str]:
        async with GrpcReceiver() as backend:
            section = {"endpoint": f"http://127.0.0.1:{backend.port}", "passthrough": passthrough}
            settings = free_settings(tmp_path, exporters={"otlp": section})
            async with Collector(settings) as collector:
                spans = request(journey_span(trace=b"t" * 16)).SerializeToString()
                await post(collector, "/v1/traces", spans)
                await post(collector, "/v1/logs", log_records(*names).SerializeToString())
                await asyncio.to_thread(
                    wait_until,
                    "the spans of all log records",
                    lambda: len(spans_of(*backend.requests)) >= len(names) + passthrough,
                )
            return {span.name for span in spans_of(*backend.requests)}

    assert asyncio.run(scenario()) == set(names)


def store_with(folder: Path, exporter: OtlpExporter) -> SqliteStore:
    """Open a store whose changes leave by the exporter."""
    store = SqliteStore(folder, builtin_catalogue(), IDLE_TIMEOUT)
    exporters = {"otlp": exporter}
    store.follow(effects(Measure(builtin_catalogue()), exporters, Health()))
    return store


def test_an_erased_session_is_in_no_parcel(make: Make, tmp_path: Path) -> None:
    """What waits or is parked goes with the session; what belongs to others stays."""
    store = store_with(tmp_path / "store", make(email="plain"))
    host = journey_span(2, trace=b"t" * 16)
    del host.attributes[:]
    spans = request(journey_span(1, user__email="ann@example.com"), host)
    created = event("SESSION_CREATED", email="ann@example.com")
    store.write([created], Carried([spans], [created]))
    first, second = store.waiting("otlp", 10)
    assert {first.parcel.session_id, second.parcel.session_id} == {created.session_id, None}
    store.park(first.id, "400")
    store.erase(NOON + 30 * NS_PER_DAY, 10)
    left = [row.parcel for row in (*store.waiting("otlp", 10), *store.parked(10))]
    assert [parcel.session_id for parcel in left] == [None]
    assert b"ann" not in left[0].payload
    store.close()


def test_no_span_of_a_session_is_an_orphan(make: Make, tmp_path: Path) -> None:
    """With events after settling, every parent has left, and no id with two contents."""
    store = store_with(tmp_path / "store", make())
    at = NOON
    for name in ("SESSION_CREATED", "STEP1_ENTERED", "STEP2_ENTERED", "APPROVED", "STEP_VIEW"):
        late = event(name, at)
        store.write([late], Carried(logged=[late]))
        at += IDLE_TIMEOUT + MINUTE
        store.settle(at, 10)
    contents = [
        ExportTraceServiceRequest.FromString(row.parcel.payload)
        for row in store.waiting("otlp", 100)
    ]
    spans = spans_of(*contents)
    ids = [span.span_id for span in spans]
    root = root_span_id(trace_id(event("STEP_VIEW").session_id))
    assert len(set(ids)) == len(ids)
    assert [span.span_id for span in spans if not span.parent_span_id] == [root]
    assert {span.parent_span_id for span in spans if span.parent_span_id} <= set(ids)
    store.close()


def test_what_people_do_is_no_orphan(make: Make, tmp_path: Path) -> None:
    """Before a session begins nothing of it leaves; then all of it, under a root that will come."""
    store = store_with(tmp_path / "store", make())
    invited = done("SESSION_INVITED", NOON - MINUTE)
    own = journey_span(9, journey__event__name="SESSION_INVITED", session__id=invited.session_id)
    store.write([invited], Carried([request(own)]))
    assert store.waiting("otlp", 10) == []
    created, final = event("SESSION_CREATED"), event("FINAL_PAGE_VIEW", NOON + 1)
    for one in (created, event("REJECTED"), final):
        store.write([one], Carried(logged=[one]))
    store.settle(NOON + 2 * MINUTE, 10)
    verdict = done("VERDICT_APPROVED", NOON + 3 * MINUTE)
    store.write([verdict], Carried(logged=[verdict]))
    store.settle(NOON + 3 * MINUTE, 10)
    spans = spans_of(
        *(
            ExportTraceServiceRequest.FromString(row.parcel.payload)
            for row in store.waiting("otlp", 100)
        )
    )
    root = root_span_id(trace_id(invited.session_id))
    by_name = {span.name: span for span in spans}
    assert len(by_name) == len(spans)
    for name in ("SESSION_INVITED", "VERDICT_APPROVED"):
        assert by_name[name].parent_span_id == root
    assert by_name["journey.session"].span_id == root
    decided = [
        next(a.value.string_value for a in by_name[name].attributes if a.key == "journey.decision")
        for name in ("journey.session", "journey.session.revision")
    ]
    assert decided == ["REJECTED", "APPROVED"]
    assert by_name["journey.session.revision"].end_time_unix_nano == final.at
    store.close()


def test_a_bundle_goes_to_one_tenant(make: Make, tmp_path: Path) -> None:
    """Parcels join by tenant alone."""
    exporter = make(tenants={30: "short"}, default_tenant="rest")
    store = store_with(tmp_path / "store", exporter)
    created = event("SESSION_CREATED")
    store.write([created], Carried([request(journey_span(1), journey_span(2, trace=b"t" * 16))]))
    rest = exporter.parcels(Change(NOON, traces=[request(journey_span(session__id=" none "))]))
    (own,) = {exporter.joins(row.parcel) for row in store.waiting("otlp", 10)}
    assert {exporter.joins(parcel) for parcel in rest}.isdisjoint({own})
    store.close()
