-- Figures of many sessions: read in the order in which they are grouped, and without the rows themselves.
CREATE INDEX sessions_outcome ON sessions (phase, stage, decision, reason, created_at, project_id);
CREATE INDEX sessions_person ON sessions (user_id, created_at, no, project_id, phase, stage, decision, reason)
    WHERE user_id IS NOT NULL;
