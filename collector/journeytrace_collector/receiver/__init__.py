"""OTLP over gRPC and HTTP, answered as docs/specification.md of opentelemetry-proto says."""
