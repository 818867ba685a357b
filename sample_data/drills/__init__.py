"""Seventeen drills with truth, and clean runs: small, seeded, three shapes of model, three severities.

A drill is four reference files, twelve clean serving files and four with the fault, the label files with their delays,
versions and deployments, and a change feed in which the cause (where a change is the cause) stands among bystanders.
"""

from __future__ import annotations

from sample_data.drills.records import SEVERITIES, Action, Drill, Severity, Truth
from sample_data.drills.run import DRILLS, FURTHER_IDS, PLANTED_IDS, SHAPES, clean, drill

__all__ = [
    "DRILLS",
    "FURTHER_IDS",
    "PLANTED_IDS",
    "SEVERITIES",
    "SHAPES",
    "Action",
    "Drill",
    "Severity",
    "Truth",
    "clean",
    "drill",
]
