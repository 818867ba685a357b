"""Kept slices as a person reads them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.text import Text

from core.kept.slices import SliceStatus
from storage.logs.predicates import words
from storage.records.kept_slices import SliceDay, SliceMetric
from tui.present.page import Page, Stamp
from tui.present.text import visible


def cells(model: str, line: SliceStatus) -> tuple[str | Text, ...]:
    """Name, kind, model, condition, rows, share, metric, floor; a critical one is bold."""
    kept, rows, metric = line.slice, line.rows, line.metric
    told = (
        kept.name,
        kept.kind,
        model,
        words(kept.predicates),
        f"{rows.reading.rows:,}" if rows else "-",
        f"{rows.reading.share:.1%}" if rows else "-",
        f"{metric.reading.metric} {metric.reading.value:.3g}" if metric else "no labels",
        f"{kept.floor:g}" if kept.floor is not None else "-",
    )
    return tuple(Text(visible(word), style="bold" if kept.kind == "critical" else "") for word in told)


def detail(line: SliceStatus, days: Sequence[SliceDay], metrics: Mapping[int, SliceMetric], stamp: Stamp) -> Text:
    """The condition, who kept it and why, and one line a batch, newest first."""
    kept, page = line.slice, Page()
    page.line(words(kept.predicates), "bold")
    page.line(f"kept {stamp(kept.at)} by {kept.by}{f': {kept.note}' if kept.note else ''}")
    page.line(f"read in {line.readings} batches; floor {f'{kept.floor:g}' if kept.floor is not None else 'none'}")
    lines = []
    for day in days:
        reading, metric = day.reading, metrics.get(day.batch_id)
        mean = "-" if reading.mean is None else f"{reading.mean:.4g}"
        lost = max(reading.missing.items(), key=lambda item: item[1], default=None)
        missing = f", {lost[1] / reading.rows:.0%} of {lost[0]} missing" if lost and reading.rows else ""
        told = "no metric yet"
        if metric is not None and metric.reading.value is not None:
            span = f" [{metric.reading.low:.3g} {metric.reading.high:.3g}]" if metric.reading.low is not None else ""
            told = f"{metric.reading.metric} {metric.reading.value:.4g}{span} n={metric.reading.n:,}"
        elif metric is not None:
            told = metric.reading.note or told
        start = stamp(day.window_start) if day.window_start else f"batch {day.batch_id}"
        rows = f"{reading.rows:,} rows ({reading.share:.1%}), mean prediction {mean}{missing}"
        lines.append(f"{start}  {rows}; {told}")
    page.lines("batches, newest first", lines, empty="none since it is kept")
    return page.text
