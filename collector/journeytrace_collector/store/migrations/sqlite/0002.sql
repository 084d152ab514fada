-- Settling by arrivals, with the idle timeout in force; retention from the first arrival on.
ALTER TABLE sessions ADD COLUMN arrived_at INTEGER NOT NULL DEFAULT 0; -- of the newest new event
ALTER TABLE sessions ADD COLUMN pending TEXT; -- what it waits for to settle: derive.Pending; NULL: it has, and has not changed since

UPDATE sessions SET state = json_set(
    state,
    '$.first_received', coalesce((SELECT min(received) FROM events WHERE session_no = no), idle_at),
    '$.arrived', coalesce((SELECT max(received) FROM events WHERE session_no = no), idle_at)
);
UPDATE sessions SET
    arrived_at = json_extract(state, '$.arrived'),
    pending = CASE
        WHEN due_at IS NULL THEN NULL
        WHEN phase = 'COMPLETED' AND decision IS NOT NULL THEN 'QUIET'
        ELSE 'IDLE'
    END,
    -- 7 days before the first arrival
    expires_at = expires_at - created_at
        + max(created_at, json_extract(state, '$.first_received') - 604800000000000);

DROP INDEX sessions_due;
ALTER TABLE sessions DROP COLUMN due_at;
CREATE INDEX sessions_quiet ON sessions (arrived_at) WHERE pending = 'QUIET';
CREATE INDEX sessions_pending ON sessions (idle_at, arrived_at) WHERE pending = 'IDLE';

-- How long the sessions of a project are kept, from a time on; the history counts.
CREATE TABLE retention_periods (
    project_id TEXT NOT NULL,
    since INTEGER NOT NULL,
    days INTEGER NOT NULL,
    PRIMARY KEY (project_id, since)
) STRICT, WITHOUT ROWID;
