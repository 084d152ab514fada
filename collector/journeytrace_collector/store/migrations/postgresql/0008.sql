-- The newest versions of services, for marks of deployments.
CREATE TABLE service_versions (
    service text COLLATE "C" NOT NULL,
    version text COLLATE "C" NOT NULL,
    first_seen bigint NOT NULL,
    PRIMARY KEY (service, version)
);
