"""Causes of alerts that rest on more than one batch and stand until their reason has gone."""

from __future__ import annotations

NO_DATA = "no data"
METRIC_DROP = "metric drop"
FLIPPED_LABELS = "labels"
ESTIMATE_MISSES = "estimate misses"
