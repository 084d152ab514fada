from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from prometheus_client.openmetrics.parser import text_string_to_metric_families as open_metrics
from prometheus_client.parser import text_string_to_metric_families as plain_text
from prometheus_client.samples import Sample, Timestamp
from tests.support.events import IDLE_TIMEOUT, NOON, SECOND, SESSION, event

from journeytrace.catalogue import builtin_catalogue
from journeytrace.conventions import (
    BEACON_LOSS_RATIO,
    COLLECTOR_BACKGROUND_FAILURES_TOTAL,
    COLLECTOR_COMMIT_SECONDS,
    COLLECTOR_EXPORT_FAILURES_TOTAL,
    COLLECTOR_KAFKA_LAG_MESSAGES,
    COLLECTOR_KAFKA_LAG_SECONDS,
    COLLECTOR_KAFKA_MESSAGES_TOTAL,
    COLLECTOR_KAFKA_PARTITIONS,
    COLLECTOR_KAFKA_REBALANCES_TOTAL,
    COLLECTOR_PUBLIC_REQUESTS_TOTAL,
    COLLECTOR_QUEUED_BYTES,
    COLLECTOR_RECORDS_FORBIDDEN_TOTAL,
    COLLECTOR_REQUESTS_REFUSED_TOTAL,
    METRICS,
)
from journeytrace_collector.core.change import Followup, Parcel, Tally
from journeytrace_collector.core.measure import Measure
from journeytrace_collector.errors import ConfigError
from journeytrace_collector.health import Health
from journeytrace_collector.outbox.exporter import Context
from journeytrace_collector.recording import Recorder
from journeytrace_collector.settings import Settings
from journeytrace_collector.store import Carried, SqliteStore
from journeytrace_exporters.prometheus import PrometheusExporter, create

OPEN_METRICS = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5"
WITH_CREATED = (
    "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited,"
    "application/openmetrics-text;version=1.0.0;q=0.8,*/*;q=0.1"
)
CATALOGUE = builtin_catalogue()


class Place:
    """A store with its counters, and the page that shows them."""

    def __init__(self, folder: Path) -> None:
        self.now = NOON
        self.health = Health()
        self.store = SqliteStore(folder, CATALOGUE, IDLE_TIMEOUT)
        self.measure = Measure(CATALOGUE, max_projects=1, rules=("a-rule",))
        self.follow()

    def follow(self, *parcels: Parcel, extra: Tally | None = None) -> None:
        """From now on put `parcels` into the outbox with every change."""

        def effects(change: Any) -> Followup:
            tally = self.measure.tally(change)
            tally.rises |= (extra or Tally()).rises
            return Followup(tally, parcels, lambda: self.measure.learn(tally))

        self.store.follow(effects)
        self.store.write((), Carried(at=self.now))

    def context(self, **section: object) -> Context:
        """Give what the exporter is made of."""
        return Context(
            section,
            Settings(),
            self.store,
            lambda: self.now,
            self.health,
            Recorder(lambda: self.now),
        )

    def get(self, **headers: str) -> tuple[dict[str, str], str]:
        """Get the page: headers by lower-case name, and the text."""
        exporter = create(self.context())
        assert exporter is not None

        async def fetch() -> tuple[dict[str, str], str]:
            app = web.Application()
            for path, page in exporter.pages().items():
                app.router.add_get(path, page)
            async with (
                TestClient(TestServer(app)) as client,
                client.get("/metrics", headers=headers) as answer,
            ):
                assert answer.status == 200
                found = {name.lower(): value for name, value in answer.headers.items()}
                return found, await answer.text()

        return asyncio.run(fetch())

    def samples(self, name: str, **labels: str) -> list[Sample]:
        """Give the samples of a name that have these labels, as OpenMetrics has them."""
        _, text = self.get(Accept=OPEN_METRICS)
        return [
            sample
            for family in open_metrics(text)  # type: ignore[no-untyped-call]
            for sample in family.samples
            if sample.name == name and labels.items() <= sample.labels.items()
        ]

    def value(self, name: str, **labels: str) -> float:
        """Give the value of the one sample that has these labels."""
        [sample] = self.samples(name, **labels)
        return sample.value


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    """Give an empty store with its page."""
    place = Place(tmp_path)
    yield place
    place.store.close()


