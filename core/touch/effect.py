"""What a fault does to the predictions, in numbers and in words."""

from __future__ import annotations

from dataclasses import dataclass

from core.checks.base import percent


@dataclass(frozen=True, slots=True)
class Side:
    """Predictions of some rows: their number, mean, and share at or over the decision threshold (binary, else None)."""

    rows: int
    mean: float | None
    positive: float | None


@dataclass(frozen=True, slots=True)
class Weight:
    """How much the accused column weighs: as the model file says, or as predictions vary with it.

    Attributes:
        value: the model file's weight, or the share of the variance of the predictions between values of the column
            (tenths of a number's rows), 0 to 1: an association, which is no proof.
    """

    column: str
    value: float
    source: str


@dataclass(frozen=True, slots=True)
class Touch:
    """How the fault of an alert would touch the model.

    Attributes:
        failing: the rows that the finding names; of a fault without rows of its own, every row.
        others: the other rows of the batch; None where every row fails.
        past: the predictions of the batches it is compared with, in the same slice where the fault is in one.
        threshold: from which on a prediction is a positive decision; None where there is none.
        metric: the batch's measured metric against its past, or why there is none, in words.
        note: what could not be read, and why.
    """

    rows: int
    failing: Side
    others: Side | None
    past: Side | None
    threshold: float | None
    weight: Weight | None
    metric: str | None
    note: str | None = None

    @property
    def most(self) -> float | None:
        """The largest share of decisions that the fault can change: that of its rows; None when all rows fail."""
        return self.failing.rows / self.rows if self.rows and self.others is not None else None

    @property
    def words(self) -> tuple[str, ...]:
        """One sentence a fact, the predictions first."""
        told = [self._predictions(), self._decisions(), self._weight(), self.metric, self.note]
        return tuple(sentence for sentence in told if sentence)

    def _predictions(self) -> str | None:
        if self.failing.mean is None:
            return None
        whose = f"these {self.failing.rows:,} rows" if self.others else f"all {self.failing.rows:,} rows"
        against = [
            f"{_beside(self.failing.mean - side.mean)} {name}"
            for side, name in ((self.past, "their past"), (self.others, "the other rows"))
            if side is not None and side.mean is not None
        ]
        told = f"predictions of {whose} average {self.failing.mean:.3g}"
        return f"{told}: {', '.join(against)}" if against else told

    def _decisions(self) -> str | None:
        if self.most is not None:
            decisions = "decisions" if self.threshold is not None else "predictions"
            return f"at most {percent(self.most)} of {decisions} change: the share of these rows"
        now, then = self.failing.positive, self.past.positive if self.past else None
        if now is None or then is None or self.threshold is None:
            return None
        return f"{percent(now)} of decisions are positive ({self.threshold:g} and up), {percent(then)} in the past"

    def _weight(self) -> str | None:
        if self.weight is None:
            return None
        column, value = self.weight.column, self.weight.value
        if self.weight.source == "model file":
            return f"{column!r} weighs {value:g} in the model file"
        return f"predictions vary with {column!r}: {percent(value)} of their variance, {self.weight.source}"


def _beside(difference: float) -> str:
    """How far from something.

    >>> _beside(0.0812), _beside(-0.2), _beside(0.00001)
    ('0.0812 higher than', '0.2 lower than', 'as')
    """
    if abs(difference) < 5e-4:
        return "as"
    return f"{abs(difference):.3g} {'higher' if difference > 0 else 'lower'} than"
