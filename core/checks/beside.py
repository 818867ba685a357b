"""What a check gets beside the batch: rows with known answers, and the rows that the version learned from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from core.stats.profile import BatchProfile


@dataclass(frozen=True, slots=True)
class GoldenAnswer:
    """One row with a known answer, as this batch has it.

    Attributes:
        differing: features that are not what they were when the row was frozen; ``compared`` is how many were compared.
        expected, told: the score then and now; ``told`` is None when the row came back without a number.
        present: the batch holds the row; else a scorer answered to the frozen features, and no feature is compared.
    """

    id: str
    set_name: str
    differing: tuple[str, ...]
    compared: int
    expected: float
    told: float | None
    present: bool = True


@dataclass(frozen=True, slots=True)
class Training:
    """The rows that a version learned from, as far as they are known.

    Attributes:
        profile: None when no rows are known.
        alone: AUC of each feature alone against the label, 0.5 to 1.
        late: rows whose value in a time column lies after the moment of the prediction.
        known_ids: rows of the batch whose id is among the training rows.
        offline: metrics as measured when it was trained; ``live`` the same metrics over this version's labelled batches
            as value, standing error and number of labels.
    """

    version: str
    profile: BatchProfile | None = None
    alone: Mapping[str, float] = field(default_factory=dict)
    late: Mapping[str, int] = field(default_factory=dict)
    known_ids: int = 0
    offline: Mapping[str, float] = field(default_factory=dict)
    live: Mapping[str, tuple[float, float, int]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Beside:
    """Everything that is not in the batch; ``reasons`` tells what could not be had, by check."""

    golden: tuple[GoldenAnswer, ...] = ()
    training: Training | None = None
    reasons: Mapping[str, str] = field(default_factory=dict)
