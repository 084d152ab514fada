from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

from journeytrace_dashboards.alerts import Settings
from journeytrace_dashboards.alerts.quiet import Quiet

Day = Callable[..., Any]

SETTINGS = replace(
    Settings(),
    windows=(timedelta(minutes=30),),
    weeks=(timedelta(hours=2), timedelta(hours=4)),
)
"""A day and a week take promtool long to play, and mean the same."""

GROUPS = ("JourneyNoSessions", "JourneyCollector", "JourneySenders", "JourneyConformance")

STARTED = 'journey_sessions_started_total{project="acme"}'
SILENCE = 'JourneyNoSessions{scope="project",project="acme"}'


def test_silence_is_told_where_there_used_to_be_sessions(day: Day) -> None:
    """Few are left in the window, ten minutes pass; half of the usual number ends it."""
    today = day(SETTINGS, only=GROUPS)
    today.counts(STARTED, (300, 2), (60, 0), (45, 2))
    today.expect(320)
    today.expect(345, (SILENCE,))
    today.expect(365, (SILENCE,))
    today.expect(395)
    today.check()


def test_silence_is_told_of_counters_that_are_gone(day: Day) -> None:
    """A collector that lost its store is up and counts nothing: that is silence, too."""
    today = day(SETTINGS, only=GROUPS)
    today.counts(STARTED, (300, 2))
    today.expect(345, (SILENCE,))
    today.check()


def test_silence_is_normal_where_it_was_silent_before(day: Day) -> None:
    """At night, and in a project that has hardly any sessions."""
    today = day(SETTINGS, only=GROUPS)
    today.counts(STARTED, (240, 0), (60, 2), (360, 0))
    today.counts('journey_sessions_started_total{project="small"}', (300, 0.5), (180, 0))
    for minute in range(0, 660, 15):
        today.expect(minute)
    today.check()


def test_silence_says_nothing_while_no_collector_counts(day: Day) -> None:
    """The collector is down, which has an alert of its own."""
    today = day(SETTINGS, up=False, only=GROUPS)
    today.shows('up{job="journeytrace",instance="a"}', (300, 1), (60, 0))
    today.shows("journey_collector_build_info", (300, 1), (60, None))
    today.counts(STARTED, (300, 2))
    today.expect(345, ('JourneyCollectorDown{instance="a"}',))
    today.check()


def test_a_collector_that_is_away_is_told_but_a_restart_is_not(day: Day) -> None:
    """One minute is silent, three are not; and it is over when it answers."""
    today = day(only=GROUPS)
    today.shows('up{job="journeytrace",instance="b"}', (10, 1), (1, 0), (10, 1), (5, 0), (9, 1))
    today.expect(12)
    today.expect(24, ('JourneyCollectorDown{instance="b"}',))
    today.expect(30)
    today.check()


def test_a_collector_that_nobody_scrapes_is_told(day: Day) -> None:
    """Prometheus has lost its target altogether."""
    today = day(up=False, only=GROUPS)
    today.shows('up{job="journeytrace",instance="a"}', (10, 1))
    today.expect(9)
    today.expect(20, ("JourneyCollectorDown{}",))
    today.check()


def test_export_that_stalls_is_told_by_destination(day: Day) -> None:
    """Collectors that share a database report the same row, and it is one alert."""
    today = day(only=GROUPS)
    for instance in "ab":
        for destination, rise in (("otlp", 60), ("webhook", 0)):
            labels = f'destination="{destination}",instance="{instance}"'
            name = f"journey_collector_outbox_age_seconds{{{labels}}}"
            today.counts(name, (20, rise), (20, 0))
    today.expect(9)
    today.expect(14, ('JourneyExportStalled{destination="otlp"}',))
    today.check()


def test_a_late_delivery_is_silent(day: Day) -> None:
    """Four minutes now and then are what retries take."""
    today = day(only=GROUPS)
    name = 'journey_collector_outbox_age_seconds{destination="otlp"}'
    today.shows(name, (20, 240), (3, 400), (20, 0))
    for minute in range(0, 40, 2):
        today.expect(minute)
    today.check()


def test_parked_deliveries_are_told_until_they_are_gone(day: Day) -> None:
    """What waits for its turn is no matter."""
    today = day(only=GROUPS)
    rows = "journey_collector_outbox_rows"
    today.shows(f'{rows}{{destination="webhook",state="parked"}}', (5, 0), (10, 3), (10, 0))
    today.shows(f'{rows}{{destination="otlp",state="waiting"}}', (25, 900))
    today.expect(4)
    today.expect(10, ('JourneyExportParked{destination="webhook"}',))
    today.expect(18)
    today.check()


def test_rejected_records_are_told_when_they_are_no_exception(day: Day) -> None:
    """One in a thousand is silent, one in ten is not, whether faulty or over a limit."""
    today = day(only=GROUPS)
    events = "journey_collector_events_total"
    today.counts(f'{events}{{outcome="accepted"}}', (240, 100))
    today.counts(f'{events}{{outcome="refused"}}', (60, 0), (60, 10), (120, 0))
    records = "journey_collector_records_total"
    today.counts(f'{records}{{outcome="rejected"}}', (180, 0.1), (60, 10))
    today.counts(f'{records}{{outcome="ignored"}}', (240, 1000))
    today.expect(59)
    today.expect(100, ("JourneyIngestRejecting{}",))
    today.expect(175)
    today.expect(220, ("JourneyIngestRejecting{}",))
    today.check()


