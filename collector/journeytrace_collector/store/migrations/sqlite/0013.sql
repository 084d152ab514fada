-- What is to be done about sessions: the open tasks, as the states of their sessions tell them.
CREATE TABLE tasks (
    session_no INTEGER NOT NULL,
    id TEXT NOT NULL,
    project_id TEXT, -- of the session
    since INTEGER NOT NULL, -- ns
    opened_by TEXT, -- NULL: a rule
    rule TEXT, -- NULL: a person asks for it
    title TEXT NOT NULL, -- empty: what the rule says
    assignee TEXT NOT NULL, -- empty: nobody in particular
    due TEXT NOT NULL, -- a day; 9999-12-31: none
    PRIMARY KEY (session_no, id)
) WITHOUT ROWID;
CREATE INDEX tasks_due ON tasks (due, since, session_no, id);
CREATE INDEX tasks_assignee ON tasks (assignee, due, since, session_no, id);
