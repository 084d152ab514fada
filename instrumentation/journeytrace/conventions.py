"""The vocabulary: attribute names, their allowed values and metric names, written down once.

The library sets the attributes, the collector reads them and counts, dashboards and documents are
tested against both. Names under ``session.`` and ``user.`` are OpenTelemetry's own semantic
conventions; everything else lives under ``journey.``, in metrics under ``journey_``.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Literal

__all__ = [
    "ACTOR_ADDRESS",
    "ACTOR_ID",
    "ANALYSIS_FLAGS",
    "ANALYSIS_SUMMARY",
    "ANALYSIS_VERDICT",
    "ATTRIBUTES",
    "BEACON_LOSS_RATIO",
    "CHECK_DURATION_SECONDS",
    "COLLECTOR_BACKGROUND_FAILURES_TOTAL",
    "COLLECTOR_BUILD_INFO",
    "COLLECTOR_COMMIT_SECONDS",
    "COLLECTOR_EVENTS_TOTAL",
    "COLLECTOR_EXPORT_FAILURES_TOTAL",
    "COLLECTOR_KAFKA_LAG_MESSAGES",
    "COLLECTOR_KAFKA_LAG_SECONDS",
    "COLLECTOR_KAFKA_MESSAGES_TOTAL",
    "COLLECTOR_KAFKA_PARTITIONS",
    "COLLECTOR_KAFKA_REBALANCES_TOTAL",
    "COLLECTOR_OUTBOX_AGE_SECONDS",
    "COLLECTOR_OUTBOX_ROWS",
    "COLLECTOR_PUBLIC_REQUESTS_TOTAL",
    "COLLECTOR_QUEUED_BYTES",
    "COLLECTOR_RECORDS_FORBIDDEN_TOTAL",
    "COLLECTOR_RECORDS_TOTAL",
    "COLLECTOR_REQUESTS_REFUSED_TOTAL",
    "COLLECTOR_SESSIONS_ERASED_TOTAL",
    "COLLECTOR_TIME_CORRECTED_TOTAL",
    "CONFORMANCE_VIOLATIONS_TOTAL",
    "DECISION",
    "DECISIONS_TOTAL",
    "DEFAULT_RETENTION_DAYS",
    "DERIVED_ATTRIBUTES",
    "DOCUMENT",
    "ERROR_CODE",
    "ERROR_CODES_TOTAL",
    "ERROR_TYPE",
    "EVENTS",
    "EVENTS_TOTAL",
    "EVENT_ID",
    "EVENT_IMPACT",
    "EVENT_NAME",
    "EVENT_RESULT",
    "EVENT_SOURCE",
    "EXTRACTED",
    "FLOW_ID",
    "FORM",
    "IMPACTS",
    "INVITATION_BROWSER",
    "INVITATION_CHANNEL",
    "INVITATION_EXPIRES_AT",
    "INVITATION_FAILURE",
    "INVITATION_ID",
    "INVITATION_JOURNEY",
    "INVITATION_MESSAGE",
    "INVITATION_RECIPIENT",
    "LAST_EVENT",
    "MAX_NAME_LENGTH",
    "METRICS",
    "OTHER",
    "PRIVATE_HIT",
    "PRIVATE_HITS",
    "PRIVATE_PREFIXES",
    "PRIVATE_QUERY",
    "PRIVATE_TEXT",
    "PRIVATE_TITLE",
    "PROJECT_ID",
    "REASON",
    "RETENTION_DAYS",
    "RETENTION_DAYS_ALLOWED",
    "REVISION",
    "REVISION_SPAN",
    "SCHEMA_URL",
    "SCREENING_HITS",
    "SCREENING_ID",
    "SCREENING_LISTS",
    "SCREENING_MORE",
    "SCREENING_PROBLEM",
    "SCREENING_SCREENER",
    "SCREENING_STATES",
    "SCREENING_UNREAD",
    "SERVICE_FIRST_SEEN_TIMESTAMP_SECONDS",
    "SERVICE_VERSION",
    "SESSIONS_OPEN",
    "SESSIONS_SETTLED_TOTAL",
    "SESSIONS_STARTED_TOTAL",
    "SESSION_ASSIGNEE",
    "SESSION_DURATION_SECONDS",
    "SESSION_ID",
    "SESSION_REVISIONS_TOTAL",
    "SESSION_SPAN",
    "SETTLED_CORRECTIONS_TOTAL",
    "STAGE",
    "STAGE_DURATION_SECONDS",
    "STAGE_REACHED_TOTAL",
    "STAGE_SPAN",
    "STATUS",
    "SUBMISSION_ID",
    "SUPPORT_CODE",
    "TASK_ASSIGNEE",
    "TASK_DUE",
    "TASK_ID",
    "TASK_RESULT",
    "TIME_SCREEN",
    "TIME_SENT",
    "USER_EMAIL",
    "USER_HASH",
    "USER_ID",
    "VERDICTS_TOTAL",
    "VERDICT_PROPOSAL",
    "VERDICT_TEXT",
    "Decision",
    "Impact",
    "Metric",
    "Result",
    "Source",
    "Status",
    "is_name",
]

SCHEMA_URL: Final = "https://opentelemetry.io/schemas/1.44.0"
"""The version of OpenTelemetry's semantic conventions that its own names below are taken from."""

