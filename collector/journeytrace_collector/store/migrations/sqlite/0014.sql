-- The links of invitations, by the SHA-256 of their tokens, and how each stands: read off the events.
CREATE TABLE invitations (
    digest BLOB PRIMARY KEY,
    session_no INTEGER NOT NULL,
    invited_at INTEGER, -- NULL: only what came of it has been told so far
    expires_at INTEGER,
    opened_at INTEGER,
    revoked_at INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX invitations_invited ON invitations (invited_at, digest) WHERE invited_at IS NOT NULL;
CREATE INDEX invitations_session ON invitations (session_no);
