-- Up to when each partition of a log has been stored; -1: when it was last seen which there are.
CREATE TABLE watermarks (
    topic text NOT NULL,
    partition_no integer NOT NULL,
    at bigint NOT NULL,
    PRIMARY KEY (topic, partition_no)
) WITH (fillfactor = 50); -- written once a second each, and nothing else of a row is indexed
