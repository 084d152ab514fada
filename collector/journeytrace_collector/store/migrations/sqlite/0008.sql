CREATE TABLE service_versions ( -- the newest, for marks of deployments
    service TEXT NOT NULL,
    version TEXT NOT NULL,
    first_seen INTEGER NOT NULL,
    PRIMARY KEY (service, version)
) STRICT, WITHOUT ROWID;
