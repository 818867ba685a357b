"""Rows as estimates see them: a prediction, the columns as codes, and a label where one is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.uint8]
Places = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Rows:
    """n rows with usable predictions.

    Attributes:
        scores: (n,) chance of the positive class in [0, 1], or the predicted value of a regression.
        decided: (n,) whether the row was predicted positive; all False in a regression.
        codes: (k, n) one line a column, each below its size; the last line is the bin of the prediction itself.
        truth: (n,) 0 or 1, or the true value; NaN where nobody knows it.
    """

    scores: Floats
    decided: npt.NDArray[np.bool_]
    codes: Codes
    truth: Floats

    def __len__(self) -> int:
        return len(self.scores)

    def take(self, places: Places) -> Rows:
        """The rows at these places."""
        return Rows(self.scores[places], self.decided[places], self.codes[:, places], self.truth[places])

    def labelled(self) -> Rows:
        """Those whose truth is known."""
        return self.take(np.flatnonzero(np.isfinite(self.truth)))

    def spread(self, most: int) -> Rows:
        """At most so many of them, evenly over their order.

        >>> rows = Rows(np.arange(4) / 4, np.zeros(4, bool), np.zeros((1, 4), np.uint8), np.zeros(4))
        >>> rows.spread(2).scores.tolist()
        [0.0, 0.5]
        """
        n = len(self)
        return self if n <= most else self.take((np.arange(most) * n // most).astype(np.intp))


def together(parts: Sequence[Rows]) -> Rows:
    """The rows of all parts, in their order; at least one part."""
    return Rows(
        np.concatenate([part.scores for part in parts]),
        np.concatenate([part.decided for part in parts]),
        np.concatenate([part.codes for part in parts], axis=1),
        np.concatenate([part.truth for part in parts]),
    )
