-- Up to when each partition of a log has been stored; -1: when it was last seen which there are.
CREATE TABLE watermarks (
    topic TEXT NOT NULL,
    partition_no INTEGER NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (topic, partition_no)
) STRICT, WITHOUT ROWID;