def test_a_few_rejected_records_at_night_are_silent(day: Day) -> None:
    """Twenty in half an hour, and nothing else came."""
    today = day(only=GROUPS)
    records = "journey_collector_records_total"
    today.counts(f'{records}{{outcome="rejected"}}', (120, 0.6))
    today.counts('journey_collector_events_total{outcome="accepted"}', (120, 0))
    today.counts('journey_collector_events_total{outcome="refused"}', (120, 0))
    for minute in range(0, 120, 10):
        today.expect(minute)
    today.check()


def test_refused_senders_are_told_by_reason(day: Day) -> None:
    """A service whose token was changed; now and then one without a token is silent."""
    today = day(only=GROUPS)
    refused = "journey_collector_requests_refused_total"
    today.counts(f'{refused}{{reason="wrong"}}', (60, 0), (60, 1))
    today.counts(f'{refused}{{reason="missing"}}', (120, 0.1))
    today.expect(60)
    today.expect(95, ('JourneySendersRefused{reason="wrong"}',))
    today.check()


def test_a_sender_beyond_its_rights_is_told_by_name(day: Day) -> None:
    """One that has begun to send for another project; now and then one record is silent."""
    today = day(only=GROUPS)
    forbidden = "journey_collector_records_forbidden_total"
    today.counts(f'{forbidden}{{sender="acme"}}', (60, 0), (60, 1))
    today.counts(f'{forbidden}{{sender="browser"}}', (120, 0.1))
    today.expect(60)
    today.expect(95, ('JourneySenderForbidden{sender="acme"}',))
    today.check()


def test_refused_browsers_are_told_by_outcome(day: Day) -> None:
    """A form whose origin is not listed; tokens that end, and a few probes, are silent."""
    today = day(only=GROUPS)
    requests = "journey_collector_public_requests_total"
    today.counts(f'{requests}{{outcome="accepted"}}', (120, 10))
    today.counts(f'{requests}{{outcome="expired"}}', (120, 5))
    today.counts(f'{requests}{{outcome="token"}}', (120, 0.1))
    today.counts(f'{requests}{{outcome="origin"}}', (60, 0), (60, 5))
    today.expect(60)
    today.expect(95, ('JourneyBrowsersRefused{outcome="origin"}',))
    today.check()


def test_a_sender_s_clock_that_is_off_is_told_by_project(day: Day) -> None:
    """One event in five tells a time that cannot be; one in a hundred is silent."""
    today = day(only=GROUPS)
    for project, share in (("acme", 0.2), ("beta", 0.01)):
        events = f'journey_events_total{{project="{project}",event="STEP_VIEW"}}'
        today.counts(events, (60, 10), (60, 10))
        corrected = f'journey_collector_time_corrected_total{{project="{project}"}}'
        today.counts(corrected, (60, 0), (60, 10 * share))
    today.expect(60)
    today.expect(95, ('JourneySenderClock{project="acme"}',))
    today.check()


def test_one_session_that_violates_a_rule_is_told_by_project_and_rule(day: Day) -> None:
    """One is enough; a rule that everybody keeps is silent."""
    today = day(only=GROUPS)
    violations = "journey_conformance_violations_total"
    today.counts(f'{violations}{{project="acme",rule="decided-unseen"}}', (60, 0), (1, 1), (60, 0))
    today.counts(f'{violations}{{project="acme",rule="held-too-long"}}', (121, 0))
    today.expect(60)
    today.expect(70, ('JourneyRuleViolated{project="acme",rule="decided-unseen"}',))
    today.expect(115)
    today.check()


def test_slow_commits_are_told(day: Day) -> None:
    """Two transactions in a hundred take two seconds."""
    today = day(only=GROUPS)
    bucket = 'journey_collector_commit_seconds_bucket{{instance="a",le="{}"}}'
    for bound, rise in (("0.5", 98.0), ("1", 98.0), ("2.5", 100.0), ("+Inf", 100.0)):
        today.counts(bucket.format(bound), (60, 100), (60, rise))
    today.expect(59)
    today.expect(100, ('JourneyCommitSlow{instance="a"}',))
    today.check()


def test_a_queue_that_stays_full_is_told(day: Day) -> None:
    """48 MiB for ten minutes; a moment of it is silent."""
    today = day(only=GROUPS)
    queue = 'journey_collector_queued_bytes{instance="a"}'
    today.shows(queue, (20, 0), (1, 48 * 2**20), (30, 0), (10, 48 * 2**20), (40, 0))
    today.expect(23)
    today.expect(56, ('JourneyQueueFull{instance="a"}',))
    today.expect(85)
    today.check()


def test_warnings_wait_for_the_end_of_the_quiet_hours(day: Day) -> None:
    """What is critical does not."""
    settings = replace(Settings(), quiet_hours=(Quiet.parse("00:00-02:00"),))
    today = day(settings, up=False, only=GROUPS)
    today.shows('up{job="journeytrace",instance="a"}', (200, 0))
    rows = 'journey_collector_outbox_rows{destination="webhook",state="parked"}'
    today.shows(rows, (200, 3))
    today.expect(60, ('JourneyCollectorDown{instance="a"}',))
    parked = 'JourneyExportParked{destination="webhook"}'
    today.expect(130, ('JourneyCollectorDown{instance="a"}', parked))
    today.check()


def test_a_log_that_is_read_late_is_told_once_for_all_collectors(day: Day) -> None:
    """Collectors on one store tell the same lag: one alert, after five minutes above five."""
    today = day(SETTINGS, only=GROUPS)
    for instance in ("a", "b"):
        lag = f'journey_collector_kafka_lag_seconds{{job="journeytrace",instance="{instance}"}}'
        today.shows(lag, (10, 2), (20, 600), (10, 2))
    today.expect(14)
    today.expect(17, ("JourneyKafkaBehind{}",))
    today.expect(35)
    today.check()
