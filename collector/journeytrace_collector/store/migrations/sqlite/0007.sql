-- Lists by project, reason, error code, stage and what one event was like; support codes. What the columns hold of
-- older sessions: see refold.py.
ALTER TABLE sessions ADD COLUMN marks INTEGER NOT NULL DEFAULT 0; -- what its events were like: core.marks
ALTER TABLE sessions ADD COLUMN reason TEXT; -- of the decision
ALTER TABLE sessions ADD COLUMN last_error_code TEXT;
ALTER TABLE sessions ADD COLUMN support_code TEXT NOT NULL DEFAULT '';

-- Walked newest first. What is undecided has a word of its own, for NULL is not equal to itself.
DROP INDEX sessions_decision;
DROP INDEX sessions_phase_decision;
CREATE INDEX sessions_decision ON sessions (coalesce(decision, 'NONE'), created_at);
CREATE INDEX sessions_phase_decision ON sessions (phase, coalesce(decision, 'NONE'), created_at);
DROP INDEX sessions_project_id;
CREATE INDEX sessions_project_id ON sessions (project_id COLLATE NOCASE, created_at) WHERE project_id IS NOT NULL;
CREATE INDEX sessions_reason ON sessions (reason, created_at) WHERE reason IS NOT NULL;
CREATE INDEX sessions_last_error_code ON sessions (last_error_code, created_at) WHERE last_error_code IS NOT NULL;
CREATE INDEX sessions_stage ON sessions (stage, created_at) WHERE stage IS NOT NULL;
CREATE INDEX sessions_corrected ON sessions (created_at) WHERE (marks & 128) <> 0;

-- Narrow down to few rows.
CREATE INDEX sessions_support_code ON sessions (support_code);
-- Of the events that failed or stood in the way: all of them would cost too much. Most events need one comparison to be
-- left out.
CREATE INDEX events_hurdles ON events (impact, name, session_no, result)
    WHERE (impact <> 'NONE' AND impact <> 'COMPLETED' AND impact <> 'APPROVED') OR result = 'FAIL';
