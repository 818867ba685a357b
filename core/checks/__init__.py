"""Data checks, one a file; the registry stands in core.checks.registry."""
