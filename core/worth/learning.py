"""A logistic regression on the answers, calibrated by cross-fitting and judged on the newest answers, unseen.

The answers are split by time, since the program will be asked about tomorrow: the newest :data:`HELD_OUT` judge, the
rest teach. Probabilities are calibrated by Platt's method on predictions for answers that the prediction had not seen
(Platt 1999; Niculescu-Mizil and Caruana 2005), never by isotonic regression: it needs some thousand answers. Only then
is it asked whether it did better than counting; where it did not, counting stays.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from core.stats.reliability import Reliability, kept_at_least, reliability
from core.worth.features import CAUSE, vector
from core.worth.fitted import REACH, Fitted, HeldOut, Weight, sigmoid
from storage.records.worth import Example

MINIMUM = 50
"""Answers under which counting stays."""

HELD_OUT = 0.3
LEAST_HELD_OUT = 15
FOLDS = 5
LEAST_OF_EITHER = 5
"""Worthy and unworthy answers, each, without which nothing can be learned."""

LEAST_OF_A_CAUSE = 5
"""Examples of a cause from which on it has a weight of its own."""

STRENGTH = 0.05
"""Inverse strength of the ridge penalty on standardised features: far more features than a few dozen answers bear."""

KEEP = 0.95
"""Share of the worthy tickets that must stay tickets, with :data:`CONFIDENCE`."""

CONFIDENCE = 0.9
HIGHEST_FLOOR = 0.2
"""No alert that is acted on more often than this goes down."""


def learn(examples: Sequence[Example]) -> Fitted:
    """Learn from answers and silences.

    Args:
        examples: in order of time; those of weight 1 were answered, and only these judge.

    Returns:
        A model whose ``in_force`` says whether it may be asked, and whose ``verdict`` says why.
    """
    answers = [e for e in examples if e.weight == 1.0]
    worth = sum(e.worth for e in answers)
    if len(answers) < MINIMUM:
        return _nothing(examples, f"{len(answers)} answers of {MINIMUM}: counting until then")
    newest = answers[-max(LEAST_HELD_OUT, round(HELD_OUT * len(answers))) :]
    seen = [e for e in examples if e.alert_id < newest[0].alert_id]
    if min(_both(seen)) < LEAST_OF_EITHER:
        return _nothing(examples, "nearly all answers are alike: there is nothing to tell apart")
    early = _Model(seen)
    said = [early.probability(e) for e in newest]
    held_out = _judged(newest, said, seen, early)
    whole = _Model(examples)
    ahead = (held_out.model.auc or 0.0) >= (held_out.counts.auc or 0.0) and held_out.model.brier < held_out.counts.brier
    in_force = ahead and early.slope > 0 and whole.slope > 0
    if not in_force:
        held_out = replace(held_out, floor=0.0, kept=1.0, lowered=0)
    return Fitted(
        weights=whole.weights,
        intercept=whole.intercept,
        slope=whole.slope,
        shift=whole.shift,
        answers=len(answers),
        worth=worth,
        silent=len(examples) - len(answers),
        held_out=held_out,
        in_force=in_force,
        verdict=_verdict(held_out, in_force),
    )


class _Model:
    """One fit: scaled features, weights, and Platt's two numbers from predictions across folds."""

    def __init__(self, examples: Sequence[Example]) -> None:
        causes = Counter(name for e in examples for name in e.features if name.startswith(CAUSE))
        rare = {name for name, n in causes.items() if n < LEAST_OF_A_CAUSE}
        self.names = sorted({name for e in examples for name in e.features} - rare)
        self.weights, self.intercept = _regression(examples, self.names)
        self.margins = self._across(examples)
        answers = [(z, e) for z, e in zip(self.margins, examples, strict=True) if e.weight == 1.0]
        self.slope, self.shift = _platt([z for z, _ in answers], [e.worth for _, e in answers])

    def probability(self, example: Example) -> float:
        return self.calibrated(_margin(self.weights, self.intercept, example))

    def calibrated(self, margin: float) -> float:
        return sigmoid(self.slope * margin + self.shift)

    def _across(self, examples: Sequence[Example]) -> list[float]:
        """The margin of each example by a fit that has not seen it: folds are stretches of time."""
        margins: list[float] = []
        for k in range(FOLDS):
            start, end = (len(examples) * k // FOLDS, len(examples) * (k + 1) // FOLDS)
            others = [*examples[:start], *examples[end:]]
            weights, intercept = _regression(others, self.names)
            margins += [_margin(weights, intercept, e) for e in examples[start:end]]
        return margins


def _regression(examples: Sequence[Example], names: Sequence[str]) -> tuple[tuple[Weight, ...], float]:
    """Ridge-penalised weights of standardised features; the constant alone where all examples are alike."""
    import numpy as np
    from sklearn.linear_model import LogisticRegression

    table = np.array([vector(e.features, names) for e in examples], dtype=float)
    y = np.array([e.worth for e in examples])
    weight = np.array([e.weight for e in examples])
    if y.all() or not y.any():
        return (), math.log((y.sum() + 1) / ((~y).sum() + 1))
    mean, scale = table.mean(axis=0), table.std(axis=0)
    told = scale > 1e-9
    fit: Any = LogisticRegression(C=STRENGTH, max_iter=1_000, tol=1e-8)
    standard = np.clip((table[:, told] - mean[told]) / scale[told], -REACH, REACH)
    fit.fit(standard, y, sample_weight=weight)
    kept = [i for i, tells in enumerate(told) if tells]
    weights = tuple(
        Weight(names[i], float(mean[i]), float(scale[i]), float(w)) for i, w in zip(kept, fit.coef_[0], strict=True)
    )
    return weights, float(fit.intercept_[0])


def _margin(weights: Sequence[Weight], intercept: float, example: Example) -> float:
    return intercept + sum(w.part(example.features) for w in weights)


def _platt(margins: Sequence[float], worth: Sequence[bool]) -> tuple[float, float]:
    """Slope and shift; the targets are Platt's, a little inside 0 and 1: few answers are not trusted blindly."""
    import numpy as np
    from sklearn.linear_model import LogisticRegression

    yes = sum(worth)
    no = len(worth) - yes
    target = np.where(np.array(worth), (yes + 1) / (yes + 2), 1 / (no + 2))
    z = np.array(margins).reshape(-1, 1)
    fit: Any = LogisticRegression(C=1e6, max_iter=1_000, tol=1e-8)
    halves = np.concatenate([np.ones(len(z), bool), np.zeros(len(z), bool)])
    fit.fit(np.vstack([z, z]), halves, sample_weight=np.concatenate([target, 1 - target]))
    return float(fit.coef_[0][0]), float(fit.intercept_[0])


def _judged(newest: Sequence[Example], said: Sequence[float], seen: Sequence[Example], early: _Model) -> HeldOut:
    """How the model did beside counting on the newest answers; and the floor under which tickets may go down."""
    outcome = [e.worth for e in newest]
    model = reliability(said, outcome)
    counts = reliability([e.counted for e in newest], outcome)
    # The floor rests on every answer that was predicted unseen: the newest ones, and the earlier ones across folds.
    earlier = [(early.calibrated(z), e) for z, e in zip(early.margins, seen, strict=True) if e.weight == 1.0]
    tickets = [(p, e.worth) for p, e in [*earlier, *zip(said, newest, strict=True)] if not e.exempt]
    late = [(p, e.worth) for p, e in zip(said, newest, strict=True) if not e.exempt]
    floor = _floor(tickets, late) if _calibrated(model, said) else 0.0
    worthy = sum(worth for _, worth in tickets)
    lost = sum(worth and p < floor for p, worth in tickets)
    return HeldOut(
        model=model,
        counts=counts,
        floor=floor,
        kept=1 - lost / worthy if worthy else 1.0,
        kept_at_least=kept_at_least(lost, worthy, CONFIDENCE),
        worthy=worthy,
        lowered=sum(p < floor for p, _ in tickets),
        trained=sum(e.weight == 1.0 for e in seen),
    )


def _calibrated(model: Reliability, said: Sequence[float]) -> bool:
    """Neither single probabilities nor their mean are off by more than chance."""
    error = math.sqrt(sum(p * (1 - p) for p in said)) / max(len(said), 1)
    mean = sum(said) / max(len(said), 1)
    return model.calibrated and abs(mean - model.positives / max(model.n, 1)) <= 2 * error


def _floor(tickets: Sequence[tuple[float, bool]], late: Sequence[tuple[float, bool]]) -> float:
    """The highest floor that keeps the worthy, over all and on the newest alone; 0 where none does."""
    worthy = sum(worth for _, worth in tickets)
    for step in range(round(HIGHEST_FLOOR * 100), 0, -1):
        floor = step / 100
        lost = sum(worth and p < floor for p, worth in tickets)
        lost_late = sum(worth and p < floor for p, worth in late)
        enough = lost_late <= (1 - KEEP) * sum(worth for _, worth in late)
        if enough and kept_at_least(lost, worthy, CONFIDENCE) >= KEEP:
            return floor
    return 0.0


def _both(examples: Sequence[Example]) -> tuple[int, int]:
    worth = sum(e.worth for e in examples)
    return worth, len(examples) - worth


def _verdict(held_out: HeldOut, in_force: bool) -> str:
    model, counts = held_out.model, held_out.counts
    told = f"Brier {model.brier:.3f} against {counts.brier:.3f} by counting"
    if model.auc is not None and counts.auc is not None:
        told += f", AUC {model.auc:.2f} against {counts.auc:.2f}"
    told += f", on the newest {model.n} answers, unseen"
    return f"better than counting: {told}" if in_force else f"no better than counting: {told}"


def _nothing(examples: Sequence[Example], verdict: str) -> Fitted:
    empty = reliability((), ())
    answers = [e for e in examples if e.weight == 1.0]
    return Fitted(
        weights=(),
        intercept=0.0,
        slope=1.0,
        shift=0.0,
        answers=len(answers),
        worth=sum(e.worth for e in answers),
        silent=len(examples) - len(answers),
        held_out=HeldOut(empty, empty, 0.0, 1.0, 0.0, 0, 0, 0),
        in_force=False,
        verdict=verdict,
    )
