-- Texts compare byte by byte: that is quicker, the same on every server, and lower() folds ASCII alone.
CREATE TABLE settings (
    name text PRIMARY KEY,
    value bigint NOT NULL
);

CREATE SEQUENCE session_numbers;

CREATE TABLE sessions (
    no bigint PRIMARY KEY,
    session_id text COLLATE "C" NOT NULL UNIQUE,
    trace_id text COLLATE "C" NOT NULL,

    state text NOT NULL, -- sessionize.SessionState as JSON; the columns up to the blank line are read off it
    last_event text COLLATE "C" NOT NULL,
    idle_at bigint NOT NULL,
    due_at bigint, -- when it settles; NULL: it has, and has not changed since
    user_id text COLLATE "C",
    email text COLLATE "C",
    submission_id text COLLATE "C",
    project_id text COLLATE "C",
    created_at bigint NOT NULL,
    expires_at bigint NOT NULL,
    phase text COLLATE "C" NOT NULL,
    stage text COLLATE "C", -- the highest ordered one
    decision text COLLATE "C",
    told text COLLATE "C" NOT NULL, -- the status that was told outside
    -- Only for people to read.
    last_event_at bigint NOT NULL,
    reason text COLLATE "C",
    decided_at bigint,
    last_error_code text COLLATE "C",
    events integer NOT NULL,
    impacts text NOT NULL,
    retries integer NOT NULL,
    retention_days integer NOT NULL,

    settled_at bigint, -- NULL: never
    settled_status text COLLATE "C",
    revision integer NOT NULL DEFAULT 0
);

CREATE TABLE events (
    session_no bigint NOT NULL,
    event_id bytea NOT NULL,
    name text COLLATE "C" NOT NULL,
    source text COLLATE "C" NOT NULL,
    stage text COLLATE "C",
    impact text COLLATE "C" NOT NULL,
    result text COLLATE "C",
    reason text COLLATE "C",
    error_code text COLLATE "C",
    at bigint NOT NULL,
    duration bigint NOT NULL,
    received bigint NOT NULL,
    service text COLLATE "C",
    project_id text COLLATE "C",
    submission_id text COLLATE "C",
    flow_id text COLLATE "C",
    user_id text COLLATE "C",
    email text COLLATE "C",
    retention_days integer,
    metadata text NOT NULL -- JSON; as text, so that whatever came is kept
);

-- Down to the microsecond, as everywhere outside the store.
CREATE FUNCTION journey_time(ns bigint) RETURNS timestamptz
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN to_timestamp((ns / 1000) / 1000000.0::double precision);

CREATE UNIQUE INDEX events_identity ON events (session_no, event_id);

-- Walked newest first; the row's number breaks ties.
CREATE INDEX sessions_created ON sessions (created_at, no);
CREATE INDEX sessions_phase ON sessions (phase, created_at, no);
CREATE INDEX sessions_decision ON sessions (decision, created_at, no);
CREATE INDEX sessions_phase_decision ON sessions (phase, decision, created_at, no);
-- The same for readers of the view, which shows a time and no number.
CREATE INDEX sessions_created_time ON sessions (journey_time(created_at));

-- Narrow down to few rows, which are then sorted.
CREATE INDEX sessions_idle ON sessions (idle_at) WHERE phase = 'OPEN';
CREATE INDEX sessions_session_id ON sessions (lower(session_id));
CREATE INDEX sessions_user_id ON sessions (lower(user_id)) WHERE user_id IS NOT NULL;
CREATE INDEX sessions_email ON sessions (lower(email)) WHERE email IS NOT NULL;
CREATE INDEX sessions_submission_id ON sessions (lower(submission_id)) WHERE submission_id IS NOT NULL;
CREATE INDEX sessions_project_id ON sessions (lower(project_id)) WHERE project_id IS NOT NULL;
CREATE INDEX sessions_last_event ON sessions (lower(last_event));

-- What is due, found without looking at what is not.
CREATE INDEX sessions_due ON sessions (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX sessions_expires ON sessions (expires_at);

CREATE TABLE outbox (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    destination text COLLATE "C" NOT NULL,
    line text COLLATE "C" NOT NULL, -- parcels of one line leave in order and by one collector at a time
    at bigint NOT NULL,
    session_id text COLLATE "C",
    headers text NOT NULL,
    payload bytea NOT NULL,
    reason text, -- why it is parked; NULL: it waits for delivery
    leased_by text COLLATE "C", -- the collector that delivers it until then; NULL: nobody ever did
    leased_until timestamptz
) WITH (autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 500);

CREATE INDEX outbox_waiting ON outbox (destination, id) WHERE reason IS NULL;
CREATE INDEX outbox_parked ON outbox (destination, id) WHERE reason IS NOT NULL;
CREATE INDEX outbox_leased ON outbox (destination, leased_until)
    WHERE reason IS NULL AND leased_until IS NOT NULL;
CREATE INDEX outbox_session ON outbox (session_id) WHERE session_id IS NOT NULL;

-- Each collector has rows of its own: none waits for another, and the sum over all is exact.
CREATE TABLE counters (
    collector text COLLATE "C" NOT NULL,
    name text COLLATE "C" NOT NULL,
    labels text COLLATE "C" NOT NULL, -- values in the order of the metric's labels, as a JSON array
    value double precision NOT NULL,
    PRIMARY KEY (collector, name, labels)
) WITH (fillfactor = 50); -- room to raise a value beside the old one, without touching the index

CREATE TABLE exemplars (
    collector text COLLATE "C" NOT NULL,
    name text COLLATE "C" NOT NULL,
    labels text COLLATE "C" NOT NULL,
    trace_id text COLLATE "C" NOT NULL,
    value double precision NOT NULL,
    at bigint NOT NULL,
    PRIMARY KEY (collector, name, labels)
) WITH (fillfactor = 50);

-- For people and dashboards: everything that the API says of a session, as it is at this moment.
CREATE VIEW journey_sessions AS
SELECT
    session_id,
    trace_id,
    project_id,
    submission_id,
    user_id,
    email,
    journey_time(created_at) AS created_at,
    last_event,
    journey_time(last_event_at) AS last_event_at,
    CASE
        WHEN phase <> 'OPEN' THEN phase
        WHEN idle_at + (SELECT value FROM settings WHERE name = 'idle_timeout')
            <= (extract(epoch FROM now()) * 1000000)::bigint * 1000 THEN 'DROPPED'
        ELSE 'IN_PROGRESS'
    END AS status,
    decision,
    reason,
    journey_time(decided_at) AS decided_at,
    stage,
    last_error_code,
    events,
    impacts::json AS impacts,
    retries,
    retention_days,
    journey_time(expires_at) AS expires_at,
    journey_time(settled_at) AS settled_at,
    revision
FROM sessions;

COMMENT ON COLUMN journey_sessions.impacts IS 'number of events by impact';
COMMENT ON COLUMN journey_sessions.retries IS 'how often the user had to do something again: events with impact RETAKE';

CREATE VIEW journey_events AS
SELECT
    sessions.session_id,
    encode(events.event_id, 'hex') AS event_id,
    journey_time(events.at) AS at,
    events.name,
    events.source,
    events.stage,
    events.impact,
    events.result,
    events.reason,
    events.error_code,
    events.duration / 1000000.0::double precision AS duration_ms,
    events.service,
    events.metadata::json AS attributes
FROM sessions JOIN events ON events.session_no = sessions.no;
