"""Offline evaluations: the suite they were made by, what was found, and who answers for the primary metric."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from storage.records.kept_slices import SliceKind
from storage.records.slices import Predicate

Comparison = Literal["better", "not worse", "worse", "not sure"]
"""Of a candidate with its baseline, as far as the interval tells: not worse means within the suite's margin."""

Standing = Literal["holds", "broken", "not sure"]
DataKind = Literal["files", "batches", "set"]


@dataclass(frozen=True, slots=True)
class DataNamed:
    """The rows of an evaluation, by name and by hash.

    Attributes:
        names: paths, numbers of batches, or name and version of an evaluation set.
        sha256: of each, in the order of the names.
        labels: hashes of the late labels that were joined, sorted.
    """

    kind: DataKind
    names: tuple[str, ...]
    sha256: tuple[str, ...]
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SuiteSpec:
    """What an evaluation was made by.

    Attributes:
        document: canonical JSON of metrics, margin, slices with floors, evaluation sets, split, simple baseline, data.
        sha256: of the document; numbers of different hashes are never compared.
    """

    document: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Figure:
    """A number with its 95 % interval and the rows it rests on; ``note`` says why there is none."""

    value: float | None
    low: float | None
    high: float | None
    n: int
    note: str | None = None


@dataclass(frozen=True, slots=True)
class MetricCompared:
    """One metric of both versions on the same rows.

    Attributes:
        direction: which way is good: ``up``, ``down``, ``zero`` or ``none``.
        difference: candidate minus baseline, in the metric's own unit (of their sizes where near zero is good).
        method: where the interval of the difference comes from.
    """

    metric: str
    kind: Literal["ml", "business", "ops"]
    direction: str
    primary: bool
    candidate: Figure
    baseline: Figure | None
    difference: Figure | None
    method: str


@dataclass(frozen=True, slots=True)
class PartCompared:
    """All rows, or those of one kept slice.

    Attributes:
        name: of the slice; ``all rows`` for all.
        kind: of the slice; None for all rows.
        floor: of the primary metric; ``standing`` of the candidate against it, None without a floor.
        note: why it could not be told.
    """

    name: str
    kind: SliceKind | None
    predicates: tuple[Predicate, ...]
    rows: int
    labelled: int
    floor: float | None
    standing: Standing | None
    metrics: tuple[MetricCompared, ...]
    note: str | None = None

    @property
    def primary(self) -> MetricCompared | None:
        """The comparison by the primary metric."""
        return next((metric for metric in self.metrics if metric.primary), None)

    @property
    def vetoes(self) -> bool:
        """Whether a broken floor here holds the candidate, whatever the mean."""
        return self.kind in ("critical", "scenario") and self.floor is not None


@dataclass(frozen=True, slots=True)
class Door:
    """Where a version's predictions came from.

    Attributes:
        kind: a file of scores, the logs, the model file's scorer, or nowhere.
        answers: evaluated rows that have a usable one.
    """

    kind: Literal["scores", "log", "scorer", "none"]
    what: str
    sha256: str | None
    answers: int


@dataclass(frozen=True, slots=True)
class SetPassed:
    """How a version fares on one evaluation set; ``where`` says which answers were judged."""

    name: str
    version: int
    purpose: str
    items: int
    passed: int
    failed: int
    unknown: int
    where: str

    @property
    def share(self) -> float:
        """Passed items of all; no answer is not passed."""
        return self.passed / self.items if self.items else 0.0


@dataclass(frozen=True, slots=True)
class CasesPassed:
    """Failure cases: how many are there, in a set, answered, passed; and which this version passed first."""

    cases: int
    in_set: int
    answered: int
    passed: int
    first: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SimpleGain:
    """What the candidate gains over a simple baseline on the same rows, by one metric.

    Attributes:
        gain: positive is better than the simple baseline, in the metric's own unit.
        needed: the least gain that the suite asks for.
        trained: rows the simple baseline was fitted on, none of them evaluated by it.
        reached: None where it could not be told.
    """

    simple: str
    metric: str
    value: float | None
    gain: float | None
    low: float | None
    high: float | None
    needed: float
    trained: int
    reached: bool | None
    sentence: str


@dataclass(frozen=True, slots=True)
class Counts:
    """What became of the rows.

    Attributes:
        given: rows (different ids) of the data; ``older`` of them are on the training side of the split.
        no_candidate, no_baseline: evaluated ids without a prediction of that version.
        unusable: predictions that can't be judged: not a number, or outside [0, 1] of a binary model.
        rows: rows that both answered; ``labelled`` of them have a label.
        repeated: rows of an id that was there already; ``without_id`` rows could not be joined at all.
    """

    given: int
    older: int
    no_candidate: int
    no_baseline: int
    unusable: int
    rows: int
    labelled: int
    repeated: int
    without_id: int

    @property
    def coverage(self) -> float:
        """Share of the evaluated rows that have a label."""
        return self.labelled / self.rows if self.rows else 0.0


@dataclass(frozen=True, slots=True)
class Evaluation:
    """One offline evaluation of a version, as it is in the store.

    Attributes:
        baseline: the version it was compared with; None when there was none.
        verified: midwatch computed every number itself.
        split: how rows were chosen, in words; ``flags`` are what a reader must not miss.
        comparison: of the primary metric over all rows; ``passes`` is that, the floors and the gain together.
        reasons: one sentence each, the worst first.
        parts: slices with floors first, then all rows, then other slices.
    """

    id: int
    model_id: int
    model: str
    version: str
    baseline: str | None
    suite: SuiteSpec
    data: DataNamed
    verified: bool
    split: str
    flags: tuple[str, ...]
    candidate_door: Door
    baseline_door: Door
    counts: Counts
    comparison: Comparison
    passes: bool
    reasons: tuple[str, ...]
    parts: tuple[PartCompared, ...]
    sets: tuple[SetPassed, ...]
    gain: SimpleGain | None
    cases: CasesPassed | None
    notes: tuple[str, ...]
    by: str
    at: datetime

    @property
    def whole(self) -> PartCompared | None:
        """The comparison over all rows."""
        return next((part for part in self.parts if part.kind is None), None)


@dataclass(frozen=True, slots=True)
class ImportedMetric:
    """A number that somebody brought from elsewhere: shown as unverified, never taken by a gate."""

    id: int
    model_id: int
    version: str
    metric: str
    value: float
    source: str
    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Rotation:
    """From when on another metric is the one that everybody is held to."""

    id: int
    model_id: int
    metric: str
    before: str | None
    owner: str
    reason: str
    by: str
    at: datetime


Document = dict[str, Any]
