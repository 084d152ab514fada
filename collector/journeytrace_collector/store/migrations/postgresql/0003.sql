-- What erasing leaves behind, and what it has still to do.
CREATE TABLE erasure ( -- one row
    salt bytea NOT NULL, -- of the digests; made once and never shown
    scrub_due boolean NOT NULL -- whether the disk may still hold what was erased on request
);
INSERT INTO erasure VALUES (uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()), false);

CREATE TABLE digests (
    digest bytea PRIMARY KEY, -- of the id of a session that was erased: core.forgetting
    kept_until bigint NOT NULL
);
CREATE INDEX digests_kept_until ON digests (kept_until);

CREATE TABLE erasing (
    session_no bigint PRIMARY KEY -- a session that is gone and has left events
);

-- What events carried beside the value that stands in their session's row: few sessions have any.
CREATE TABLE former_values (
    session_no bigint NOT NULL,
    field text COLLATE "C" NOT NULL, -- user_id or email
    value text COLLATE "C" NOT NULL,
    PRIMARY KEY (session_no, field, value)
);
INSERT INTO former_values
    SELECT DISTINCT no, 'user_id', events.user_id FROM events JOIN sessions ON session_no = no
    WHERE events.user_id <> sessions.user_id;
INSERT INTO former_values
    SELECT DISTINCT no, 'email', events.email FROM events JOIN sessions ON session_no = no
    WHERE events.email <> sessions.email;
CREATE INDEX former_values_value ON former_values (lower(value), field);

-- What people did that belongs to no session. Rows are added and never changed.
CREATE TABLE acts (
    no bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at bigint NOT NULL,
    actor text COLLATE "C" NOT NULL,
    act text COLLATE "C" NOT NULL,
    project text COLLATE "C",
    digest bytea -- of the session that it was about
);