SESSION_ID: Final = "session.id"
"""One run of one user through the form. String; required on every event."""

EVENT_NAME: Final = "journey.event.name"
"""What happened, a name of the catalogue or the user's own. String; it makes a record an event."""

EVENT_ID: Final = "journey.event.id"
"""Identity of the event in all its forms. 16 hex digits; absent: derived from the record."""

EVENT_SOURCE: Final = "journey.event.source"
"""Who saw it, a `Source`. String; absent: the catalogue's, else BE."""

EVENT_RESULT: Final = "journey.event.result"
"""How a check ended, a `Result`. String; absent: not a check, or nobody knows."""

EVENT_IMPACT: Final = "journey.event.impact"
"""What the user felt, an `Impact`. String; absent: derived from result and catalogue."""

STAGE: Final = "journey.stage"
"""Where in the journey. String; absent: the catalogue's, for an unknown event none."""

REASON: Final = "journey.reason"
"""Why a decision was REJECTED or PENDING. String; absent: not given."""

ERROR_CODE: Final = "journey.error.code"
"""The code that was shown to the user, such as ``QS-10001``. String; follows no single pattern."""

ERROR_TYPE: Final = "error.type"
"""The class of the exception that ended a check. String; OpenTelemetry's own, metadata to us."""

PROJECT_ID: Final = "journey.project.id"
"""The project the form belongs to. String; kept on the session."""

SUBMISSION_ID: Final = "journey.submission.id"
"""The submission that passing STEP1 created. String; kept on the session."""

FLOW_ID: Final = "journey.flow.id"
"""The verification flow's identifier. String; kept on the session."""

USER_ID: Final = "user.id"
"""The host's own id of the user. String; kept on the session."""

USER_EMAIL: Final = "user.email"
"""The user's e-mail address. String; kept on the session, personal data."""

RETENTION_DAYS: Final = "journey.retention.days"
"""Days from creation until the session is erased. Int; read from SESSION_CREATED alone."""

RETENTION_DAYS_ALLOWED: Final = (30, 90, 180, 365)
"""The retention periods on offer, in days."""

DEFAULT_RETENTION_DAYS: Final = 30
"""Days a session is kept when SESSION_CREATED says nothing."""

ACTOR_ID: Final = "journey.actor.id"
"""Of an event of source OP: the person who did it. String; required of a verdict. Metadata."""

ACTOR_ADDRESS: Final = "journey.private.address"
"""Of an event of source OP: where the person was, as the desk knows it. An address of IP; absent:
not known. Metadata, and it never leaves."""

PRIVATE_TEXT: Final = "journey.private.text"
"""Of a note, and of whatever else somebody gives words to: these. String; it never leaves."""

PRIVATE_TITLE: Final = "journey.private.title"
"""Of TASK_OPENED: what is to be done. String; it never leaves."""

TASK_ID: Final = "journey.task.id"
"""Of TASK_OPENED and TASK_CLOSED: which task. String; opened again under its id it is changed."""

TASK_ASSIGNEE: Final = "journey.task.assignee"
"""Of TASK_OPENED: the person who shall do it. String; absent: whoever takes it."""

TASK_DUE: Final = "journey.task.due"
"""Of TASK_OPENED: the day by whose end it shall be done. String, ``2026-06-01``; absent: none."""

TASK_RESULT: Final = "journey.task.result"
"""Of TASK_CLOSED: what came of it, DONE or NOT_NEEDED. String."""

