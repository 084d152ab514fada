"""The collector: OTLP in, sessions out.

Reading order: `decode` (OTLP → events), `sessionize` (events → session state), `derive` (state and
time → status and summary), `settle` (state → derived spans) and `measure` (what changed → counters)
are pure; `store`, `ingest`, `delivery`, `receiver`, `admin` and `process` do the I/O.
"""
