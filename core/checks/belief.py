"""How far a finding may be believed: the one scale on which tiers are cut and batches are ranked.

A finding's score is 1.0 at its threshold and grows with the log of the distance. What a score is worth differs by
check: labels leave predictions in some slice on many an ordinary day, two columns hold each other's values on none.
``DOUBT`` is the score at which a check's findings were as often real as not, over planted days of several public data
sets; the belief is logistic about it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from storage.records.results import Finding

DOUBT: Mapping[str, float] = {
    "label_residual": 1.4,
    "default_value": 1.85,
    "slice_completeness": 1.45,
    "slice_levels": 1.95,
    "segments": 1.45,
    "drift": 2.05,
    "prediction_drift": 1.5,
    "completeness": 1.05,
    "freshness": 1.4,
    "unit_change": 2.75,
    "swapped_columns": 4.8,
    "bounds": 1.65,
    "broken_bond": 1.45,
    "frozen": 1.35,
}
"""Per check: the score at which it is right as often as not; 1.0, its threshold, for all others."""

SLOPE = 5.0
"""How fast belief grows with the score: a tenth more is half as much again for and against."""

NEAR = 0.3
"""What the nearest miss of a quiet day weighs."""


def doubt(check: str) -> float:
    """The score at which the check is right as often as not."""
    return DOUBT.get(check, 1.0)


def weight(finding: Finding) -> float:
    """Evidence that the finding is real: ``-log`` of the chance that it is not, from 0.0 up.

    >>> low, high = (Finding("drift", "drift", "digest", "fail", "", score=s) for s in (2.05, 3.05))
    >>> round(weight(low), 2), round(weight(high), 2)
    (0.69, 5.01)
    """
    x = SLOPE * (finding.score - doubt(finding.check))
    return x + math.log1p(math.exp(-x)) if x > 0 else math.log1p(math.exp(x))


def belief(finding: Finding) -> float:
    """The chance that the finding is real, as planted days taught it.

    >>> round(belief(Finding("label_residual", "soft", "ticket", "fail", "", score=1.4)), 2)
    0.5
    """
    return 1.0 - math.exp(-weight(finding))


def near(findings: Iterable[Finding]) -> float:
    """How near the nearest miss came to its threshold, 0.0 to 1.0."""
    return max((min(max(f.score, 0.0), 1.0) for f in findings if f.status == "pass"), default=0.0)