SESSION_ASSIGNEE: Final = "journey.session.assignee"
"""Of SESSION_ASSIGNED: the person who looks after the session. String; absent: nobody any more."""

DOCUMENT: Final = "journey.document"
"""The document or step that an event belongs to, as people call it. String; absent: none."""

FORM: Final = "form."
"""What attributes begin with that hold what a user typed. They never leave."""

EXTRACTED: Final = "extracted."
"""What attributes of BE events begin with that hold what was read off a document. They never
leave."""

ANALYSIS_SUMMARY: Final = "summary"
"""Of ANALYSIS_SUMMARY: what the analysis found, in words. String."""

ANALYSIS_FLAGS: Final = "flags"
"""Of ANALYSIS_SUMMARY: signs of risk. List of strings, or one string."""

ANALYSIS_VERDICT: Final = "verdict"
"""Of ANALYSIS_SUMMARY: what the analysis would decide, a `Decision`. String; it decides nothing."""
REPORT_SHA256: Final = "journey.report.sha256"
"""Of a REPORT_ISSUED: the SHA-256 of the file, 64 hexadecimal digits. String; metadata."""

REPORT_KEY: Final = "journey.report.key"
"""Of a REPORT_ISSUED: id of the key that signed the report. String; absent: it is not signed."""
INVITATION_ID: Final = "journey.invitation.id"
"""Of an event about an invitation: the SHA-256 of its link's token, 64 hex digits. The token itself
stands in no event."""

INVITATION_JOURNEY: Final = "journey.invitation.journey"
"""To which journey of the settings somebody was invited, by its key. String."""

INVITATION_EXPIRES_AT: Final = "journey.invitation.expires_at"
"""Until when the link can be opened. String, RFC 3339."""

INVITATION_CHANNEL: Final = "journey.invitation.channel"
"""How the link gets to the person: ``link`` (somebody hands it over), ``mail`` or ``sms``."""

INVITATION_MESSAGE: Final = "journey.invitation.message"
"""Of an event about a mail or SMS: the id of the SESSION_INVITED that asked for it, in hex."""

INVITATION_RECIPIENT: Final = "journey.private.recipient"
"""To which address or number the link goes. String; like all that is private it never leaves."""

INVITATION_FAILURE: Final = "journey.invitation.failure"
"""Of INVITATION_FAILED: ``refused`` for good, ``unknown`` whether it arrived, ``expired`` or
``revoked`` before it could leave, or ``off``: nothing is set up to send it."""

INVITATION_BROWSER: Final = "journey.invitation.browser"
"""Of INVITATION_OPENED: by what the browser is known again that opened it, a hash in hex."""

SERVICE_VERSION: Final = "service.version"
"""The release of a service, OpenTelemetry's own. String; on a resource. The collector keeps it with
the event that created a session, as metadata."""

TIME_SENT: Final = "journey.time.sent"
"""Put by the collector on an event whose own time it does not believe: what was sent, RFC 3339."""

TIME_SCREEN: Final = "journey.time.screen"
"""Put by the collector on what a page sent: when it happened by the page's own clock, RFC 3339."""

ATTRIBUTES: Final = (
    SESSION_ID,
    EVENT_NAME,
    EVENT_ID,
    EVENT_SOURCE,
    EVENT_RESULT,
    EVENT_IMPACT,
    STAGE,
    REASON,
    ERROR_CODE,
    PROJECT_ID,
    SUBMISSION_ID,
    FLOW_ID,
    USER_ID,
    USER_EMAIL,
    RETENTION_DAYS,
)
"""Every attribute with a meaning of its own. All others on an event are its metadata."""

STATUS: Final = "journey.status"
"""On derived spans: how far the session got, a `Status`. String."""

DECISION: Final = "journey.decision"
"""On derived spans: what was decided, a `Decision`. String; absent: nothing yet. On a
VERDICT_CONFIRMED: the decision that it confirms, on a VERDICT_PROPOSED the one that it proposes;
required."""

VERDICT_TEXT: Final = "journey.verdict.text"
"""On what a person decided or proposed: why, in their own words. String; it leaves, for whoever is
told of the decision shall be told why."""

VERDICT_PROPOSAL: Final = "journey.verdict.proposal"
"""On a verdict that a second person gave: the event id of the VERDICT_PROPOSED that it agrees with,
16 hex digits. String."""

