-- Figures of many sessions, read without the rows themselves.
CREATE INDEX sessions_outcome ON sessions (created_at, no) INCLUDE (project_id, phase, stage, decision, reason);
CREATE INDEX sessions_person ON sessions (user_id, created_at, no) INCLUDE (project_id, phase, stage, decision, reason)
    WHERE user_id IS NOT NULL;
