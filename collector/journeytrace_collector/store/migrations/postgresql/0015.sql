-- Most events of an open session move nothing that an index holds: its row is written anew within its page, and no index
-- is touched (HOT). What an index has to know of it is held by the minute, or only once it is at rest.
ALTER TABLE sessions SET (fillfactor = 70); -- room for the next version beside this one
ALTER TABLE sessions
    ADD COLUMN idle_minute bigint GENERATED ALWAYS AS (idle_at / 60000000000) STORED,
    ADD COLUMN arrived_minute bigint GENERATED ALWAYS AS (arrived_at / 60000000000) STORED,
    ADD COLUMN quiet_since bigint GENERATED ALWAYS AS (CASE WHEN pending = 'QUIET' THEN arrived_at END) STORED,
    -- NULL: open, and then last_event moves
    ADD COLUMN rest_event text COLLATE "C"
        GENERATED ALWAYS AS (CASE WHEN pending = 'IDLE' THEN NULL ELSE last_event END) STORED;

DROP INDEX sessions_quiet;
CREATE INDEX sessions_quiet ON sessions (quiet_since) WHERE quiet_since IS NOT NULL;
DROP INDEX sessions_pending;
CREATE INDEX sessions_pending ON sessions (idle_minute, arrived_minute) WHERE pending = 'IDLE';
DROP INDEX sessions_idle;
CREATE INDEX sessions_idle ON sessions (idle_minute) WHERE phase = 'OPEN';
DROP INDEX sessions_last_event;
CREATE INDEX sessions_last_event ON sessions (lower(rest_event)) WHERE rest_event IS NOT NULL;

-- Parked parcels are listed the newest first, whatever waits beside them.
DROP INDEX outbox_parked;
CREATE INDEX outbox_parked ON outbox (id, destination) WHERE reason IS NOT NULL;
