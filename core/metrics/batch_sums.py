"""The sums of every metric of a model over one batch, and what is said of them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from core.metrics import business
from core.metrics.base import Reading, Sample, State
from core.metrics.registry import metric
from storage.records.labels import JoinCounts
from storage.records.models import MetricSpec, ModelFile
from storage.records.results import MetricValue

if TYPE_CHECKING:
    from storage.business_sql import Plan
    from storage.logs.joined_rows import Joined
    from storage.logs.source import LogSource


def needs_labels(spec: MetricSpec, file: ModelFile) -> bool:
    """Whether a metric waits for labels: a business metric does when its SQL reads the label column."""
    if spec.kind == "business":
        label = file.columns.label
        return label is not None and re.search(rf"\b{re.escape(label)}\b", spec.sql or "", re.IGNORECASE) is not None
    return metric(spec.name, file).needs_labels


def plans(wanted: Sequence[MetricSpec], file: ModelFile, source: LogSource) -> dict[str, Plan]:
    """The checked SQL of every business metric."""
    from storage.business_sql import plan

    columns = [*(c.name for c in source.columns if c.name != file.columns.label)]
    columns += [file.columns.label] if file.columns.label else []
    return {
        spec.name: plan(spec.sql or "", columns, f"the business metric {spec.name!r} of {file.name!r}")
        for spec in wanted
        if spec.kind == "business"
    }


def built_in(joined: Joined, wanted: Sequence[MetricSpec], file: ModelFile) -> dict[str, State]:
    """The sums of every built-in metric over a batch, piece by piece."""
    states: dict[str, State] = {}
    built = [(spec, metric(spec.name, file)) for spec in wanted if spec.kind != "business"]
    for scores, classes, truths, latencies in joined.pieces():
        for spec, kind in built:
            sums = kind.sums(Sample(file.task, scores, truths, latencies, spec.threshold, classes))
            states[spec.name] = kind.merge(states[spec.name], sums) if spec.name in states else sums
    return states


def business_states(joined: Joined, wanted: Sequence[MetricSpec], plans: dict[str, Plan]) -> dict[str, State]:
    """The sums of every business metric over a batch."""
    from storage.business_sql import run

    states: dict[str, State] = {}
    for spec in wanted:
        if spec.name in plans:
            outcome = run(joined.path, plans[spec.name], f"the business metric {spec.name!r}")
            states[spec.name] = business.sums(plans[spec.name], outcome)
    return states


def merge(spec: MetricSpec, a: State, b: State, file: ModelFile) -> State:
    """The sums of both."""
    return business.merge(a, b) if spec.kind == "business" else metric(spec.name, file).merge(a, b)


def read(spec: MetricSpec, state: State, file: ModelFile) -> Reading:
    """What sums say."""
    return business.read(state) if spec.kind == "business" else metric(spec.name, file).read(state)


def value_of(
    spec: MetricSpec, state: State | None, counts: JoinCounts, file: ModelFile, plan: Plan | None
) -> MetricValue:
    """What is recorded of one metric: a number only where it rests on enough labels."""
    kind = spec.kind if plan is not None else metric(spec.name, file).kind
    if state is None:
        return MetricValue(spec.name, kind, None, None, None, 0, counts.rows, "no rows")
    told = floored(read(spec, state, file), spec, file, counts.labelled)
    notes = [told.note] if told.note else []
    if kind != "business" and spec.name != "latency":
        left = ", ".join(f"{count:,} {word}" for word, count in counts.unusable)
        notes += [f"predictions left out: {left}"] if left else []
        if counts.unreadable and needs_labels(spec, file):
            hint = "; name the positive one in labels.positive" if file.task == "binary" else ""
            notes.append(f"{counts.unreadable:,} labels can't be read{hint}")
    note = "; ".join(notes) or None
    return MetricValue(spec.name, kind, told.value, told.low, told.high, told.n, counts.rows, note, state)


def floored(told: Reading, spec: MetricSpec, file: ModelFile, labelled: int) -> Reading:
    """The reading, or words where it rests on fewer labels than the model file asks for."""
    if labelled >= file.labels.minimum or not needs_labels(spec, file):
        return told
    note = f"not enough labels: {labelled:,} of {file.labels.minimum:,}"
    return Reading(None, None, None, told.n, note)
