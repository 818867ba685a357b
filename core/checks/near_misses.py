"""How near a batch that passed came to failing: what ranks the quiet batches."""

from __future__ import annotations

from collections.abc import Mapping

from core.checks.base import CheckContext
from core.checks.strength import strengths

STATS_OF: Mapping[str, tuple[str, ...]] = {
    "volume": ("rows",),
    "duplicates": ("duplicates",),
    "freshness": ("hours", "gap"),
    "completeness": ("missing", "empty", "infinite"),
    "default_value": ("peak",),
    "clipped": ("at_minimum", "at_maximum"),
    "categories": ("unseen", "lost"),
    "encoding": ("padded", "patterns", "numeric"),
    "segments": ("slice_share",),
    "slice_completeness": ("slice_missing",),
    "slice_levels": ("slice_mean",),
    "label_residual": ("residual",),
}
"""Statistics that a check judges."""


def nearest(context: CheckContext, check: str) -> float:
    """The largest ratio that the check passed, 0.0 to 1.0; 0.0 for a check of no statistic, or without a past.

    A statistic beyond its threshold that still passed lacked what the check asks besides, and counts for 1.0.
    """
    if not context.departures.days:
        return 0.0
    if check == "drift":
        return min(max((s.ratio for s in strengths(context).values()), default=0.0), 1.0)
    tops = [context.departures.table.furthest(stat) for stat in STATS_OF.get(check, ())]
    return min(max((top for top in tops if top is not None), default=0.0), 1.0)
