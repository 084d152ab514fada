"""The collector: OTLP in, sessions out.

Reading order: `decode` (OTLP → events), `sessionize` (events → session state), `derive` (state and
time → status and summary) are pure; `store`, `ingest`, `receiver`, `admin` and `process` do the I/O.
"""