LAST_EVENT: Final = "journey.last_event"
"""On derived spans: the name of the newest event. String."""

EVENTS: Final = "journey.events"
"""On derived spans: how many events the session has. Int."""

SUPPORT_CODE: Final = "journey.support_code"
"""On derived spans: the 8 characters by which a user tells support which session it was. String."""

IMPACTS: Final = "journey.impacts."
"""On derived spans: with an `Impact` in lower case behind it, how many events had that impact. Int;
absent: none had."""

REVISION: Final = "journey.revision"
"""On a revision span: how often the session had changed after it settled. Int, from 1."""

USER_HASH: Final = "user.hash"
"""Stands for the e-mail address where that must not be told: a keyed hash in hex. String."""

PRIVATE_PREFIXES: Final = (FORM, EXTRACTED, "journey.private.")
"""What attributes begin with whose values are stored and never leave the collector: what a user
typed, what was read off a document, and what else must stay."""

PRIVATE_HIT: Final = "journey.private.hit"
"""On a SCREENING_HIT_CLEARED or _CONFIRMED: the id of the hit on its list. String; required, and
personal data: of a public list it tells who somebody is."""

PRIVATE_HITS: Final = "journey.private.hits"
"""On a SCREENING_ENDED: what was found, as the text of a JSON list. String; personal data."""

PRIVATE_QUERY: Final = "journey.private.query"
"""On a SCREENING_ENDED: what was looked for, as the text of a JSON object. String; personal."""

SCREENING_ID: Final = "journey.screening.id"
"""On a SCREENING_ENDED: which screening it was, the same however often it is told. String."""

SCREENING_SCREENER: Final = "journey.screening.screener"
"""On a SCREENING_ENDED: what searched the lists, such as ``yente``. String."""

SCREENING_LISTS: Final = "journey.screening.lists"
"""On a SCREENING_ENDED: the version of the lists that were searched. String; absent: not known. On
a SCREENING_REQUESTED: the one that is to be searched; absent: whichever there is."""

SCREENING_STATES: Final = "journey.screening."
"""On a SCREENING_ENDED: with a category behind it, such as ``pep``, what became of it: CLEAR, HITS,
NOT_COVERED or FAILED. String."""

SCREENING_HITS: Final = "journey.screening.hits"
"""On a SCREENING_ENDED: how many hits nobody had cleared when it ended. Int."""

SCREENING_UNREAD: Final = "journey.screening.unread"
"""On a SCREENING_ENDED: entries of lists that could not be read nor searched. Int; absent: 0."""

SCREENING_MORE: Final = "journey.screening.more"
"""On a SCREENING_ENDED: how many hits there were beyond those that are told. Int; absent: 0."""

SCREENING_PROBLEM: Final = "journey.screening.problem"
"""On a SCREENING_ENDED: why it failed. String; absent: it did not."""

SESSION_SPAN: Final = "journey.session"
"""Name of a session's root span."""

STAGE_SPAN: Final = "journey.stage"
"""What the name of each ordered stage's span begins with. Behind it come a space and the stage,
which is also the attribute `STAGE`."""

REVISION_SPAN: Final = "journey.session.revision"
"""Name of the span that says what became of a session after it had settled."""

DERIVED_ATTRIBUTES: Final = (
    SESSION_ID,
    STATUS,
    DECISION,
    REASON,
    STAGE,
    SUBMISSION_ID,
    PROJECT_ID,
    USER_ID,
    LAST_EVENT,
    ERROR_CODE,
    EVENTS,
    REVISION,
    SUPPORT_CODE,
)
"""Attributes of the derived spans, beside those that begin with `IMPACTS`."""

MAX_NAME_LENGTH: Final = 128
"""Characters that the name of an event, a stage or a reason may have."""


def is_name(value: object) -> bool:
    """Whether `value` can name an event, a stage or a reason: 1 to 128 printable characters.

    Space at either end is not allowed, for nobody would see it.
    """
    return (
        isinstance(value, str)
        and 0 < len(value) <= MAX_NAME_LENGTH
        and value.isprintable()
        and value == value.strip()
    )


class Source(StrEnum):
    """Who recorded an event."""

    FE = "FE"
    """Seen on the user's screen."""
    BE = "BE"
    """Executed on the server. Of FE and BE only a BE event can decide."""
    OP = "OP"
    """Done by a person at the desk. It is kept and shown, and moves nothing but a verdict the
    decision. It has to be said explicitly, by a sender that has the right to it."""


