"""The rows of a batch as estimates see them, from its joined rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from core.estimates.coding import code_sql
from core.metrics.base import Sample
from core.metrics.registry import specs
from core.stats.estimation.expected import BINARY, REGRESSION
from core.stats.estimation.rows import Rows
from core.stats.slices.coding import Coding
from storage.records.models import ModelFile

if TYPE_CHECKING:
    from storage.logs.joined_rows import Joined

MOST_ROWS = 200_000
"""Rows of a batch that are looked at."""
_BY_THRESHOLD = ("accuracy", "precision", "recall")


def estimated_metrics(file: ModelFile) -> tuple[str, ...]:
    """The metrics of a model that can be estimated, in its order; all by one threshold, that of the first of them."""
    known = BINARY if file.task == "binary" else REGRESSION if file.task == "regression" else ()
    bound = threshold(file)
    return tuple(
        spec.name
        for spec in specs(file)
        if spec.kind != "business" and spec.name in known
        if spec.name not in _BY_THRESHOLD or spec.threshold == bound
    )


def threshold(file: ModelFile) -> float:
    """From which score on a row is predicted positive."""
    return next((spec.threshold for spec in specs(file) if spec.name in _BY_THRESHOLD), 0.5)


def rows_of(joined: Joined, codings: Sequence[Coding], file: ModelFile, *, most: int = MOST_ROWS) -> Rows:
    """The rows with usable predictions, evenly over the file where there are more than ``most``.

    Args:
        codings: of the columns, the prediction's own bins last; columns that the table lacks count as missing.
    """
    there = frozenset(joined.columns)
    scores, classes, truth, codes = joined.coded([code_sql(coding, there) for coding in codings[:-1]], most)
    sample = Sample(file.task, scores, truth, np.empty(0), threshold(file), classes)
    usable = np.flatnonzero(sample.usable())
    decided = sample.positive() if file.task == "binary" else np.zeros(len(scores), np.bool_)
    own = codings[-1].encode_numbers(scores)
    return Rows(scores, decided, np.concatenate([codes, own[None, :]]), truth).take(usable)
