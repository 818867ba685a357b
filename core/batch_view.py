"""Everything a person may want to know of one batch, read from the store alone."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from core.baseline import Baselines
from core.estimates.estimate import unmeasured
from core.stats.packing import unpack
from core.stats.profile import BatchProfile, ColumnProfile, NumberProfile, TextProfile
from storage.records.batches import Batch, LabelCoverage
from storage.records.estimates import Estimate
from storage.records.logs import Reject
from storage.records.models import Model
from storage.records.results import Finding
from storage.tables import batches, models, results

BINS = 16
TOP = 8


@dataclass(frozen=True, slots=True)
class Shares:
    """A column's distribution beside its reference: label, share now, share then; missing is a row of its own."""

    column: str
    rows: tuple[tuple[str, float, float], ...]


@dataclass(frozen=True, slots=True)
class ColumnLine:
    """One column now and in the reference; None where there is nothing to compare with."""

    name: str
    kind: str
    missing: float
    reference_missing: float | None
    typical: str
    reference_typical: str


@dataclass(frozen=True, slots=True)
class BatchView:
    """One batch with its verdicts, its columns against the reference, and the accused columns' distributions.

    ``estimates`` are of metrics whose labels are not in.
    """

    batch: Batch
    model: Model
    coverage: LabelCoverage | None
    findings: tuple[Finding, ...]
    not_checked: tuple[Finding, ...]
    counts: dict[str, int]
    rejects: tuple[Reject, ...]
    compared_with: int
    columns: tuple[ColumnLine, ...]
    distributions: tuple[Shares, ...]
    estimates: tuple[Estimate, ...] = ()


def view(db: sqlite3.Connection, batch_id: int, *, distributions: int = 4) -> BatchView:
    """Read one batch; ``distributions`` is how many of the accused columns are shown in full."""
    batch = batches.get(db, batch_id)
    model = models.get_by_id(db, batch.model_id)
    profile = unpack(batches.profile(db, batch_id))
    baseline = Baselines(db, model).before(batch.window_start, without=batch_id)
    findings = tuple(r.finding for r in results.of_batch(db, batch_id, status="fail"))
    hidden = {*model.file.columns.redact, *model.file.columns.ignore}
    accused = [str(c) for f in findings for c in (f.evidence.get("columns") or [f.column]) if c]
    shown = [c for c in dict.fromkeys(accused) if c in profile.columns and c not in hidden][:distributions]
    return BatchView(
        batch=batch,
        model=model,
        coverage=batches.coverage(db, batch_id),
        findings=findings,
        not_checked=tuple(r.finding for r in results.of_batch(db, batch_id, status="not_checked")),
        counts=results.counts(db, batch_id),
        rejects=tuple(batches.rejects(db, batch_id, 20)),
        compared_with=len(baseline.batches),
        columns=tuple(
            _line(column, baseline.merged.columns.get(column.name), column.name in hidden)
            for column in profile.columns.values()
        ),
        distributions=tuple(shares(name, profile, baseline.merged) for name in shown),
        estimates=unmeasured(db, batch_id),
    )


def shares(name: str, current: BatchProfile, reference: BatchProfile) -> Shares:
    """A column's distribution in a batch beside the reference's: numbers over even bins, texts by top values."""
    now, then = current.columns[name], reference.columns.get(name)
    rows: list[tuple[str, float, float]] = []
    missing = _share(now.missing, now.rows), _share(then.missing, then.rows) if then else 0.0
    if any(missing):
        rows.append(("missing", *missing))
    if now.number is not None and now.kind == "number":
        other = then.number if then is not None else None
        rows += _number_rows(now.number, now.rows, other, then.rows if then is not None else 0)
    elif now.text is not None:
        rows += _text_rows(now.text, now.rows, then.text if then is not None else None, then.rows if then else 0)
    return Shares(name, tuple(rows))


def _number_rows(
    now: NumberProfile, rows: int, then: NumberProfile | None, rows_then: int
) -> list[tuple[str, float, float]]:
    import numpy as np

    base = then if then is not None and then.finite else now
    low, high = (float(v) for v in base.histogram.quantile([0.005, 0.995]))
    if not high > low:
        low, high = min(low, now.minimum), max(high, now.maximum)
    if not high > low:
        return [(f"{low:.4g}", _share(now.finite, rows), _share(then.finite, rows_then) if then else 0.0)]
    edges = np.linspace(low, high, BINS + 1)
    parts = []
    for profile, of in ((now, rows), (then, rows_then)):
        if profile is None or not profile.finite:
            parts.append(np.zeros(BINS + 2))
            continue
        upto = np.concatenate([[0.0], profile.histogram.cdf(edges), [1.0]])
        parts.append(np.diff(upto) * _share(profile.finite, of))
    labels = [f"<= {low:.4g}", *(f"to {edge:.4g}" for edge in edges[1:]), f"> {high:.4g}"]
    return [(label, float(a), float(b)) for label, a, b in zip(labels, *parts, strict=True) if a > 0 or b > 0]


def _text_rows(now: TextProfile, rows: int, then: TextProfile | None, rows_then: int) -> list[tuple[str, float, float]]:
    counts = dict(now.values.counts)
    before = dict(then.values.counts) if then is not None else {}

    def both(value: str) -> tuple[float, float]:
        return _share(counts.get(value, 0), rows), _share(before.get(value, 0), rows_then)

    ranked = sorted({*counts, *before}, key=lambda v: (-sum(both(v)), v))
    listed = [(value or "(empty)", *both(value)) for value in ranked[:TOP]]
    if rest := ranked[TOP:]:
        shares_of_rest = [both(value) for value in rest]
        listed.append((f"{len(rest)} others", sum(a for a, _ in shares_of_rest), sum(b for _, b in shares_of_rest)))
    return listed


def _line(now: ColumnProfile, then: ColumnProfile | None, hidden: bool) -> ColumnLine:
    return ColumnLine(
        name=now.name,
        kind=now.kind,
        missing=_share(now.missing, now.rows),
        reference_missing=_share(then.missing, then.rows) if then is not None else None,
        typical="(redacted)" if hidden else _typical(now),
        reference_typical="" if then is None else "(redacted)" if hidden else _typical(then),
    )


def _typical(column: ColumnProfile) -> str:
    """The median for numbers, the most frequent value for texts, the span for times."""
    if column.number is not None and column.kind in ("number", "boolean"):
        return f"{float(column.number.histogram.quantile(0.5)):.4g}" if column.number.finite else "-"
    if column.text is not None and column.kind == "text":
        top = column.text.values.top(1)
        return f"{top[0][0][:24]} {_share(top[0][1], column.rows):.0%}" if top else "-"
    return "-"


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0