class Result(StrEnum):
    """How a check ended."""

    PASS = "PASS"  # noqa: S105 - not a password
    FAIL = "FAIL"


class Impact(StrEnum):
    """What the user actually felt. The catalogue lists the worst case of each event."""

    NONE = "NONE"
    BLOCKED = "BLOCKED"
    RETAKE = "RETAKE"
    PENDING = "PENDING"
    REJECTED = "REJECTED"
    APPROVED = "APPROVED"
    COMPLETED = "COMPLETED"


class Status(StrEnum):
    """How far a session got. COMPLETED says nothing about approval."""

    IN_PROGRESS = "IN_PROGRESS"
    COMPLETED = "COMPLETED"
    DROPPED = "DROPPED"
    ERROR = "ERROR"


class Decision(StrEnum):
    """What was decided about the user, apart from how far the session got."""

    APPROVED = "APPROVED"
    REJECTED = "REJECTED"
    PENDING = "PENDING"


OTHER: Final = "other"
"""What a label says of a value that nobody announced, so that senders cannot multiply series."""


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric as Prometheus sees it.

    A label is empty where there is nothing to say: no project, no stage, no reason. To Prometheus
    an empty label is no label, so ``{stage=""}`` finds these and ``{stage!=""}`` the others.
    """

    name: str
    """As it stands in queries; a histogram's without ``_bucket``, ``_sum`` and ``_count``."""
    kind: Literal["counter", "gauge", "histogram"]
    labels: tuple[str, ...]
    help: str
    buckets: tuple[float, ...] = ()
    """Upper bounds of a histogram in seconds, ascending; the one without bound goes unsaid.

    Later versions may add bounds, and take none away: what a store has counted stays under the
    bounds of its time, which are true bounds still, and what comes is counted by all of them.
    """


BEACON_LOSS_RATIO: Final = Metric(
    "journey_beacon_loss_ratio",
    "gauge",
    ("project",),
    "Share, 0 to 1, of what the screen tells that is lost: of the actions that the server saw, over"
    " the sessions of the last 24 hours that have come to rest. No value: too few are known.",
)

CHECK_DURATION_SECONDS: Final = Metric(
    "journey_check_duration_seconds",
    "histogram",
    ("event",),
    "Time a check took. A check that came without a duration is not in here.",
    (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60),
)

COLLECTOR_BACKGROUND_FAILURES_TOTAL: Final = Metric(
    "journey_collector_background_failures_total",
    "counter",
    ("task",),
    "Attempts at the collector's own work that failed, since it started: settle, erase, or deliver."
    " Each is made again.",
)

COLLECTOR_BUILD_INFO: Final = Metric(
    "journey_collector_build_info",
    "gauge",
    ("version",),
    "Always 1; the label tells which collector runs.",
)

COLLECTOR_COMMIT_SECONDS: Final = Metric(
    "journey_collector_commit_seconds",
    "histogram",
    (),
    "Time the store took for one transaction, since the collector started.",
    (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5),
)

COLLECTOR_EVENTS_TOTAL: Final = Metric(
    "journey_collector_events_total",
    "counter",
    ("outcome",),
    "Events by what became of them: accepted, duplicate (known already), refused (over the limits"
    " of their session) or forgotten (of a session that was erased).",
)

COLLECTOR_EXPORT_FAILURES_TOTAL: Final = Metric(
    "journey_collector_export_failures_total",
    "counter",
    ("destination", "kind"),
    "Failures since the collector started: a delivery that is retryable or permanent; rejected, a"
    " delivery of which the receiver refused some spans; expired, one that was given up because it"
    " had waited for too long; internal, something of which an exporter could not say what has to"
    " leave.",
)

COLLECTOR_KAFKA_LAG_MESSAGES: Final = Metric(
    "journey_collector_kafka_lag_messages",
    "gauge",
    (),
    "Messages that lie unread in the partitions that this collector reads.",
)

COLLECTOR_KAFKA_LAG_SECONDS: Final = Metric(
    "journey_collector_kafka_lag_seconds",
    "gauge",
    (),
    "How far the clock that settles sessions is behind: the age of the oldest message that may lie"
    " unread, of all partitions, whoever reads them.",
)

