-- Settling by arrivals, with the idle timeout in force; retention from the first arrival on.
ALTER TABLE sessions ADD COLUMN arrived_at bigint NOT NULL DEFAULT 0; -- of the newest new event
ALTER TABLE sessions ADD COLUMN pending text COLLATE "C"; -- what it waits for to settle: derive.Pending; NULL: it has, and has not changed since

UPDATE sessions SET
    state = (state::jsonb || jsonb_build_object('first_received', first, 'arrived', newest))::text,
    arrived_at = newest,
    pending = CASE
        WHEN due_at IS NULL THEN NULL
        WHEN phase = 'COMPLETED' AND decision IS NOT NULL THEN 'QUIET'
        ELSE 'IDLE'
    END,
    -- 7 days before the first arrival
    expires_at = expires_at - created_at + greatest(created_at, first - 604800000000000)
FROM (
    SELECT sessions.no AS no, coalesce(min(received), idle_at) AS first, coalesce(max(received), idle_at) AS newest
    FROM sessions LEFT JOIN events ON session_no = sessions.no GROUP BY sessions.no
) AS arrivals
WHERE arrivals.no = sessions.no;

ALTER TABLE sessions ALTER COLUMN arrived_at DROP DEFAULT;
DROP INDEX sessions_due;
ALTER TABLE sessions DROP COLUMN due_at;
CREATE INDEX sessions_quiet ON sessions (arrived_at) WHERE pending = 'QUIET';
CREATE INDEX sessions_pending ON sessions (idle_at, arrived_at) WHERE pending = 'IDLE';

-- How long the sessions of a project are kept, from a time on; the history counts.
CREATE TABLE retention_periods (
    project_id text COLLATE "C" NOT NULL,
    since bigint NOT NULL,
    days integer NOT NULL,
    PRIMARY KEY (project_id, since)
);
