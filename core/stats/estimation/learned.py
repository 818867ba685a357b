"""What is learned from labelled rows once, and what it says of rows without labels, by method.

``confidence`` knows the prediction alone; ``columns`` the codes of columns too; ``weighted`` learns from labelled rows
that are weighted to look like the batch; ``mixed`` is the mean of the last two, which err in different ways, each
counted by the rows it rests on; where one of them can't be told it is the other, or ``confidence``. ``same`` is no
estimate: it says that the metric is what it was, and is what the others are held against.

For classes every method gives each row a chance; for numbers an expected loss.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from core.stats.estimation import calibration as calibrate
from core.stats.estimation.calibration import Calibration
from core.stats.estimation.columns import ColumnChances, ColumnLoss, fit_chances, fit_losses
from core.stats.estimation.expected import REGRESSION, Expected, expected, of_losses, residuals
from core.stats.estimation.rows import Floats, Rows
from core.stats.estimation.weighting import Weights, rake, shares

Method = Literal["mixed", "columns", "weighted", "confidence", "same"]
METHODS: tuple[Method, ...] = get_args(Method)
"""In the order in which they are trusted before anything was tried."""
Found = dict[str, dict[Method, Expected]]
"""Per metric and method."""

LEAST_LABELLED = 1000
LEAST_CLASS = 50
"""Fewer labelled rows, or fewer of a class, teach nothing."""


@dataclass(frozen=True, slots=True)
class Losses:
    """The expected loss of one metric of a regression.

    Attributes:
        by_score: knows the bin of the prediction alone; ``by_columns`` all codes, None where that does not help.
        spread: standard deviation of a row's loss about what is expected of it.
    """

    by_score: ColumnLoss
    by_columns: ColumnLoss | None
    spread: float


@dataclass(frozen=True, slots=True)
class Learned:
    """Everything that estimates need.

    Attributes:
        sizes: codes of each column.
        calibration: from score to chance; None in a regression.
        columns: chances by codes; None in a regression, or where codes do not help.
        losses: per metric of a regression.
        sample: the labelled rows.
        same: the metrics over them.
        calibration_error: of chances given to rows they were not learned from; 0.0 in a regression.
    """

    sizes: tuple[int, ...]
    sample: Rows
    same: Mapping[str, Expected]
    calibration: Calibration | None = None
    columns: ColumnChances | None = None
    losses: Mapping[str, Losses] = field(default_factory=dict)
    calibration_error: float = 0.0


@dataclass(frozen=True, slots=True)
class Estimates:
    """What is said of rows without labels.

    Attributes:
        found: per metric and method.
        effective: labelled rows that the weights are worth; ``uncovered`` the share of rows unlike any labelled one.
    """

    found: Found
    effective: float
    uncovered: float
    weighted: bool


def enough(rows: Rows, *, regression: bool) -> bool:
    """Whether so many labelled rows teach anything."""
    if len(rows) < LEAST_LABELLED:
        return False
    positives = float(rows.truth.sum())
    return regression or min(positives, len(rows) - positives) >= LEAST_CLASS


def learn(rows: Rows, sizes: Sequence[int], *, regression: bool = False) -> Learned:
    """Learn from labelled rows, of which there are :func:`enough`; cross-validation decides what is kept."""
    if regression:
        return _learn_losses(rows, tuple(sizes))
    calibration, cautious = calibrate.learn(rows.scores, rows.truth)
    by_codes = np.empty_like(cautious)
    for learned, held in calibrate.folds(len(rows)):
        part = rows.take(learned)
        base = calibrate.fit(calibration.kind, part.scores, part.truth)
        mixed = 0 < part.truth.sum() < len(part)
        by_codes[held] = fit_chances(part, sizes, base).chances(rows.take(held), base) if mixed else cautious[held]
    helps = _better(rows.truth - by_codes, rows.truth - cautious, rows, sizes)
    error = calibrate.calibration_error(by_codes if helps else cautious, rows.truth)
    columns = fit_chances(rows, sizes, calibration) if helps else None
    return Learned(tuple(sizes), rows, expected(rows, rows.truth), calibration, columns, calibration_error=error)


def again(learned: Learned, rows: Rows) -> Learned:
    """The same choices learned from other rows; what they were chosen by is not asked again."""
    sizes = learned.sizes
    if learned.calibration is None:
        alone = _score_only(rows)
        losses = {}
        for name, chosen in learned.losses.items():
            own = residuals(rows, name)
            by_columns = fit_losses(rows, sizes, own) if chosen.by_columns else None
            losses[name] = Losses(fit_losses(alone, sizes[-1:], own), by_columns, chosen.spread)
        return Learned(sizes, rows, measured(rows, regression=True), losses=losses)
    base = calibrate.fit(learned.calibration.kind, rows.scores, rows.truth)
    columns = fit_chances(rows, sizes, base) if learned.columns else None
    same = expected(rows, rows.truth)
    return Learned(sizes, rows, same, base, columns, calibration_error=learned.calibration_error)


def estimate(learned: Learned, rows: Rows) -> Estimates:
    """What each method says of rows whose labels nobody knows (truths that are there are not looked at).

    Standard errors are those of drawing labels, twice: those of the rows, and those of the labelled rows that are like
    them, of which there are as many as the weights are worth (at most doubled: a lack of rows is no mere noise).
    """
    weights = rake(learned.sample.codes, shares(rows.codes, learned.sizes))
    if learned.calibration is None:
        found = _by_losses(learned, rows, weights)
    else:
        found = _by_chances(learned, learned.calibration, rows, weights)
    growth = (1 + min(1.0, len(rows) / weights.effective)) ** 0.5
    for methods in found.values():
        methods.update({method: Expected(one.value, one.error * growth) for method, one in methods.items()})
    for name, same in learned.same.items():
        found.setdefault(name, {})["same"] = same
    return Estimates(found, weights.effective, weights.uncovered, weights.usable)


def measured(rows: Rows, *, regression: bool = False) -> dict[str, Expected]:
    """The metrics of labelled rows."""
    if not regression:
        return expected(rows, rows.truth)
    return {name: of_losses(name, *_mean(residuals(rows, name))) for name in REGRESSION}


def _by_chances(learned: Learned, calibration: Calibration, rows: Rows, weights: Weights) -> Found:
    chances: dict[Method, Floats] = {"confidence": calibration.chances(rows.scores)}
    if learned.columns is not None:
        chances["columns"] = learned.columns.chances(rows, calibration)
    if weights.usable:
        kind = "logistic" if calibration.kind == "raw" else calibration.kind
        sample = learned.sample
        fitted = calibrate.fit(kind, sample.scores, sample.truth, weights.values)
        chances["weighted"] = fitted.chances(rows.scores)
    share = _share(learned, weights, "columns" in chances)
    first = chances.get("columns", chances["confidence"])
    chances["mixed"] = (1 - share) * first + share * chances.get("weighted", first)
    found: Found = {}
    for method, given in chances.items():
        for name, told in expected(rows, given).items():
            found.setdefault(name, {})[method] = told
    return found


def _by_losses(learned: Learned, rows: Rows, weights: Weights) -> Found:
    found: Found = {}
    root = float(np.sqrt(len(rows)))
    for name, losses in learned.losses.items():
        means: dict[Method, float] = {"confidence": float(losses.by_score.losses(_score_only(rows)).mean())}
        if losses.by_columns is not None:
            means["columns"] = float(losses.by_columns.losses(rows).mean())
        if weights.usable:
            own = residuals(learned.sample, name)
            means["weighted"] = float(weights.values @ own) / len(own)
        share = _share(learned, weights, losses.by_columns is not None)
        first = means.get("columns", means["confidence"])
        means["mixed"] = (1 - share) * first + share * means.get("weighted", first)
        found[name] = {method: of_losses(name, mean, losses.spread / root) for method, mean in means.items()}
    return found


def _learn_losses(rows: Rows, sizes: tuple[int, ...]) -> Learned:
    kept: dict[str, Losses] = {}
    alone = _score_only(rows)
    for name in REGRESSION:
        own = residuals(rows, name)
        by_score, by_codes = np.empty_like(own), np.empty_like(own)
        for learned, held in calibrate.folds(len(rows)):
            by_score[held] = fit_losses(alone.take(learned), sizes[-1:], own[learned]).losses(alone.take(held))
            by_codes[held] = fit_losses(rows.take(learned), sizes, own[learned]).losses(rows.take(held))
        helps = _better(own - by_codes, own - by_score, rows, sizes)
        kept[name] = Losses(
            fit_losses(alone, sizes[-1:], own),
            fit_losses(rows, sizes, own) if helps else None,
            float(np.std(own - (by_codes if helps else by_score))),
        )
    return Learned(sizes, rows, measured(rows, regression=True), losses=kept)


def _better(one: Floats, other: Floats, rows: Rows, sizes: Sequence[int]) -> bool:
    """Whether the residuals ``one`` leave the rows of each code less off than ``other`` does.

    Rows of a code are two groups, of low and of high predictions: a column may bring the chances of both towards the
    middle and leave their mean as it is.
    """
    high = rows.scores >= np.median(rows.scores)
    groups = 2 * rows.codes.astype(np.intp) + high
    twice = [2 * size for size in sizes]
    return calibrate.group_error(one, groups, twice) < calibrate.group_error(other, groups, twice)


def _share(learned: Learned, weights: Weights, columns: bool) -> float:
    """The part of ``weighted`` in ``mixed``: its effective rows beside all rows; all of it where codes do not help."""
    if not weights.usable:
        return 0.0
    return weights.effective / (weights.effective + len(learned.sample)) if columns else 1.0


def _score_only(rows: Rows) -> Rows:
    return Rows(rows.scores, rows.decided, rows.codes[-1:], rows.truth)


def _mean(values: npt.NDArray[np.float64]) -> tuple[float, float]:
    return float(values.mean()), float(values.std()) / len(values) ** 0.5
