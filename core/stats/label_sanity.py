"""Whether labels can be believed: flipped ones mirror the base rate and turn the AUC under one half."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

LEAST_LABELS = 100
"""Fewer labels than this tell nothing about their rate."""

FAR = 0.1
"""How far a base rate must have moved before it can be called mirrored."""

CLEAR = 4.0
"""Standard errors that set a moved rate apart from chance."""


@dataclass(frozen=True, slots=True)
class LabelRate:
    """Labels of one batch: how many, and how many of them positive."""

    n: int
    positive: int

    @property
    def rate(self) -> float:
        """Share of positive labels, 0.0 without labels."""
        return self.positive / self.n if self.n else 0.0


@dataclass(frozen=True, slots=True)
class Ranking:
    """How well the predictions of a batch rank its labels, and how well those of earlier batches ranked theirs.

    Attributes:
        auc, past_auc: in [0, 1]; ``error`` is the standard error of their difference.
        moved: the predictions themselves are not what they were.
    """

    auc: float
    past_auc: float
    error: float
    moved: bool


@dataclass(frozen=True, slots=True)
class LabelVerdict:
    """What the labels of a batch look like.

    Attributes:
        verdict: ``flipped`` says yes and no changed places, in all rows or in a part, ``moved`` that the base rate left
            its own past,
            ``no_data`` that there are too few labels or no history.
        reasons: one sentence each.
        rate, expected: share of positive labels now, and in history (pooled).
    """

    verdict: Literal["fine", "flipped", "moved", "no_data"]
    reasons: tuple[str, ...]
    rate: float | None = None
    expected: float | None = None


def judge(
    now: LabelRate,
    history: Sequence[LabelRate],
    auc_high: float | None = None,
    n_auc: int = 0,
    ranking: Ranking | None = None,
) -> LabelVerdict:
    """Judge the labels of a batch against those of earlier ones.

    Labels are called flipped when the AUC lies wholly under one half, or when the base rate is nearer to its mirror
    image than to itself, far from it, and further than both chance and its usual swing explain. A base rate near one
    half has no mirror image: there only the AUC can tell. A part of the labels is called flipped when the base rate
    went towards its mirror image, the AUC fell as far as so many flipped labels would bring it, and the predictions
    stayed: a world that changed would not keep to that sum.

    Args:
        now: labels of the batch.
        history: labels of earlier batches, in any order.
        auc_high: upper end of the batch's AUC interval, None when unknown.
        n_auc: labels that the AUC rests on.
        ranking: for flips in a part of the rows, None when unknown.

    >>> judge(LabelRate(1_000, 880), [LabelRate(1_000, 118), LabelRate(1_000, 123)]).verdict
    'flipped'
    >>> judge(LabelRate(1_000, 125), [LabelRate(1_000, 118), LabelRate(1_000, 123)], auc_high=0.81).verdict
    'fine'
    """
    if now.n < LEAST_LABELS:
        return LabelVerdict("no_data", (f"{now.n} labels: {LEAST_LABELS} are needed to judge them",))
    reasons: list[str] = []
    if auc_high is not None and auc_high < 0.5 and n_auc >= LEAST_LABELS:
        reasons.append(f"the AUC is under one half (at most {auc_high:.3f}): predictions point the wrong way")
    past = [h for h in history if h.n >= LEAST_LABELS]
    if not past:
        if reasons:
            return LabelVerdict("flipped", tuple(reasons), now.rate)
        return LabelVerdict("no_data", ("no earlier labels to compare with",), now.rate)
    expected = sum(h.positive for h in past) / sum(h.n for h in past)
    noise = CLEAR * _swing(now, past, expected)
    away, mirrored = abs(now.rate - expected), abs(now.rate - (1 - expected))
    moved = away > max(FAR, noise)
    if moved and mirrored < away / 2:
        reasons.append(f"{now.rate:.1%} of labels are positive, {expected:.1%} before: the mirror image")
    part = partly(now.rate, expected, ranking) if moved and ranking is not None and not reasons else None
    if part is not None and ranking is not None:
        reasons.append(
            f"{now.rate:.1%} of labels are positive, {expected:.1%} before, and the AUC is {ranking.auc:.3f}, "
            f"{ranking.past_auc:.3f} before: both as if {part:.0%} of the labels were turned round; "
            "the predictions did not move"
        )
    if reasons:
        return LabelVerdict("flipped", tuple(reasons), now.rate, expected)
    if moved:
        told = f"{now.rate:.1%} of labels are positive, {expected:.1%} before"
        return LabelVerdict("moved", (told,), now.rate, expected)
    return LabelVerdict("fine", (), now.rate, expected)


def partly(rate: float, expected: float, ranking: Ranking) -> float | None:
    """The share of flipped labels that explains base rate and AUC at once; None when none does.

    With a share f of labels flipped at random the base rate p becomes p + f (1 - 2p), and the AUC
    1/2 + (a - b) (AUC - 1/2), where a and b are the chances that a row labelled yes, and no, is truly a yes.

    >>> round(partly(0.434, 0.28, Ranking(0.556, 0.72, 0.03, moved=False)), 2)
    0.35
    >>> partly(0.434, 0.28, Ranking(0.72, 0.72, 0.03, moved=False)) is None
    True
    """
    if ranking.moved or abs(1 - 2 * expected) < 0.1:
        return None
    f = (rate - expected) / (1 - 2 * expected)
    if not 0 < f < 1 or ranking.past_auc <= 0.5:
        return None
    yes = expected * (1 - f) / max(rate, 1e-9)
    no = expected * f / max(1 - rate, 1e-9)
    told = 0.5 + (yes - no) * (ranking.past_auc - 0.5)
    fell = ranking.auc < ranking.past_auc - 2 * ranking.error
    return f if fell and abs(ranking.auc - told) <= 3 * ranking.error else None


def _swing(now: LabelRate, past: Sequence[LabelRate], expected: float) -> float:
    """Standard deviation of a batch's rate: chance with so many labels, or what history swings, whichever is more."""
    chance = math.sqrt(max(expected * (1 - expected), 1e-4) / now.n)
    spread = math.sqrt(sum((h.rate - expected) ** 2 for h in past) / (len(past) - 1)) if len(past) > 1 else 0.0
    return max(chance, spread)
