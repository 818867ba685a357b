"""What a metric is: sums over rows that merge, and a reading of them with an interval."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from storage.records.models import Task

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Array: TypeAlias = npt.NDArray[np.float64]

State = dict[str, Any]
"""Mergeable sums: numbers and lists of numbers only, since they are stored as JSON."""

Direction = Literal["up", "down", "zero", "none"]
"""Which way is good; ``zero`` means near 0, ``none`` that neither way is better."""

BINARY: tuple[Task, ...] = ("binary",)
REGRESSION: tuple[Task, ...] = ("regression",)


def nothing() -> Array:
    """An empty array, for what a log doesn't have."""
    import numpy as np

    return np.empty(0, dtype=np.float64)


@dataclass(frozen=True, slots=True)
class Sample:
    """Rows as metrics see them; arrays of one length, NaN where a row has no value.

    Attributes:
        scores: binary: the score of the positive class, or the class as 0 and 1; regression: the predicted value;
            multiclass: a number that stands for the predicted class.
        labels: binary: 0 or 1; regression: the true value; multiclass: the number of the true class.
        latency: milliseconds, empty when the log has none.
        threshold: from which score on a binary prediction counts as positive.
        classes: the class that the serving system decided on, 0 or 1, NaN where it told none; empty when it never does.
    """

    task: Task
    scores: Array
    labels: Array
    latency: Array = field(default_factory=nothing)
    threshold: float = 0.5
    classes: Array = field(default_factory=nothing)

    def positive(self) -> npt.NDArray[np.bool_]:
        """Which rows of a binary task were predicted positive: as decided by the serving system, else by threshold."""
        import numpy as np

        by_score = self.scores >= self.threshold
        if self.classes.size == 0:
            return by_score
        return np.where(np.isnan(self.classes), by_score, self.classes == 1)

    def judged(self) -> npt.NDArray[np.bool_]:
        """Which rows have a usable prediction and a label."""
        import numpy as np

        return self.usable() & np.isfinite(self.labels)

    def usable(self) -> npt.NDArray[np.bool_]:
        """Which predictions can be judged: finite, and in a binary task within [0, 1]."""
        import numpy as np

        good = np.isfinite(self.scores)
        return good & (self.scores >= 0) & (self.scores <= 1) if self.task == "binary" else good

    def labelled(self) -> tuple[Array, Array]:
        """Predictions and labels of the rows that have a usable one of each."""
        good = self.judged()
        return self.scores[good], self.labels[good]


@dataclass(frozen=True, slots=True)
class Reading:
    """A metric's value with its 95 % interval and the rows it rests on; ``note`` says why there is no value."""

    value: float | None
    low: float | None
    high: float | None
    n: int
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric of the registry.

    Attributes:
        direction: which way is good: it belongs to the metric, never to the caller.
        needs_labels: whether it waits for labels.
        unit: of the value, empty for a plain number.
        meaning: one line that says what the number means.
        sums, merge, read: the monoid; ``merge(sums(a), sums(b))`` reads as ``sums(a + b)``.
    """

    name: str
    tasks: tuple[Task, ...]
    direction: Direction
    needs_labels: bool
    unit: str
    meaning: str
    sums: Callable[[Sample], State]
    merge: Callable[[State, State], State]
    read: Callable[[State], Reading]
    kind: Literal["ml", "ops"] = "ml"
    default_for: tuple[Task, ...] = ()


def missing(n: int, note: str) -> Reading:
    """The reading of what can't be told."""
    return Reading(None, None, None, n, note)
