-- Lists by project, reason, error code, stage and what one event was like; support codes. What the columns hold of
-- older sessions: see refold.py.
ALTER TABLE sessions ADD COLUMN marks integer NOT NULL DEFAULT 0; -- what its events were like: core.marks
ALTER TABLE sessions ADD COLUMN support_code text COLLATE "C" NOT NULL DEFAULT '';

-- Walked newest first. What is undecided has a word of its own, for NULL is not equal to itself.
DROP INDEX sessions_decision;
DROP INDEX sessions_phase_decision;
CREATE INDEX sessions_decision ON sessions (coalesce(decision, 'NONE'), created_at, no);
CREATE INDEX sessions_phase_decision ON sessions (phase, coalesce(decision, 'NONE'), created_at, no);
DROP INDEX sessions_project_id;
CREATE INDEX sessions_project_id ON sessions (lower(project_id), created_at, no) WHERE project_id IS NOT NULL;
CREATE INDEX sessions_reason ON sessions (reason, created_at, no) WHERE reason IS NOT NULL;
CREATE INDEX sessions_last_error_code ON sessions (last_error_code, created_at, no) WHERE last_error_code IS NOT NULL;
CREATE INDEX sessions_stage ON sessions (stage, created_at, no) WHERE stage IS NOT NULL;
CREATE INDEX sessions_corrected ON sessions (created_at, no) WHERE (marks & 128) <> 0;

-- Narrow down to few rows.
CREATE INDEX sessions_support_code ON sessions (support_code);
-- Of the events that failed or stood in the way: all of them would cost too much. Most events need one comparison to be
-- left out.
CREATE INDEX events_hurdles ON events (impact, name, session_no, result)
    WHERE (impact <> 'NONE' AND impact <> 'COMPLETED' AND impact <> 'APPROVED') OR result = 'FAIL';

-- The number of a session joins the views more quickly than its id.
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
    no AS session_no
FROM sessions;

COMMENT ON COLUMN journey_sessions.corrected IS 'whether the time of an event was not believed';

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
    events.metadata::json AS attributes,
    events.session_no
FROM sessions JOIN events ON events.session_no = sessions.no;
