-- What people do. A session that has nothing else was created at the end of time (2^63 - 1): it has not begun.
CREATE INDEX sessions_verdict ON sessions (pending) WHERE pending = 'VERDICT';

-- Only for people to read.
ALTER TABLE sessions ADD COLUMN decided_by text COLLATE "C"; -- the person whose verdict the decision is; NULL: no person's
ALTER TABLE sessions ADD COLUMN automatic_decision text COLLATE "C"; -- below a verdict

CREATE OR REPLACE VIEW journey_sessions AS
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
    revision,
    support_code,
    (marks & 128) <> 0 AS corrected,
    no AS session_no,
    CASE WHEN decision IS NOT NULL THEN coalesce(decided_by, 'AUTOMATIC') END AS decided_by,
    CASE WHEN decided_by IS NULL THEN decision ELSE automatic_decision END AS automatic_decision
FROM sessions
WHERE created_at < 9223372036854775807;

COMMENT ON COLUMN journey_sessions.decided_by IS 'AUTOMATIC, or the person whose verdict it is';

-- What was typed, read off a document or is private never leaves the store: not to those who read the views either.
CREATE FUNCTION journey_public(metadata text) RETURNS json
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE
        WHEN metadata ~ '"(form|extracted|journey\.private)\.' THEN (
            SELECT coalesce(json_object_agg(key, value), '{}') FROM json_each(metadata::json)
            WHERE key !~ '^(form|extracted|journey\.private)\.'
        )
        ELSE metadata::json
    END;

CREATE OR REPLACE VIEW journey_events AS
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
    journey_public(events.metadata) AS attributes,
    events.session_no
FROM sessions JOIN events ON events.session_no = sessions.no
WHERE sessions.created_at < 9223372036854775807;