COLLECTOR_KAFKA_MESSAGES_TOTAL: Final = Metric(
    "journey_collector_kafka_messages_total",
    "counter",
    ("outcome",),
    "Messages since the collector started. Read: stored, parked (it is no OTLP) or dropped (nor is"
    " there room to park it); lost, which the brokers had deleted unread. Written: acknowledged, or"
    " failed, of which its sender was told.",
)

COLLECTOR_KAFKA_PARTITIONS: Final = Metric(
    "journey_collector_kafka_partitions",
    "gauge",
    (),
    "Partitions that this collector reads.",
)

COLLECTOR_KAFKA_REBALANCES_TOTAL: Final = Metric(
    "journey_collector_kafka_rebalances_total",
    "counter",
    (),
    "How often partitions were given to this collector or taken from it, since it started.",
)

COLLECTOR_OUTBOX_AGE_SECONDS: Final = Metric(
    "journey_collector_outbox_age_seconds",
    "gauge",
    ("destination",),
    "Age of what has waited longest for delivery; 0 where nothing waits.",
)

COLLECTOR_OUTBOX_ROWS: Final = Metric(
    "journey_collector_outbox_rows",
    "gauge",
    ("destination", "state"),
    "What has not been delivered: waiting for its turn, or parked until somebody requeues it.",
)

COLLECTOR_PUBLIC_REQUESTS_TOTAL: Final = Metric(
    "journey_collector_public_requests_total",
    "counter",
    ("outcome",),
    "Requests of browsers since the collector started: accepted; partial, where some of its events"
    " were not; expired, as tokens do; or refused by what was amiss: token, origin, malformed,"
    " too_large, limited_address, limited_session, limited_all, timeout, unavailable or failed.",
)

COLLECTOR_QUEUED_BYTES: Final = Metric(
    "journey_collector_queued_bytes",
    "gauge",
    (),
    "Size of the requests that wait for the store.",
)

COLLECTOR_RECORDS_FORBIDDEN_TOTAL: Final = Metric(
    "journey_collector_records_forbidden_total",
    "counter",
    ("sender",),
    "Records that their sender has no right to send, by its name in the settings, since the"
    " collector started. They are among those that were rejected.",
)

COLLECTOR_RECORDS_TOTAL: Final = Metric(
    "journey_collector_records_total",
    "counter",
    ("outcome",),
    "Spans and log records that gave no event: rejected as faulty, or ignored as none of ours.",
)

COLLECTOR_REQUESTS_REFUSED_TOTAL: Final = Metric(
    "journey_collector_requests_refused_total",
    "counter",
    ("reason",),
    "Requests of senders who were not let in, since the collector started: the token is missing or"
    " wrong (401); where none is asked for, a page of another origin sent it (403), or it was meant"
    " for another host (421).",
)

COLLECTOR_SESSIONS_ERASED_TOTAL: Final = Metric(
    "journey_collector_sessions_erased_total",
    "counter",
    (),
    "Sessions erased with their events, because their retention had ended or somebody asked.",
)

COLLECTOR_TIME_CORRECTED_TOTAL: Final = Metric(
    "journey_collector_time_corrected_total",
    "counter",
    ("project",),
    "Events whose time was not believed, so that they count from their arrival: a sender's clock is"
    " off.",
)

CONFORMANCE_VIOLATIONS_TOTAL: Final = Metric(
    "journey_conformance_violations_total",
    "counter",
    ("project", "rule"),
    "Sessions that violated a rule when they came to rest or since, each session and rule once,"
    " whatever became of it later.",
)

DECISIONS_TOTAL: Final = Metric(
    "journey_decisions_total",
    "counter",
    ("project", "decision", "reason"),
    "Decisions about users: the first of a session, and each that differs from the one before.",
)

ERROR_CODES_TOTAL: Final = Metric(
    "journey_error_codes_total",
    "counter",
    ("project", "code"),
    "Events with an error code, by the code that the user was shown.",
)

EVENTS_TOTAL: Final = Metric(
    "journey_events_total",
    "counter",
    ("project", "event", "source", "stage", "impact"),
    "Events, each counted once however often it came.",
)

SERVICE_FIRST_SEEN_TIMESTAMP_SECONDS: Final = Metric(
    "journey_service_first_seen_timestamp_seconds",
    "gauge",
    ("service", "version"),
    "When the first event of a version of a service came, in seconds since 1970; of the newest"
    " versions alone.",
)

