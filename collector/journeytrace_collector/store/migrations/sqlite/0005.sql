-- The stages that had been seen when the session settled last, as a JSON array: their spans have left.
ALTER TABLE sessions ADD COLUMN stages_told TEXT; -- NULL: it never settled

-- Of a session that has changed since, some may not have been told: never is better than twice.
UPDATE sessions
SET stages_told = (SELECT json_group_array(key) FROM json_each(state, '$.stages'))
WHERE settled_at IS NOT NULL;
