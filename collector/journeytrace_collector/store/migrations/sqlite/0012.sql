-- What an act was about, as JSON; NULL: there is nothing else to say.
ALTER TABLE acts ADD COLUMN detail TEXT;
CREATE INDEX acts_digest ON acts (digest) WHERE digest IS NOT NULL;

-- Whether a period was chosen at the desk: it holds wherever the configuration names no other.
ALTER TABLE retention_periods ADD COLUMN chosen INTEGER NOT NULL DEFAULT 0;
