-- What people do. A session that has nothing else was created at the end of time (2^63 - 1): it has not begun.
CREATE INDEX sessions_verdict ON sessions (pending) WHERE pending = 'VERDICT';