SESSION_DURATION_SECONDS: Final = Metric(
    "journey_session_duration_seconds",
    "histogram",
    ("project", "status"),
    "Time from a session's first event to the end of its last, when it settled first.",
    (10, 30, 60, 120, 180, 300, 450, 600, 900, 1200, 1800, 3600, 14400, 86400),
)

SESSION_REVISIONS_TOTAL: Final = Metric(
    "journey_session_revisions_total",
    "counter",
    ("project", "from", "to"),
    "Settled sessions that changed and settled again, by the two statuses.",
)

SESSIONS_OPEN: Final = Metric(
    "journey_sessions_open",
    "gauge",
    ("project", "stage"),
    "Sessions in progress by the highest stage they have reached.",
)

SESSIONS_SETTLED_TOTAL: Final = Metric(
    "journey_sessions_settled_total",
    "counter",
    ("project", "status", "stage"),
    "Sessions that came to rest for the first time, by status and the highest stage they reached.",
)

SESSIONS_STARTED_TOTAL: Final = Metric(
    "journey_sessions_started_total",
    "counter",
    ("project",),
    "Sessions of which a first event came.",
)

SETTLED_CORRECTIONS_TOTAL: Final = Metric(
    "journey_settled_corrections_total",
    "counter",
    ("project", "status", "stage", "correction"),
    "What is to be added to, or removed from, the sessions that settled with a status and stage,"
    " because sessions settled again with others.",
)

STAGE_DURATION_SECONDS: Final = Metric(
    "journey_stage_duration_seconds",
    "histogram",
    ("project", "stage"),
    "Time from the first event of a stage to the end of its last, when the session settled first.",
    (0, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60, 120, 180, 300, 600, 1200, 3600),
)

STAGE_REACHED_TOTAL: Final = Metric(
    "journey_stage_reached_total",
    "counter",
    ("project", "stage"),
    "Sessions that came at least as far as a stage, each counted once a stage. One that skips a"
    " stage has passed it.",
)

VERDICTS_TOTAL: Final = Metric(
    "journey_verdicts_total",
    "counter",
    ("project", "from", "to"),
    "Verdicts of people that decided a session, by what was decided before (empty: nothing) and"
    " what is now. They are not among the decisions, nor is a session that settles again because of"
    " one among the revisions.",
)

METRICS: Final = (
    BEACON_LOSS_RATIO,
    CHECK_DURATION_SECONDS,
    COLLECTOR_BACKGROUND_FAILURES_TOTAL,
    COLLECTOR_BUILD_INFO,
    COLLECTOR_COMMIT_SECONDS,
    COLLECTOR_EVENTS_TOTAL,
    COLLECTOR_EXPORT_FAILURES_TOTAL,
    COLLECTOR_KAFKA_LAG_MESSAGES,
    COLLECTOR_KAFKA_LAG_SECONDS,
    COLLECTOR_KAFKA_MESSAGES_TOTAL,
    COLLECTOR_KAFKA_PARTITIONS,
    COLLECTOR_KAFKA_REBALANCES_TOTAL,
    COLLECTOR_OUTBOX_AGE_SECONDS,
    COLLECTOR_OUTBOX_ROWS,
    COLLECTOR_PUBLIC_REQUESTS_TOTAL,
    COLLECTOR_QUEUED_BYTES,
    COLLECTOR_RECORDS_FORBIDDEN_TOTAL,
    COLLECTOR_RECORDS_TOTAL,
    COLLECTOR_REQUESTS_REFUSED_TOTAL,
    COLLECTOR_SESSIONS_ERASED_TOTAL,
    COLLECTOR_TIME_CORRECTED_TOTAL,
    CONFORMANCE_VIOLATIONS_TOTAL,
    DECISIONS_TOTAL,
    ERROR_CODES_TOTAL,
    EVENTS_TOTAL,
    SERVICE_FIRST_SEEN_TIMESTAMP_SECONDS,
    SESSION_DURATION_SECONDS,
    SESSION_REVISIONS_TOTAL,
    SESSIONS_OPEN,
    SESSIONS_SETTLED_TOTAL,
    SESSIONS_STARTED_TOTAL,
    SETTLED_CORRECTIONS_TOTAL,
    STAGE_DURATION_SECONDS,
    STAGE_REACHED_TOTAL,
    VERDICTS_TOTAL,
)
"""Every metric, sorted by name."""
