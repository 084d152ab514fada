-- A line that failed is left alone until its own time. Of a session's line all parcels say so, of a line without a
-- session only the first does, for it can be long.
ALTER TABLE outbox ADD COLUMN failures integer NOT NULL DEFAULT 0; -- of the line, in a row
ALTER TABLE outbox ADD COLUMN retry_at bigint; -- when the line is tried again; NULL: it is not held back

-- Each parcel that waits is in one of these three, so what can leave is found without passing over what cannot.
DROP INDEX outbox_waiting;
CREATE INDEX outbox_ready ON outbox (destination, id)
    WHERE reason IS NULL AND retry_at IS NULL AND session_id IS NOT NULL;
CREATE INDEX outbox_put_off ON outbox (destination, retry_at, id)
    WHERE reason IS NULL AND retry_at IS NOT NULL AND session_id IS NOT NULL;
CREATE INDEX outbox_sessionless ON outbox (destination, line, id)
    WHERE reason IS NULL AND session_id IS NULL;

-- Whether a session's line is held back, asked for each parcel that comes.
CREATE INDEX outbox_held_line ON outbox (session_id, destination, failures, retry_at)
    WHERE reason IS NULL AND retry_at IS NOT NULL AND session_id IS NOT NULL;
CREATE INDEX outbox_at ON outbox (at);
