"""Prometheus: the collector's counters, for whoever comes and asks."""

from journeytrace_exporters.prometheus.exporter import PrometheusExporter, create

__all__ = ["PrometheusExporter", "create"]
