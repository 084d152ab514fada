-- What erasing leaves behind, and what it has still to do.
CREATE TABLE erasure ( -- one row
    salt BLOB NOT NULL, -- of the digests; made once and never shown
    scrub_due INTEGER NOT NULL -- 1: the disk may still hold what was erased on request
) STRICT;
INSERT INTO erasure VALUES (randomblob(32), 0);

CREATE TABLE digests (
    digest BLOB PRIMARY KEY, -- of the id of a session that was erased: core.forgetting
    kept_until INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX digests_kept_until ON digests (kept_until);

CREATE TABLE erasing (
    session_no INTEGER PRIMARY KEY -- a session that is gone and has left events
) STRICT;

-- What events carried beside the value that stands in their session's row: few sessions have any.
CREATE TABLE former_values (
    session_no INTEGER NOT NULL,
    field TEXT NOT NULL, -- user_id or email
    value TEXT NOT NULL,
    PRIMARY KEY (session_no, field, value)
) STRICT, WITHOUT ROWID;
INSERT INTO former_values
    SELECT DISTINCT no, 'user_id', events.user_id FROM events JOIN sessions ON session_no = no
    WHERE events.user_id <> sessions.user_id;
INSERT INTO former_values
    SELECT DISTINCT no, 'email', events.email FROM events JOIN sessions ON session_no = no
    WHERE events.email <> sessions.email;
CREATE INDEX former_values_value ON former_values (value COLLATE NOCASE, field);

CREATE TABLE blank ( -- takes up free pages while they are overwritten
    no INTEGER PRIMARY KEY,
    zeros BLOB NOT NULL
) STRICT;

-- What people did that belongs to no session. Rows are added and never changed.
CREATE TABLE acts (
    no INTEGER PRIMARY KEY AUTOINCREMENT,
    at INTEGER NOT NULL,
    actor TEXT NOT NULL,
    act TEXT NOT NULL,
    project TEXT,
    digest BLOB -- of the session that it was about
) STRICT;
