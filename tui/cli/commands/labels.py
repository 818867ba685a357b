"""``midwatch labels``: late labels, and what they change."""

from __future__ import annotations

from collections.abc import Sequence

import click

from core.labels import LabelReport, ingest_labels
from core.rollouts.producers import work_out
from storage.errors import SourceError
from storage.tables import models
from tui.cli import diagnostics, output
from tui.cli.options import shared, writing


@click.command("labels")
@click.argument("model")
@click.argument("file", type=click.Path())
@shared
def command(model: str, file: str, store: str | None, as_json: bool) -> int:
    """Join late labels on the id; metrics change for the window they belong to."""
    return take_in(model, (file,), store=store, as_json=as_json)


def take_in(model: str, files: Sequence[str], *, store: str | None, as_json: bool) -> int:
    """Join each file; returns the exit code."""
    with writing(store) as session:
        registered = models.get(session.db, model)
        reports = [
            ingest_labels(session.db, registered, f, actor=session.actor, now=session.now, more=place < len(files))
            for place, f in enumerate(files, start=1)
        ]
        work_out(session.db, registered, now=session.now)
    if as_json:
        output.document(reports[0] if len(reports) == 1 else {"label_files": reports})
    for report in reports:
        show(report, as_json=as_json)
    return SourceError.exit_code if any(report.failures for report in reports) else 0


def show(report: LabelReport, *, as_json: bool) -> None:
    """Write a report as text; failures are said on stderr in any case."""
    if not as_json:
        again = " (known already)" if report.known else ""
        output.text(
            f"{report.label_file}: {report.ids:,} ids in {report.rows:,} rows{again}, "
            f"{report.matched:,} matched, {report.unmatched:,} not"
        )
        output.table(
            ("BATCH", "WINDOW", "MATCHED", "LABELLED", "COVERAGE", "LAG P50", "CHANGED"),
            [
                (
                    batch.batch,
                    batch.window_start.strftime("%Y-%m-%d %H:%M") if batch.window_start else None,
                    f"{batch.matched:,}",
                    f"{batch.labelled:,}",
                    f"{batch.coverage:.1%}",
                    _hours(batch.lag_p50_seconds),
                    ", ".join(f"{c.metric} {_number(c.before)} -> {_number(c.after)}" for c in batch.metrics),
                )
                for batch in report.batches
            ],
            empty="no batch changed",
        )
    for failure in report.failures:
        diagnostics.note(f"midwatch: {failure.message}")


def _number(value: float | None) -> str:
    return "none" if value is None else f"{value:.4g}"


def _hours(seconds: float | None) -> str | None:
    return None if seconds is None else f"{seconds / 3600:,.1f} h"
