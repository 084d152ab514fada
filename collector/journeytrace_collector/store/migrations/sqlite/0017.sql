-- What each side saw of a session, for figures that tell lost beacons from lost users: read off its events whenever it
-- comes to rest. What the columns hold of older sessions: see refold.py.
ALTER TABLE sessions ADD COLUMN seen INTEGER; -- core.sighting; NULL: it has not come to rest
ALTER TABLE sessions ADD COLUMN of_release TEXT; -- insight.groups, as the next two; NULL: no event told it
ALTER TABLE sessions ADD COLUMN of_browser TEXT;
ALTER TABLE sessions ADD COLUMN of_country TEXT;
CREATE INDEX sessions_seen ON sessions (created_at, project_id, stage, seen, of_release, of_browser, of_country)
    WHERE seen IS NOT NULL;

-- Which bit of that stands for what.
CREATE TABLE sighted (
    no INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
) STRICT;
