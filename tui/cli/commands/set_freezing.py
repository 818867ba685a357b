"""``midwatch sets freeze``: a new version of an evaluation set."""

from __future__ import annotations

from typing import Any, cast

import click

from core.evaluation import sets as use
from core.evaluation.rows import rows_of_batch, rows_of_file
from storage.logs.predicates import predicate_sql
from storage.records.evaluation_sets import PURPOSES, EvaluationSet, Item, Purpose
from storage.tables import evaluation_sets, models
from tui.cli import diagnostics, output
from tui.cli.conditions import batch_of, condition
from tui.cli.error_buckets import bucket_condition
from tui.cli.options import ROW_ID, Session, reading, shared, writing


@click.command("freeze")
@click.argument("model")
@click.argument("name")
@click.option("--purpose", type=click.Choice(PURPOSES), help="Of a new set; failures by default.")
@click.option(
    "--case", "cases", multiple=True, type=ROW_ID, help="This failure case; all that are not rejected by default."
)
@click.option("--accepted", is_flag=True, help="Only cases that were accepted.")
@click.option("--batch", type=ROW_ID, help="Rows of this batch instead of cases.")
@click.option("--where", help="Of the batch, rows that fulfil this; all by default.")
@click.option("--bucket", metavar="KIND", help="Of the batch, errors of this kind.")
@click.option("--limit", default=1_000, show_default=True, type=click.IntRange(1, use.MOST), help="Rows of the batch.")
@click.option("--rows", type=click.Path(), help="Rows of a file instead of cases: the model's columns with the label.")
@click.option("--alone", is_flag=True, help="Without the items of the version before.")
@click.option("--note", help="What it is for.")
@click.option("--dry-run", is_flag=True, help="Show what would go in, and the hash; record nothing.")
@shared
def freeze(
    model: str,
    name: str,
    purpose: str | None,
    cases: tuple[int, ...],
    accepted: bool,
    batch: int | None,
    where: str | None,
    bucket: str | None,
    limit: int,
    rows: str | None,
    alone: bool,
    note: str | None,
    dry_run: bool,
    store: str | None,
    as_json: bool,
) -> None:
    """Freeze a new version of the set NAME: the version before, and failure cases, or rows of a batch or a file.

    With the purpose golden the rows keep the score they were given: every version must repeat it.
    """
    if sum((bool(cases), accepted, batch is not None, rows is not None)) > 1:
        raise click.UsageError("name one of --case, --accepted, --batch and --rows")
    if bucket is not None and batch is None:
        raise click.UsageError("--bucket names rows of a --batch")
    with (reading if dry_run else writing)(store) as session:
        found = models.get(session.db, model)
        before = evaluation_sets.find(session.db, found.id, name)
        golden = (purpose or (before.purpose if before else "")) == "golden"
        given = _rows(session, model, batch, where, bucket, limit, rows, golden)
        which: use.Cases = cases or ("none" if given or golden else "accepted" if accepted else "open")
        wanted = cast("Purpose | None", purpose)
        if dry_run:
            planned = use.draft(session.db, found, name, purpose=wanted, cases=which, rows=given, alone=alone)
            _show_draft(planned, as_json)
            return
        frozen = use.freeze(
            session.db, found, name, purpose=wanted, cases=which, rows=given, alone=alone, note=note,
            actor=session.actor, now=session.now,
        )  # fmt: skip
    if as_json:
        told = {"new": frozen.new, "added": frozen.added, "dropped": frozen.dropped, "left_out": frozen.left_out}
        output.document({**set_document(frozen.set), **told})
    else:
        words = f"{frozen.added} new, {frozen.dropped} gone" if frozen.new else "unchanged: nothing was frozen"
        output.text(f"{frozen.set.name} version {frozen.set.version}: {frozen.set.items} items ({words})")
        output.text(f"sha256 {frozen.set.sha256}")
    _say_left_out(frozen.left_out)


def set_document(found: EvaluationSet) -> dict[str, Any]:
    """A set as scripts read it."""
    plain: dict[str, Any] = output.plain(found)
    return {k: v for k, v in plain.items() if k not in ("id", "model_id")}


def _rows(
    session: Session,
    model: str,
    batch: int | None,
    where: str | None,
    bucket: str | None,
    limit: int,
    path: str | None,
    golden: bool,
) -> list[Item]:
    found = models.get(session.db, model)
    if path is not None:
        return rows_of_file(found, path, golden=golden)
    if batch is None:
        return []
    source = batch_of(session.db, found, batch)
    predicates = condition(where, source, found) if where else ()
    sql = predicate_sql(predicates)
    if bucket is not None:
        sql, _ = bucket_condition(session.db, source, model, bucket, predicates, now=session.now)
    return rows_of_batch(session.db, found, source, sql, limit=limit, golden=golden)


def _show_draft(planned: use.SetDraft, as_json: bool) -> None:
    if as_json:
        output.document(
            {
                "name": planned.name,
                "version": planned.version,
                "purpose": planned.purpose,
                "sha256": planned.sha256,
                "items": len(planned.items),
                "added": planned.new,
                "dropped": planned.dropped,
                "unchanged": planned.unchanged,
                "left_out": planned.left_out,
            }
        )
    else:
        output.text(
            f"would freeze {planned.name} version {planned.version}, {planned.purpose}: {len(planned.items)} items "
            f"({planned.new} new, {planned.dropped} gone)\nsha256 {planned.sha256}"
        )
    _say_left_out(planned.left_out)


def _say_left_out(cases: tuple[int, ...]) -> None:
    if cases:
        listed = ", ".join(map(str, cases[:8]))
        diagnostics.note(f"{len(cases)} cases have no right answer yet and are left out: {listed}")
