"""A batch as a person reads it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from rich.text import Text

from core.batch_view import BatchView
from core.estimates.words import sentence
from storage.records.batches import Batch
from tui.present.charts import bars
from tui.present.text import put_line, visible

Stamp = Callable[[datetime], str]


def cells(batch: Batch, model: str, failed: int, stamp: Stamp) -> tuple[str | Text, ...]:
    """Window, model, role, version, rows, quarantined, findings, whether later batches are compared with it."""
    start = stamp(batch.window_start) if batch.window_start else "-"
    compared = "yes" if batch.admitted else "no"
    quarantined = str(batch.quarantined) if batch.quarantined else "-"
    found = str(failed) if failed else "-"
    return (start, model, batch.role, batch.version or "-", f"{batch.rows:,}", quarantined, found, compared)


def detail(view: BatchView, stamp: Stamp, width: int) -> Text:
    """Where it came from, what was found and what was not checked, its columns beside the reference."""
    text = Text()
    batch = view.batch
    window = "no readable time"
    if batch.window_start and batch.window_end:
        window = f"{stamp(batch.window_start)} to {stamp(batch.window_end)}"
    labels = "no labels yet"
    if view.coverage is not None:
        labels = f"labels {view.coverage.labelled:,} of {view.coverage.rows:,} ({view.coverage.share:.0%})"
    put_line(text, f"{batch.path}")
    put_line(text, f"window {window}  arrived {stamp(batch.arrived_at)}  sha256 {batch.sha256[:12]}")
    put_line(
        text, f"{batch.rows:,} rows, {batch.quarantined} quarantined; {labels}; version {batch.version or 'not told'}"
    )
    for estimate in view.estimates:
        put_line(text, sentence(estimate))
    compared = f"compared with {view.compared_with} batches" if view.compared_with else "nothing to compare with yet"
    joined = "later batches are compared with it" if batch.admitted else "kept out of the baseline"
    put_line(text, f"{compared}; {joined}")
    for reject in view.rejects[:5]:
        put_line(text, f"  line {reject.line}: {reject.reason}")
    if batch.quarantined > 5:
        put_line(text, f"  and {batch.quarantined - 5} more")
    put_line(text, f"\n{len(view.findings)} findings", "bold")
    for finding in view.findings[:12]:
        put_line(text, f"  {finding.tier:8} {finding.check}: {finding.message}")
    for shares in view.distributions:
        put_line(text, f"\n{shares.column}", "bold")
        text.append(bars(shares.rows, width=min(width, 76)) + "\n")
    if view.not_checked:
        put_line(text, "\nnot checked", "bold")
        for finding in view.not_checked[:12]:
            put_line(text, f"  {finding.check}: {finding.message}")
    if view.columns:
        put_line(text, "\ncolumn               kind     missing   then  typical         then", "bold")
    for column in view.columns:
        then = "-" if column.reference_missing is None else f"{column.reference_missing:.1%}"
        name, typical = visible(column.name)[:20], visible(column.typical)[:15]
        words = f"{name:20} {column.kind:8} {column.missing:7.1%} {then:>6}  {typical:15} {column.reference_typical}"
        put_line(text, words)
    return text