def busy(place: Place) -> Place:
    """Let everything happen that a metric tells of."""
    place.follow(Parcel("webhook:crm", b""))
    check = event("FACE_COMPARE", result="PASS", duration=SECOND, project_id='a "b" \\c')
    place.store.write([event("STEP1_ENTERED"), check, event("REJECTED", reason="AGE_LIMIT")])
    shown = event("ERROR_PAGE_VIEWED", error_code="QS-10001", project_id='a "b" \\c')
    place.store.write([shown], Carried(versions=frozenset({("form", "1.2")})))
    place.now += IDLE_TIMEOUT
    assert place.store.settle(place.now, 10) == 1
    place.health.observe(COLLECTOR_COMMIT_SECONDS, 0.1)
    place.health.add(COLLECTOR_EXPORT_FAILURES_TOTAL, ("webhook:crm", "retryable"))
    place.health.add(COLLECTOR_BACKGROUND_FAILURES_TOTAL, ("settle",))
    place.health.add(COLLECTOR_PUBLIC_REQUESTS_TOTAL, ("accepted",))
    place.health.add(COLLECTOR_RECORDS_FORBIDDEN_TOTAL, ("form",))
    place.health.add(COLLECTOR_KAFKA_MESSAGES_TOTAL, ("stored",))
    place.health.add(COLLECTOR_KAFKA_REBALANCES_TOTAL)
    place.health.watch(COLLECTOR_KAFKA_LAG_MESSAGES, lambda: 7)
    place.health.watch(COLLECTOR_KAFKA_LAG_SECONDS, lambda: 0.5)
    place.health.watch(COLLECTOR_KAFKA_PARTITIONS, lambda: 3)
    place.health.show(BEACON_LOSS_RATIO, {("",): 0.1})
    place.health.watch(COLLECTOR_QUEUED_BYTES, lambda: 4096)
    place.health.watch(COLLECTOR_REQUESTS_REFUSED_TOTAL, lambda: 3, ("wrong",))
    return place


def test_promtool_finds_nothing_to_say(
    place: Place, promtool: Callable[[bytes], subprocess.CompletedProcess[bytes]]
) -> None:
    """Names, types, units and help are as Prometheus would have them."""
    _, page = busy(place).get()
    found = promtool(page.encode())
    assert (found.returncode, found.stdout, found.stderr) == (0, b"", b"")


def test_every_metric_of_the_conventions_is_there(place: Place) -> None:
    """And none beside them; once something has happened, each has a sample."""
    _, page = busy(place).get()
    families = {family.name: family for family in plain_text(page)}
    assert set(families) == {metric.name.removesuffix("_total") for metric in METRICS}
    for metric in METRICS:
        family = families[metric.name.removesuffix("_total")]
        assert (family.type, family.documentation) == (metric.kind, metric.help)
        labels = {tuple(sorted(set(sample.labels) - {"le"})) for sample in family.samples}
        assert labels == {tuple(sorted(metric.labels))}


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        (OPEN_METRICS, "application/openmetrics-text; version=1.0.0"),
        ("text/plain", "text/plain; version=0.0.4"),
        ("*/*", "text/plain; version=0.0.4"),
    ],
)
def test_who_asks_chooses_the_format(place: Place, accept: str, kind: str) -> None:
    """OpenMetrics, which alone can carry exemplars, only for those who know it."""
    headers, text = place.get(Accept=accept)
    assert headers["content-type"].startswith(kind)
    assert text.endswith("# EOF\n") == kind.startswith("application")


def test_created_timestamps_go_to_those_who_take_them(place: Place) -> None:
    """Who asks for protobuf first takes them; to others each would only be one more series."""
    place.now += SECOND
    place.store.write([event("STEP_VIEW", place.now, project_id="acme")])
    place.now += SECOND
    place.store.write([event("STEP_VIEW", place.now, session_id="s", project_id="acme")])
    for accept in (OPEN_METRICS, "text/plain", WITH_CREATED.split(",", maxsplit=1)[0]):
        assert "_created" not in place.get(Accept=accept)[1]
    headers, text = place.get(Accept=WITH_CREATED)
    assert headers["content-type"].startswith("application/openmetrics-text")
    created = {
        (sample.name, sample.labels["project"]): sample.value
        for family in open_metrics(text)  # type: ignore[no-untyped-call]
        for sample in family.samples
        if sample.name.endswith("_created") and "project" in sample.labels
    }
    started = "journey_sessions_started_created"
    assert created[started, ""] == NOON / SECOND
    assert created[started, "acme"] == NOON / SECOND + 1
    assert created["journey_session_duration_seconds_created", "acme"] == NOON / SECOND + 1


def test_the_page_is_compressed_for_those_who_can_read_it(place: Place) -> None:
    """It repeats itself a lot."""
    assert place.get(**{"Accept-Encoding": "gzip"})[0]["content-encoding"] == "gzip"
    assert "content-encoding" not in place.get(**{"Accept-Encoding": "identity"})[0]


