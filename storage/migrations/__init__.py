"""The steps from an empty file to the current store: one file a step, never edited after release.

:data:`STEPS` is read without importing any step, so that opening a current store costs nothing; sqlite-utils, which
pulls in pandas where that is installed, is imported only when there is a step to apply.
"""

from __future__ import annotations

STEPS: tuple[str, ...] = (
    "m0001_people",
    "m0002_models",
    "m0003_batches",
    "m0004_results",
    "m0005_alerts",
    "m0006_incidents",
    "m0007_rollbacks",
    "m0008_kept_slices",
    "m0009_evaluation_sets",
    "m0010_feed",
    "m0011_rollouts",
    "m0012_gates",
    "m0013_suites",
    "m0014_experiments",
    "m0015_condition_readings",
    "m0016_readings_of_arms",
    "m0017_alert_worth",
    "m0018_tunings",
    "m0019_missed",
    "m0020_estimates",
    "m0021_storms",
)
"""Module names under ``storage.migrations``, in order of application."""

SCHEMA_VERSION = len(STEPS)
"""What ``PRAGMA user_version`` says of a current store."""
