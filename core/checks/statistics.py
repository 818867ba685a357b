"""Which statistics there are, how each is judged, and what a reading of one is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from core.stats.effect import share_noise


class Key(NamedTuple):
    """Which statistic: ``column`` is empty for the whole table, ``slice`` for all rows."""

    column: str
    stat: str
    slice: str = ""


class Reading(NamedTuple):
    """A statistic's value and its standard error from sampling alone."""

    value: float
    noise: float


@dataclass(frozen=True, slots=True)
class Stat:
    """How a statistic is judged.

    Attributes:
        family: statistics that share one threshold.
        floor: the smallest departure worth a word where the past is known.
        alone: the same where there is only a reference.
        group: statistics of one group say the same thing twice.
    """

    family: str
    floor: float
    alone: float
    group: str


STATS: Mapping[str, Stat] = {
    "missing": Stat("null", 0.005, 0.03, "missing"),
    "empty": Stat("null", 0.005, 0.02, "missing"),
    "infinite": Stat("null", 0.002, 0.01, "missing"),
    "padded": Stat("pattern", 0.005, 0.02, "pattern"),
    "patterns": Stat("pattern", 0.005, 0.03, "pattern"),
    "numeric": Stat("pattern", 0.01, 0.05, "pattern"),
    "unseen": Stat("unseen", 0.005, 0.02, "values"),
    "new_numbers": Stat("unseen", 0.005, 0.02, "range"),
    "off_grid": Stat("form", 0.005, 0.02, "form"),
    "lost": Stat("unseen", 0.01, 0.03, "point"),
    "outside": Stat("unseen", 0.005, 0.02, "range"),
    "overshoot": Stat("far", 0.02, 0.1, "far"),
    "mean": Stat("level", 0.05, 0.5, "level"),
    "spread": Stat("level", 0.05, 0.5, "spread"),
    "zeros": Stat("share", 0.01, 0.1, "point"),
    "negatives": Stat("share", 0.01, 0.1, "sign"),
    "integers": Stat("share", 0.01, 0.1, "point"),
    "at_minimum": Stat("share", 0.01, 0.1, "point"),
    "at_maximum": Stat("share", 0.01, 0.1, "point"),
    "peak": Stat("distance", 0.01, 0.1, "point"),
    "distance": Stat("distance", 0.02, 0.15, "distance"),
    "distinct": Stat("level", 0.1, 0.7, "distinct"),
    "rows": Stat("table", 0.1, 0.7, "rows"),
    "duplicates": Stat("table", 0.002, 0.01, "rows"),
    "rejected": Stat("table", 0.001, 0.005, "rows"),
    "hours": Stat("table", 1.5, 2.0, "rows"),
    "last_hour": Stat("table", 1.5, 2.0, "rows"),
    "gap": Stat("table", 1.5, 3.0, "rows"),
    "lost_ids": Stat("table", 0.001, 0.002, "rows"),
    "slice_share": Stat("slice_share", 0.02, 0.1, "slice"),
    "slice_missing": Stat("slice_null", 0.004, 0.01, "slice"),
    "slice_mean": Stat("slice", 0.05, 0.5, "slice"),
    "residual": Stat("residual", 0.01, 0.1, "residual"),
    "agreement": Stat("agreement", 0.05, 0.3, "residual"),
    "run": Stat("run", 0.03, 0.2, "run"),
    "lost_run": Stat("run", 0.01, 0.1, "missing"),
    "repeats": Stat("order", 0.02, 0.2, "order"),
    "visits": Stat("order", 0.01, 0.1, "point"),
    "serial": Stat("order", 0.02, 0.2, "order"),
    "bond": Stat("bond", 0.03, 0.2, "bond"),
    "tie": Stat("bond", 0.03, 0.2, "bond"),
}


def share_reading(part: float, rows: float, usual: float | None = None) -> Reading:
    """A share and its noise, that of the ``usual`` share where it is known: what chance does when nothing happened.

    The score test's denominator: with the noise of the share as observed, a burst would excuse itself.

    >>> share_reading(60, 1000).noise > 5 * share_reading(60, 1000, usual=0.0).noise
    True
    """
    share = part / rows if rows else 0.0
    return Reading(share, share_noise(share if usual is None else min(max(usual, 0.0), 1.0), rows))