def test_buckets_are_cumulated_and_carry_their_exemplars(place: Place) -> None:
    """The store keeps them apart; Prometheus wants each to hold those below it."""
    for number, duration in enumerate((SECOND // 20, SECOND // 20, SECOND, 100 * SECOND)):
        check = event("FACE_COMPARE", NOON + number, result="PASS", duration=duration)
        place.store.write([check])
    name = "journey_check_duration_seconds"
    buckets = {
        sample.labels["le"]: sample
        for sample in place.samples(f"{name}_bucket", event="FACE_COMPARE")
    }
    counts = [sample.value for sample in buckets.values()]
    assert counts == [0, 0, 2, 2, 2, 2, 3, 3, 3, 3, 3, 3, 4]
    assert place.value(f"{name}_count", event="FACE_COMPARE") == 4
    assert place.value(f"{name}_sum", event="FACE_COMPARE") == pytest.approx(101.1)
    with_trace = {le: sample.exemplar for le, sample in buckets.items() if sample.exemplar}
    assert set(with_trace) == {"0.05", "1.0", "+Inf"}
    exemplar = with_trace["1.0"]
    assert exemplar.labels == {"trace_id": SESSION.replace("-", "")}
    assert exemplar.value == 1
    assert exemplar.timestamp == Timestamp(NOON // SECOND, 0)


def test_what_another_version_counted_does_no_harm(place: Place) -> None:
    """Unknown series stay unseen; buckets with other bounds still count."""
    other = Tally()
    other.add("journey_gone_total", ("x",))
    other.add("journey_sessions_started_total", ("acme", "a label too many"))
    other.add("journey_check_duration_seconds_bucket", ("FACE_COMPARE", "0.75"), 3)
    place.follow(extra=other)
    _, page = place.get()
    assert "journey_gone" not in page
    assert not place.samples("journey_sessions_started_total", project="acme")
    name = "journey_check_duration_seconds_bucket"
    assert place.value(name, event="FACE_COMPARE", le="0.75") == 3
    assert place.value(name, event="FACE_COMPARE", le="+Inf") == 3


def test_open_sessions_are_shown_where_there_are_none(place: Place) -> None:
    """By stage, at 0 for those without, so that a graph falls instead of breaking off."""
    mine = [event("STEP1_ENTERED"), event("STEP2_ENTERED", NOON + 1)]
    place.store.write(mine)
    open_ones = {s.labels["stage"]: s.value for s in place.samples("journey_sessions_open")}
    assert open_ones == {"": 0, **dict.fromkeys(CATALOGUE.ordered_stages, 0), "STEP2": 1}


def test_open_sessions_of_projects_above_the_cap_are_others(place: Place) -> None:
    """As everywhere: the labels are those of the counters."""
    for number, project in enumerate(("first", "second", "third")):
        place.store.write([event("STEP1_ENTERED", session_id=f"s-{number}", project_id=project)])
    name, stage = "journey_sessions_open", "STEP1"
    assert place.value(name, project="first", stage=stage) == 1
    assert place.value(name, project="other", stage=stage) == 2
    assert not place.samples(name, project="second")


def test_the_outbox_shows_by_destination(place: Place) -> None:
    """What waits and how long, what is parked; and 0 for those to which nothing has to go."""
    place.follow(Parcel("webhook:crm", b"1"), Parcel("otlp", b"2"))
    place.store.park(place.store.waiting("otlp", 1)[0].id, "refused")
    place.health.add(COLLECTOR_EXPORT_FAILURES_TOTAL, ("webhook:idle", "permanent"), 0)
    place.now += 90 * SECOND
    name, age = "journey_collector_outbox_rows", "journey_collector_outbox_age_seconds"
    found = {
        tuple(sample.labels.values()): sample.value
        for sample in (*place.samples(name), *place.samples(age))
    }
    assert found == {
        ("otlp", "parked"): 1,
        ("otlp", "waiting"): 0,
        ("otlp",): 0,
        ("webhook:crm", "parked"): 0,
        ("webhook:crm", "waiting"): 1,
        ("webhook:crm",): 90,
        ("webhook:idle", "parked"): 0,
        ("webhook:idle", "waiting"): 0,
        ("webhook:idle",): 0,
    }


def test_it_can_be_switched_off(place: Place) -> None:
    """It is on unless somebody says otherwise."""
    assert isinstance(create(place.context()), PrometheusExporter)
    assert create(place.context(enabled=False)) is None


@pytest.mark.parametrize(("key", "value"), [("enabled", "perhaps"), ("path", "/m")])
def test_a_faulty_setting_is_named(place: Place, key: str, value: str) -> None:
    """With its whole path, as it stands in the file."""
    with pytest.raises(ConfigError, match=rf"^exporters\.prometheus\.{key}: "):
        create(place.context(**{key: value}))
