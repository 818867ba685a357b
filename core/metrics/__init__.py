"""Metrics, one a file; the registry stands in core.metrics.registry."""
