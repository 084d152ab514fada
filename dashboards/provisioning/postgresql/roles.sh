#!/bin/sh
# Run once, on an empty volume, by the superuser, whom nobody connects as afterwards: makes the role
# of the collector, which owns its database and nothing else, and the one Grafana connects as, which
# may read the collector's two views.
set -eu
# On the standard input, for other users can read a command line.
psql --set=ON_ERROR_STOP=1 --username="$POSTGRES_USER" --dbname="$POSTGRES_DB" <<'SQL'
\getenv collector COLLECTOR_POSTGRESQL_PASSWORD
\getenv reader GRAFANA_POSTGRESQL_PASSWORD
\getenv database POSTGRES_DB
CREATE ROLE journeytrace LOGIN PASSWORD :'collector';
ALTER DATABASE :"database" OWNER TO journeytrace;
-- Before version 15 everybody could make tables here.
ALTER SCHEMA public OWNER TO journeytrace;
REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO PUBLIC;

CREATE ROLE journeytrace_reader LOGIN PASSWORD :'reader' CONNECTION LIMIT 20;
-- Two defaults that it can lift: they are for mistakes. What it must not do, it has no right to.
ALTER ROLE journeytrace_reader SET default_transaction_read_only = on;
ALTER ROLE journeytrace_reader SET statement_timeout = '30s';
-- No temporary tables.
REVOKE ALL ON DATABASE :"database" FROM PUBLIC;
GRANT CONNECT ON DATABASE :"database" TO journeytrace_reader;
-- Locks in any number, and large objects of any size, are everybody's unless somebody says no.
DO $$
DECLARE
    callable regprocedure;
BEGIN
    FOR callable IN
        SELECT oid FROM pg_proc
        WHERE pronamespace = 'pg_catalog'::regnamespace
            AND (proname LIKE 'pg%advisory%' OR proname IN ('lo_creat', 'lo_create', 'lo_from_bytea'))
    LOOP
        EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', callable);
    END LOOP;
END
$$;
SQL
