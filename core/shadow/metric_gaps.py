"""The metrics of two versions over the requests that both answered, of all of them or of a kept slice."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from core.shadow.comparison import MetricGap, SliceGap
from core.shadow.refusals import why_not_exposed
from core.shadow.wording import slice_words
from storage.records.models import Model

if TYPE_CHECKING:
    from core.shadow.pairs import Pairs


def read(model: Model, pairs: Pairs, where: str = "true") -> tuple[tuple[MetricGap, ...], str | None, int]:
    """Every built-in metric that waits for labels, over the same requests; or why there is none; and how many labels.

    Args:
        where: SQL over the columns of the pairs: only requests of which it is true.
    """
    from core.metrics.base import Reading, Sample
    from core.metrics.batch_sums import needs_labels
    from core.metrics.registry import metric, specs
    from core.shadow.paired_metrics import gap
    from core.shadow.pairs import PAIRS
    from storage.logs.blocks import read_blocks

    file = model.file
    if (refused := why_not_exposed(file)) is not None:
        return (), refused, 0
    wanted = [s for s in specs(file) if s.kind != "business" and needs_labels(s, file)]
    code = ("__da", "__db") if file.task == "multiclass" else ("__sa", "__sb")
    asked = [*code, "__ca", "__cb", "__truth"]
    asked_of = f"__truth is not null and ({where})"
    blocks = list(read_blocks(pairs.side.source, [], asked, relation=PAIRS, where=asked_of))
    import numpy as np

    a, b, decided_a, decided_b, truth = (
        np.concatenate([values[i] for _, values in blocks]) if blocks else np.empty(0) for i in range(5)
    )
    labelled = len(truth)
    if not labelled:
        return (), "no request that both answered has a label that had its time", 0
    names = (pairs.answers[0].version, pairs.answers[1].version)
    told = []
    for spec in wanted:
        kind = metric(spec.name, file)
        samples = [
            Sample(file.task, scores, truth, threshold=spec.threshold, classes=decided)
            for scores, decided in ((a, decided_a), (b, decided_b))
        ]
        one = gap(kind, samples[0], samples[1], names)
        if one.n < file.labels.minimum:
            none = Reading(None, None, None, one.n)
            note = f"not enough labels: {one.n:,} of {file.labels.minimum:,}"
            one = MetricGap(kind.name, kind.direction, none, none, None, None, None, one.n, None, note)
        told.append(one)
    return tuple(told), None if told else "the model has no metric that waits for labels", labelled


def not_measured(
    model: Model, metrics: Iterable[MetricGap], why_none: str | None, slices: Iterable[SliceGap]
) -> tuple[str, ...]:
    """What has no metric, and why, each in a sentence: the whole, kept slices, and business metrics."""
    from core.metrics.registry import specs

    told = [f"no metric of either version: {why_none}"] if why_none else []
    told += [f"{one.metric}: {one.note}" for one in metrics if one.note]
    for part in slices:
        if part.note is not None:
            told.append(f"the slice {slice_words(part)}: {part.note}")
        elif part.why_no_metrics and not why_none:
            told.append(f"metrics of the slice {slice_words(part)}: {part.why_no_metrics}")
        told += [f"{one.metric} of the slice {slice_words(part)}: {one.note}" for one in part.metrics if one.note]
    told += [
        f"the business metric {one.name}: it is not read request by request (midwatch evaluate, midwatch arms)"
        for one in specs(model.file)
        if one.kind == "business"
    ]
    return tuple(told)
