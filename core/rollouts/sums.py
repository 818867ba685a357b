"""Raw counts of both arms from the values of their rows; equal rows give equal sums to the last bit.

Totals are rounded once (``math.fsum``), so they do not depend on the order in which rows were read.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from storage.records.looks import Binary, Means, Moments, PairedBinary, PairedMeans, Ranks, Sums

if TYPE_CHECKING:
    import numpy.typing as npt

    from storage.records.rollouts import GuardrailRule

    Floats = npt.NDArray[np.float64]
    Keys = npt.NDArray[np.uint64]


@dataclass(frozen=True, slots=True)
class ArmRows:
    """Rows of one arm that a guardrail is about.

    Attributes:
        values: the signal, NaN where a row has none.
        keys: of the user, or of the request where pairs are counted; None where rows stand for themselves.
        covariate: NaN where a row has none; None without a covariate.
        unreadable: rows whose answer can't be read.
        labels: rows with a label that can be read; ``unfit`` have one that can't.
    """

    values: Floats
    keys: Keys | None = None
    covariate: Floats | None = None
    unreadable: int = 0
    labels: int = 0
    unfit: int = 0

    @property
    def known(self) -> int:
        """Rows with a value."""
        return int(np.isfinite(self.values).sum())


def sums_of(rule: GuardrailRule, canary: ArmRows, control: ArmRows) -> Sums:
    """The counts of one guardrail in one window."""
    if rule.method in ("paired odds", "paired mean"):
        return _paired(rule.method == "paired odds", canary, control)
    ours, theirs = (units(arm, any_event=rule.method == "odds") for arm in (canary, control))
    if rule.method == "odds":
        return Binary(
            ours.values.size, int((ours.values > 0.5).sum()), theirs.values.size, int((theirs.values > 0.5).sum())
        )
    if rule.method == "rank":
        return ranks(ours.values, theirs.values)
    filled = _filled(ours, theirs)
    return Means(moments(ours.values, filled[0]), moments(theirs.values, filled[1]))


def moments(values: Floats, covariate: Floats | None = None) -> Moments:
    """Sums of an arm.

    >>> moments(np.array([1.0, 2.0]), np.array([3.0, 5.0]))
    Moments(n=2, total=3.0, squares=5.0, covariate=8.0, covariate_squares=34.0, product=13.0)
    """
    own = (int(values.size), _sum(values), _sum(values * values))
    if covariate is None:
        return Moments(*own)
    return Moments(*own, _sum(covariate), _sum(covariate * covariate), _sum(values * covariate))


def ranks(canary: Floats, control: Floats) -> Ranks:
    """How often a unit of the candidate's arm has the larger value, and the correction for ties.

    >>> ranks(np.array([2.0, 3.0]), np.array([1.0, 2.0]))
    Ranks(canary=2, control=2, auc=0.875, ties=0.5)
    """
    ours, theirs = int(canary.size), int(control.size)
    if not ours or not theirs:
        return Ranks(ours, theirs, 0.5, 0.0)
    below = np.searchsorted(np.sort(control), canary, side="left")
    upto = np.searchsorted(np.sort(control), canary, side="right")
    twice = int(below.sum(dtype=np.int64)) + int(upto.sum(dtype=np.int64))
    _, groups = np.unique(np.concatenate([canary, control]), return_counts=True)
    together = ours + theirs
    tied = sum(int(t) ** 3 - int(t) for t in groups[groups > 1])
    return Ranks(ours, theirs, twice / (2 * ours * theirs), tied / (together * (together - 1)))


def units(arm: ArmRows, *, any_event: bool) -> ArmRows:
    """The rows with a value; with keys, one unit a user: whether any event was, or the mean of the rows."""
    kept = np.isfinite(arm.values)
    values = arm.values[kept]
    covariate = None if arm.covariate is None else arm.covariate[kept]
    if arm.keys is None:
        return ArmRows(values, None, covariate)
    _, places, rows = np.unique(arm.keys[kept], return_inverse=True, return_counts=True)
    if any_event:
        events = np.bincount(places, weights=values > 0.5, minlength=rows.size)
        return ArmRows((events > 0).astype(np.float64))
    return ArmRows(_means(places, values, rows), None, None if covariate is None else _known_means(places, covariate))


def _means(places: npt.NDArray[Any], values: Floats, rows: npt.NDArray[Any]) -> Floats:
    means: Floats = np.bincount(places, weights=values, minlength=rows.size) / rows
    return means


def _known_means(places: npt.NDArray[Any], values: Floats) -> Floats:
    """Means of the values that are known, NaN where none is."""
    known, size = np.isfinite(values), int(places.max(initial=-1)) + 1
    rows = np.bincount(places[known], minlength=size)
    totals = np.bincount(places[known], weights=values[known], minlength=size)
    means: Floats = np.divide(totals, rows, out=np.full(size, np.nan), where=rows > 0)
    return means


def _filled(ours: ArmRows, theirs: ArmRows) -> tuple[Floats | None, Floats | None]:
    """Both covariates; a unit that has none gets the mean of the others, which moves no difference."""
    if ours.covariate is None or theirs.covariate is None:
        return None, None
    both = np.concatenate([ours.covariate, theirs.covariate])
    known = both[np.isfinite(both)]
    mean = _sum(known) / known.size if known.size else 0.0
    one, other = (np.where(np.isfinite(c), c, mean) for c in (ours.covariate, theirs.covariate))
    return one, other


def _paired(binary: bool, canary: ArmRows, control: ArmRows) -> PairedBinary | PairedMeans:
    ours, theirs = _by_request(canary), _by_request(control)
    _, one, other = np.intersect1d(ours[0], theirs[0], assume_unique=True, return_indices=True)
    mine, its = ours[1][one], theirs[1][other]
    if binary:
        event, base = mine > 0.5, its > 0.5
        return PairedBinary(int(one.size), int((event & ~base).sum()), int((base & ~event).sum()))
    differences = mine - its
    return PairedMeans(int(one.size), _sum(differences), _sum(differences * differences))


def _by_request(arm: ArmRows) -> tuple[Keys, Floats]:
    """Requests in order of their keys, each with its last value."""
    if arm.keys is None:
        raise ValueError("pairs are counted by request")
    kept = np.isfinite(arm.values)
    keys, last = np.unique(arm.keys[kept][::-1], return_index=True)
    return keys, arm.values[kept][::-1][last]


def _sum(values: Floats) -> float:
    return math.fsum(values.tolist())
