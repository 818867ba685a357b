"""Both versions on the very same rows: every metric, over all of them and in each kept slice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.metrics.base import Metric, Reading, Sample
from core.metrics.batch_sums import floored, needs_labels
from core.metrics.registry import direction, metric
from core.suites.differences import difference, taken
from storage.records.models import MetricSpec, ModelFile
from storage.records.suites import Figure, MetricCompared

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from storage.logs.evaluation_rows import Answers, Rows

    Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Pair:
    """Rows that both versions answered, and what they answered; ``baseline`` is None when there is none.

    Attributes:
        rows: which of the rows that were read they are.
        bad_candidate: answers of the candidate among the unusable ones.
    """

    file: ModelFile
    candidate: Sample
    baseline: Sample | None
    rows: Mask
    no_candidate: int
    no_baseline: int
    unusable: int
    bad_candidate: int = 0

    def part(self, mask: Mask) -> Pair:
        """Those of them that a mask over all read rows keeps."""
        kept = mask[self.rows]
        return Pair(
            self.file,
            taken(self.candidate, kept),
            taken(self.baseline, kept) if self.baseline is not None else None,
            self.rows & mask,
            self.no_candidate,
            self.no_baseline,
            self.unusable,
            self.bad_candidate,
        )

    @property
    def count(self) -> int:
        """Rows."""
        return int(self.candidate.scores.size)

    @property
    def labelled(self) -> int:
        """Rows with a label."""
        import numpy as np

        return int(np.isfinite(self.candidate.labels).sum())


def pair_of(rows: Rows, file: ModelFile, *, alone: bool) -> Pair:
    """The rows that both answered usably; ``alone`` asks for the candidate only."""
    import numpy as np

    one, other = _sample(rows, rows.candidate, file), _sample(rows, rows.baseline, file)
    lacking = [np.isnan(one.scores), np.isnan(other.scores) & (not alone)]
    bad = [~one.usable() & ~lacking[0], ~other.usable() & ~lacking[1] & (not alone)]
    kept = ~(lacking[0] | lacking[1] | bad[0] | bad[1])
    return Pair(
        file,
        taken(one, kept),
        None if alone else taken(other, kept),
        kept,
        int(lacking[0].sum()),
        int(lacking[1].sum()),
        int((bad[0] | bad[1]).sum()),
        int(bad[0].sum()),
    )


def compared(pair: Pair, spec: MetricSpec, seed: str, *, primary: bool) -> MetricCompared:
    """One built-in metric of both versions, with the difference and its interval."""
    kind = metric(spec.name, pair.file)
    candidate = _threshold(pair.candidate, spec)
    baseline = _threshold(pair.baseline, spec) if pair.baseline is not None else None
    if kind.needs_labels:
        judged = candidate.judged()
        candidate = taken(candidate, judged)
        baseline = taken(baseline, judged) if baseline is not None else None
    mine = _figure(kind, candidate, spec, pair)
    others = _figure(kind, baseline, spec, pair) if baseline is not None else None
    by, method = None, ""
    if baseline is not None:
        if mine.value is None or others is None or others.value is None:
            by = Figure(None, None, None, mine.n, mine.note or (others.note if others else None))
        else:
            reading, method = difference(kind, candidate, baseline, seed)
            by = _plain(reading)
    return MetricCompared(spec.name, kind.kind, direction(spec, pair.file), primary, mine, others, by, method)


def built_in(specs: Sequence[MetricSpec]) -> list[MetricSpec]:
    """Those that are no SQL."""
    return [spec for spec in specs if spec.kind != "business"]


def _sample(rows: Rows, answers: Answers, file: ModelFile) -> Sample:
    import numpy as np

    classes = answers.classes if np.isfinite(answers.classes).any() else np.empty(0)
    return Sample(file.task, answers.scores, rows.truth, classes=classes)


def _threshold(sample: Sample, spec: MetricSpec) -> Sample:
    return Sample(sample.task, sample.scores, sample.labels, sample.latency, spec.threshold, sample.classes)


def _figure(kind: Metric, sample: Sample, spec: MetricSpec, pair: Pair) -> Figure:
    labelled = pair.labelled if needs_labels(spec, pair.file) else 0
    return _plain(floored(kind.read(kind.sums(sample)), spec, pair.file, labelled))


def _plain(reading: Reading) -> Figure:
    return Figure(reading.value, reading.low, reading.high, reading.n, reading.note)
