"""How far estimates were off where labels have come since: which method to show, with what interval, or none at all."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from core.stats.estimation.calibration import FOLDS
from core.stats.estimation.expected import Expected
from core.stats.estimation.learned import METHODS, Learned, Method, again, enough, estimate, measured
from core.stats.intervals import Z95

WINDOWS = 12
"""The newest windows that a verdict rests on."""
LEAST_WINDOWS = 3
MOST_CALIBRATION_ERROR = 0.05
MOST_UNCOVERED = 0.1
"""More of a batch's rows unlike any labelled row than this, and nothing is said of it."""
NOISE = 2.0
"""An error up to so many times the one of drawing labels is as good as an estimate gets."""
WORTH = 0.7
"""A larger error must at least be this much smaller than that of saying that nothing has changed."""
LEAST_CHUNK = 250
_MEAN_OF_NORMAL = math.sqrt(2 / math.pi)


@dataclass(frozen=True, slots=True)
class Window:
    """A window whose labels have come: what each method had said without them, and the truth.

    ``error`` is the standard error that drawing labels leaves any estimate of it.
    """

    said: Mapping[Method, float]
    truth: float
    error: float


@dataclass(frozen=True, slots=True)
class Verdict:
    """Which method is shown, and whether.

    Attributes:
        own_error: mean absolute error of that method over ``windows`` windows; None without any.
        same_error: that of saying that the metric is what it was.
        systematic: standard deviation of the method's errors beyond that of drawing labels.
        usable: whether the estimate is shown as a number; ``why_not`` says in words why it is not, else it is empty.
    """

    method: Method
    windows: int
    own_error: float | None
    same_error: float | None
    systematic: float
    usable: bool
    why_not: str = ""


def cut(learned: Learned, *, chunk: int) -> dict[str, list[Window]]:
    """Windows made of the labelled rows: each part of them estimated by what the others teach, per metric.

    Parts are contiguous in the order of the rows, so that what drifts among them counts.

    Args:
        chunk: rows of a window; those of the batches that will be estimated.
    """
    rows, regression = learned.sample, learned.calibration is None
    found: dict[str, list[Window]] = {}
    for held in np.array_split(np.arange(len(rows)), FOLDS):
        part = rows.take(np.delete(np.arange(len(rows)), held))
        if not enough(part, regression=regression):
            continue
        taught = again(learned, part)
        pieces = max(1, min(len(held) // max(chunk, LEAST_CHUNK), 4))
        for piece in np.array_split(held, pieces):
            window = rows.take(piece)
            told = estimate(taught, window).found
            for name, truth in measured(window, regression=regression).items():
                if name in told:
                    said = {method: one.value for method, one in told[name].items()}
                    found.setdefault(name, []).append(Window(said, truth.value, told[name]["confidence"].error))
    return found


def judge(
    windows: Sequence[Window],
    available: Sequence[Method],
    *,
    calibration_error: float = 0.0,
    uncovered: float = 0.0,
) -> Verdict:
    """Choose among the methods that said something of a batch, by the newest windows, the oldest first.

    The first in the order of trust is kept unless another was nearer by more than the noise of the comparison.
    """
    ordered = [method for method in METHODS if method in available and method != "same"]
    if not ordered:
        return Verdict("same", 0, None, None, 0.0, False, "no estimate: too few labelled rows to learn from")
    newest = list(windows)[-WINDOWS:]
    best = ordered[0]
    for method in ordered[1:]:
        if _nearer(newest, method, best):
            best = method
    known = [window for window in newest if best in window.said]
    if len(known) < LEAST_WINDOWS:
        few = f"no estimate: only {len(known)} earlier windows to try it on, {LEAST_WINDOWS} are needed"
        return Verdict(best, len(known), None, None, 0.0, False, few)
    off = np.array([window.said[best] - window.truth for window in known])
    same = np.array([window.said["same"] - window.truth for window in known if "same" in window.said])
    noise = np.array([window.error for window in known])
    own, constant = float(np.abs(off).mean()), float(np.abs(same).mean()) if same.size else None
    systematic = math.sqrt(max(0.0, float((off**2).mean() - (noise**2).mean())))
    why = _why_not(known, best, own, constant, float(noise.mean()), calibration_error, uncovered)
    return Verdict(best, len(known), own, constant, systematic, not why, why)


def interval(told: Expected, verdict: Verdict) -> tuple[float, float]:
    """The 95 % interval: drawing labels, and by how much the method was off beyond that."""
    widened = verdict.systematic * math.sqrt(1 + 1 / max(1, verdict.windows))
    half = Z95 * math.hypot(told.error, widened)
    return told.value - half, told.value + half


def _why_not(
    known: Sequence[Window],
    method: Method,
    own: float,
    constant: float | None,
    noise: float,
    calibration_error: float,
    uncovered: float,
) -> str:
    windows = f"on the last {len(known)} windows"
    if uncovered > MOST_UNCOVERED:
        return f"no estimate: {uncovered:.0%} of its rows are unlike any labelled row"
    if calibration_error > MOST_CALIBRATION_ERROR:
        return f"no estimate: chances are off by {calibration_error:.2g}, more than {MOST_CALIBRATION_ERROR:g}"
    if constant is None:
        return ""
    if _farther(known, method):
        return f"no estimate: off by {own:.2g} {windows}, more than saying that nothing changed ({constant:.2g})"
    if own > NOISE * _MEAN_OF_NORMAL * noise and own > WORTH * constant:
        return f"no estimate: off by {own:.2g} {windows}"
    return ""


def _nearer(windows: Sequence[Window], one: Method, other: Method) -> bool:
    """Whether ``one`` was nearer than ``other``, by more than two standard errors of the paired difference."""
    gains = [abs(w.said[other] - w.truth) - abs(w.said[one] - w.truth) for w in windows if {one, other} <= set(w.said)]
    if len(gains) < LEAST_WINDOWS:
        return False
    return float(np.mean(gains)) > 2 * float(np.std(gains, ddof=1)) / math.sqrt(len(gains))


def _farther(windows: Sequence[Window], method: Method) -> bool:
    """Whether saying that nothing changed was nearer, by more than the noise of the comparison."""
    return _nearer([w for w in windows if "same" in w.said], "same", method)
