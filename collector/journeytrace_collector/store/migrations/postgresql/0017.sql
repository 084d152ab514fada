-- What each side saw of a session, for figures that tell lost beacons from lost users: read off its events whenever it
-- comes to rest. What the columns hold of older sessions: see refold.py.
ALTER TABLE sessions ADD COLUMN seen bigint; -- core.sighting; NULL: it has not come to rest
ALTER TABLE sessions ADD COLUMN of_release text; -- insight.groups, as the next two; NULL: no event told it
ALTER TABLE sessions ADD COLUMN of_browser text;
ALTER TABLE sessions ADD COLUMN of_country text;
CREATE INDEX sessions_seen ON sessions (created_at, no)
    INCLUDE (project_id, stage, seen, of_release, of_browser, of_country) WHERE seen IS NOT NULL;

-- Which bit of that stands for what.
CREATE TABLE sighted (
    no integer PRIMARY KEY,
    name text NOT NULL UNIQUE
);
