-- Rows of sessions that go on are written behind their events: see sqlite_behind.py.
CREATE TABLE projection ( -- one row
    mark INTEGER NOT NULL -- every session's row tells of all of its events up to this rowid
) STRICT;
INSERT INTO projection SELECT coalesce(max(rowid), 0) FROM events;

-- What moves with nearly every event is found by the minute, so that an index entry moves once in one.
ALTER TABLE sessions ADD COLUMN idle_minute INTEGER NOT NULL DEFAULT 0; -- of idle_at
ALTER TABLE sessions ADD COLUMN arrived_minute INTEGER NOT NULL DEFAULT 0; -- of arrived_at
UPDATE sessions SET idle_minute = idle_at / 60000000000, arrived_minute = arrived_at / 60000000000;
DROP INDEX sessions_idle;
DROP INDEX sessions_pending;
DROP INDEX sessions_quiet;
CREATE INDEX sessions_idle ON sessions (idle_minute) WHERE phase = 'OPEN';
CREATE INDEX sessions_quiet ON sessions (arrived_minute) WHERE pending = 'QUIET';
CREATE INDEX sessions_pending ON sessions (idle_minute, arrived_minute) WHERE pending = 'IDLE';
