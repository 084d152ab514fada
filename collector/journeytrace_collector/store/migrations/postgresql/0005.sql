-- The stages that had been seen when the session settled last, as a JSON array: their spans have left.
ALTER TABLE sessions ADD COLUMN stages_told text; -- NULL: it never settled

-- Of a session that has changed since, some may not have been told: never is better than twice.
UPDATE sessions
SET stages_told = (
    SELECT coalesce(json_agg(stage)::text, '[]')
    FROM json_object_keys(state::json -> 'stages') AS stage
)
WHERE settled_at IS NOT NULL;
