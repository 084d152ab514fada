-- The rules that a session violated when it was checked last, each between two spaces; NULL: none, or it was not checked.
ALTER TABLE sessions ADD COLUMN violates text COLLATE "C";
CREATE INDEX sessions_violates ON sessions (created_at, no) WHERE violates IS NOT NULL;

-- Every rule that a session has ever violated, so that each of them is counted once.
CREATE TABLE violations (
    session_no bigint NOT NULL,
    rule text COLLATE "C" NOT NULL,
    PRIMARY KEY (rule, session_no)
);
CREATE INDEX violations_session ON violations (session_no);

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
    CASE WHEN decided_by IS NULL THEN decision ELSE automatic_decision END AS automatic_decision,
    violates
FROM sessions
WHERE created_at < 9223372036854775807;

COMMENT ON COLUMN journey_sessions.violates IS 'the rules that it violated when it was checked last, each between two spaces';
