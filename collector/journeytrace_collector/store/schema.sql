-- Rows are numbered in order of arrival, so that inserts touch the end of each tree however much is stored.
CREATE TABLE sessions (
    no INTEGER PRIMARY KEY,
    session_id TEXT NOT NULL UNIQUE,
    user_id TEXT,
    email TEXT,
    submission_id TEXT,
    project_id TEXT,
    created_at INTEGER NOT NULL,
    phase TEXT NOT NULL,
    decision TEXT,
    last_event TEXT NOT NULL,
    idle_at INTEGER NOT NULL,
    state TEXT NOT NULL -- sessionize.SessionState as JSON; the columns above are read off it for the indexes
) STRICT;

CREATE TABLE events (
    session_no INTEGER NOT NULL,
    event_id BLOB NOT NULL,
    name TEXT NOT NULL,
    source TEXT NOT NULL,
    stage TEXT,
    impact TEXT NOT NULL,
    result TEXT,
    reason TEXT,
    error_code TEXT,
    at INTEGER NOT NULL,
    duration INTEGER NOT NULL,
    received INTEGER NOT NULL,
    service TEXT,
    project_id TEXT,
    submission_id TEXT,
    flow_id TEXT,
    user_id TEXT,
    email TEXT,
    retention_days INTEGER,
    metadata TEXT NOT NULL
) STRICT;

CREATE UNIQUE INDEX events_identity ON events (session_no, event_id);

-- Walked newest first; every index ends with the row's number, which breaks ties.
CREATE INDEX sessions_created ON sessions (created_at);
CREATE INDEX sessions_phase ON sessions (phase, created_at);
CREATE INDEX sessions_decision ON sessions (decision, created_at);
CREATE INDEX sessions_phase_decision ON sessions (phase, decision, created_at);

-- Narrow down to few rows, which are then sorted.
CREATE INDEX sessions_idle ON sessions (idle_at) WHERE phase = 'OPEN';
CREATE INDEX sessions_session_id ON sessions (session_id COLLATE NOCASE);
CREATE INDEX sessions_user_id ON sessions (user_id COLLATE NOCASE) WHERE user_id IS NOT NULL;
CREATE INDEX sessions_email ON sessions (email COLLATE NOCASE) WHERE email IS NOT NULL;
CREATE INDEX sessions_submission_id ON sessions (submission_id COLLATE NOCASE) WHERE submission_id IS NOT NULL;
CREATE INDEX sessions_project_id ON sessions (project_id COLLATE NOCASE) WHERE project_id IS NOT NULL;
CREATE INDEX sessions_last_event ON sessions (last_event COLLATE NOCASE);
