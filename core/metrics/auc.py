"""Area under the ROC curve: the chance that a positive row is scored above a negative one. In [0, 1], up is good.

Computed from counts in fixed score bins (:mod:`core.stats.auc`), so that windows merge; ties count one half.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.metrics.base import BINARY, Metric, Reading, Sample, State, missing
from core.stats.auc import BINS, area, histogram
from core.stats.intervals import logit_interval

if TYPE_CHECKING:
    from core.stats.auc import Counts


def sums(sample: Sample) -> State:
    """Positives and negatives per score bin; only bins that hold a row are kept."""
    scores, labels = sample.labelled()
    return _state(histogram(scores[labels == 1]), histogram(scores[labels == 0]))


def merge(a: State, b: State) -> State:
    """The counts of both."""
    (p, n), (q, m) = _counts(a), _counts(b)
    return _state(p + q, n + m)


def read(state: State) -> Reading:
    """The area, DeLong's interval on the logit scale, and the labels it rests on."""
    positives, negatives = _counts(state)
    rows = int(positives.sum() + negatives.sum())
    found = area(positives, negatives)
    if found is None:
        which = "positive" if not positives.sum() else "negative"
        return missing(rows, f"no {which} labels" if rows else "no labels")
    low, high = logit_interval(found.value, found.error, float(min(positives.sum(), negatives.sum())))
    return Reading(found.value, low, high, rows)


def _state(positives: Counts, negatives: Counts) -> State:
    import numpy as np

    held = np.flatnonzero(positives + negatives)
    return {"bin": held.tolist(), "pos": positives[held].tolist(), "neg": negatives[held].tolist()}


def _counts(state: State) -> tuple[Counts, Counts]:
    import numpy as np

    positives, negatives = np.zeros(BINS, dtype=np.int64), np.zeros(BINS, dtype=np.int64)
    held = np.asarray(state["bin"], dtype=np.int64)
    positives[held], negatives[held] = state["pos"], state["neg"]
    return positives, negatives


METRIC = Metric(
    name="auc",
    tasks=BINARY,
    direction="up",
    needs_labels=True,
    unit="",
    meaning="chance that a positive row is scored above a negative one",
    sums=sums,
    merge=merge,
    read=read,
    default_for=BINARY,
)
