"""How well one column alone ranks a label: an AUC near one is a column that knew the answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy.typing as npt


def rank_auc(values: npt.NDArray[Any], labels: npt.NDArray[Any]) -> tuple[float, int]:
    """AUC of a number column, whichever way round it is larger, and the rows it rests on (neither side missing).

    Ties count half. 0.5 with fewer than one row of either class.

    >>> import numpy as np
    >>> rank_auc(np.array([1.0, 2, 3, np.nan]), np.array([1.0, 1, 0, 0]))
    (1.0, 3)
    """
    import numpy as np

    known = ~(np.isnan(values) | np.isnan(labels))
    value, label = values[known], labels[known] > 0
    positive, negative = int(label.sum()), int((~label).sum())
    if not positive or not negative:
        return 0.5, int(known.sum())
    _, place, counts = np.unique(value, return_inverse=True, return_counts=True)
    rank = (np.cumsum(counts) - (counts - 1) / 2)[place]
    area = float((rank[label].sum() - positive * (positive + 1) / 2) / (positive * negative))
    return max(area, 1 - area), int(known.sum())


def category_auc(counts: Sequence[tuple[int, int]]) -> float:
    """AUC of a category whose values are put in the order of their share of positives; counts are (rows, positives).

    >>> category_auc([(10, 10), (30, 0)]), category_auc([(10, 5), (20, 10)])
    (1.0, 0.5)
    """
    import numpy as np

    told = sorted(counts, key=lambda pair: pair[1] / max(pair[0], 1))
    positive = np.array([yes for _, yes in told], dtype=float)
    negative = np.array([rows - yes for rows, yes in told], dtype=float)
    if not positive.sum() or not negative.sum():
        return 0.5
    below = np.cumsum(negative) - 0.5 * negative
    return float(positive @ below / positive.sum() / negative.sum())
