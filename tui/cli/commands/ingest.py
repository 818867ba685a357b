"""``midwatch ingest MODEL FILES...``: take in logs, validate them, raise alerts."""

from __future__ import annotations

from typing import Any

import click

from core.escalation import escalate
from core.ingest import Ingested, ingest
from core.rollouts.producers import work_out
from core.watchdogs import watch_silence
from storage.errors import SourceError
from storage.tables import models
from tui.cli import diagnostics, interrupts, output, shapes
from tui.cli.options import shared, writing


@click.command("ingest")
@click.argument("model")
@click.argument("files", nargs=-1, required=True)
@click.option(
    "--role",
    type=click.Choice(("serving", "reference", "labels")),
    default="serving",
    show_default=True,
    help="Rows that were served, rows to compare with, or late labels.",
)
@click.option("--version", "version", help="The version that served these rows, where the log does not say.")
@click.option("--stage", help="The stage these rows are from, where the log does not say.")
@click.option("--dry-run", is_flag=True, help="Show how the columns would be read; record nothing.")
@shared
def command(
    model: str,
    files: tuple[str, ...],
    role: str,
    version: str | None,
    stage: str | None,
    dry_run: bool,
    store: str | None,
    as_json: bool,
) -> None:
    """Take in FILES (files, directories or patterns) as batches of MODEL; exit 1 when one raised a page or a ticket."""
    if role == "labels":
        from tui.cli.commands.labels import take_in

        click.get_current_context().exit(take_in(model, files, store=store, as_json=as_json))
    with writing(store) as session:
        registered = models.get(session.db, model)
        if dry_run:
            from tui.cli.dry_run import show_reading

            show_reading(registered, files, as_json)
            return
        taken: list[dict[str, Any]] = []
        failures: list[SourceError] = []
        interrupts.listen()
        for done in ingest(
            session.db,
            registered,
            files,
            role="reference" if role == "reference" else "serving",
            version=version,
            stage=stage,
            actor=session.actor,
            now=session.now,
            progress=diagnostics.progress,
            failed=failures.append,
        ):
            taken.append(document(done))
            if not as_json:
                output.text(line(done))
            interrupts.check()
        work_out(session.db, registered, now=session.now)
        watch_silence(session.db, session.now)
        escalate(session.db, session.now)
    for failure in failures:
        diagnostics.error(failure)
    if as_json and (taken or len(failures) > 1):
        refused = [{"message": failure.message, "hint": failure.hint} for failure in failures]
        whole = {"batches": taken, **({"failed": refused} if refused else {})}
        output.document(taken[0] if len(taken) == 1 and not refused else whole)
    loud = any(a["tier"] in ("page", "ticket") for one in taken for a in one["alerts"])
    click.get_current_context().exit(SourceError.exit_code if failures else int(loud))


def document(done: Ingested) -> dict[str, Any]:
    """What the contract gives for one file."""
    return {
        "batch": done.batch.id,
        "new": done.new,
        "path": done.batch.path,
        "rows": done.batch.rows,
        "quarantined": done.batch.quarantined,
        "window_start": done.batch.window_start,
        "window_end": done.batch.window_end,
        "version": done.batch.version,
        "stage": done.batch.stage,
        "score": done.score,
        "alerts": [shapes.alert(a, [f for f in done.findings if _belongs(f.column, a.columns)]) for a in done.alerts],
        "findings": len(done.findings),
        "not_checked": [f.message for f in done.not_checked],
    }


def line(done: Ingested) -> str:
    """One line for a person, and one for each alert."""
    batch = done.batch
    quarantined = f", {batch.quarantined} quarantined" if batch.quarantined else ""
    again, path = "" if done.new else " (known already)", output.one_line(batch.path)
    head = f"batch {batch.id}{again}: {batch.rows} rows{quarantined}  {path}"
    return "\n".join([head, *(f"  {a.tier:6} alert {a.id}: {output.one_line(a.title)}" for a in done.alerts)])


def _belongs(column: str | None, columns: tuple[str, ...]) -> bool:
    return column in columns or (column is None and not columns)
