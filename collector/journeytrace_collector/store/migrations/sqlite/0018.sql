-- The rules that a session violated when it was checked last, each between two spaces; NULL: none, or it was not checked.
ALTER TABLE sessions ADD COLUMN violates TEXT;
CREATE INDEX sessions_violates ON sessions (created_at) WHERE violates IS NOT NULL;

-- Every rule that a session has ever violated, so that each of them is counted once.
CREATE TABLE violations (
    rule TEXT NOT NULL,
    session_no INTEGER NOT NULL,
    PRIMARY KEY (rule, session_no)
) STRICT, WITHOUT ROWID;
CREATE INDEX violations_session ON violations (session_no);
