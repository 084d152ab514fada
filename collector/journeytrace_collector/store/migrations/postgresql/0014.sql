-- The links of invitations, by the SHA-256 of their tokens, and how each stands: read off the events.
CREATE TABLE invitations (
    digest bytea PRIMARY KEY,
    session_no bigint NOT NULL,
    invited_at bigint, -- NULL: only what came of it has been told so far
    expires_at bigint,
    opened_at bigint,
    revoked_at bigint
);
CREATE INDEX invitations_invited ON invitations (invited_at, digest) WHERE invited_at IS NOT NULL;
CREATE INDEX invitations_session ON invitations (session_no);
