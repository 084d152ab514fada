-- Rows are numbered in order of arrival: inserts touch the end of each tree, however much is stored.
CREATE TABLE sessions (
    no INTEGER PRIMARY KEY,
    session_id TEXT NOT NULL UNIQUE,
    state TEXT NOT NULL, -- sessionize.SessionState as JSON; the columns up to the blank line are read off it

    -- Moved by nearly every event.
    last_event TEXT NOT NULL,
    idle_at INTEGER NOT NULL,
    due_at INTEGER, -- when it settles; NULL: it has, and has not changed since
    -- Changed a few times in a session's life.
    user_id TEXT,
    email TEXT,
    submission_id TEXT,
    project_id TEXT,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    phase TEXT NOT NULL,
    stage TEXT, -- the highest ordered one
    decision TEXT,
    told TEXT NOT NULL, -- the status that was told outside

    settled_at INTEGER, -- NULL: never
    settled_status TEXT,
    revision INTEGER NOT NULL DEFAULT 0
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

-- What is due, found without looking at what is not.
CREATE INDEX sessions_due ON sessions (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX sessions_expires ON sessions (expires_at);

CREATE TABLE outbox (
    id INTEGER PRIMARY KEY AUTOINCREMENT, -- a number is never given twice, so that none is acknowledged twice
    destination TEXT NOT NULL,
    at INTEGER NOT NULL,
    session_id TEXT,
    headers TEXT NOT NULL,
    payload BLOB NOT NULL,
    reason TEXT -- why it is parked; NULL: it waits for delivery
) STRICT;

CREATE INDEX outbox_waiting ON outbox (destination) WHERE reason IS NULL;
CREATE INDEX outbox_parked ON outbox (destination) WHERE reason IS NOT NULL;
CREATE INDEX outbox_session ON outbox (session_id) WHERE session_id IS NOT NULL;

CREATE TABLE counters (
    name TEXT NOT NULL,
    labels TEXT NOT NULL, -- values in the order of the metric's labels, as a JSON array
    value REAL NOT NULL,
    PRIMARY KEY (name, labels)
) STRICT, WITHOUT ROWID;

CREATE TABLE exemplars (
    name TEXT NOT NULL,
    labels TEXT NOT NULL,
    trace_id TEXT NOT NULL,
    value REAL NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (name, labels)
) STRICT, WITHOUT ROWID;
