#!/bin/sh
# Run once, on an empty volume: whom Grafana connects as. The collector lets this role read its two
# views and nothing else.
set -eu
# On the standard input, for other users can read a command line.
psql --set=ON_ERROR_STOP=1 --set="password=$GRAFANA_POSTGRESQL_PASSWORD" \
    --username="$POSTGRES_USER" --dbname="$POSTGRES_DB" <<'SQL'
CREATE ROLE journeytrace_reader LOGIN PASSWORD :'password';
ALTER ROLE journeytrace_reader SET default_transaction_read_only = on;
ALTER ROLE journeytrace_reader SET statement_timeout = '30s';
SQL
