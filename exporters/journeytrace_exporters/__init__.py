"""What leaves the collector: spans by OTLP, counters to Prometheus, news by webhook."""
