-- What is to be done about sessions: the open tasks, as the states of their sessions tell them.
CREATE TABLE tasks (
    session_no bigint NOT NULL,
    id text COLLATE "C" NOT NULL,
    project_id text COLLATE "C", -- of the session
    since bigint NOT NULL, -- ns
    opened_by text COLLATE "C", -- NULL: a rule
    rule text COLLATE "C", -- NULL: a person asks for it
    title text COLLATE "C" NOT NULL, -- empty: what the rule says
    assignee text COLLATE "C" NOT NULL, -- empty: nobody in particular
    due text COLLATE "C" NOT NULL, -- a day; 9999-12-31: none
    PRIMARY KEY (session_no, id)
);
CREATE INDEX tasks_due ON tasks (due, since, session_no, id);
CREATE INDEX tasks_assignee ON tasks (assignee, due, since, session_no, id);
