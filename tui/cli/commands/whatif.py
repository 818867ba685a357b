"""``midwatch whatif MODEL``: stored batches under another threshold, or another version's scores."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from tui.cli import output
from tui.cli.options import reading, shared

if TYPE_CHECKING:
    from core.shadow.what_if import Answer


@click.command("whatif")
@click.argument("model", metavar="MODEL")
@click.option("--threshold", type=float, metavar="T", help="Predictions count as positive from this score on.")
@click.option("--scores", metavar="FILE", help="What another version answers: ids and predictions.")
@click.option("--batch", "batch_ids", type=click.IntRange(1, 2**63 - 1), multiple=True, metavar="ID", help="Only this.")
@shared
def command(
    model: str,
    threshold: float | None,
    scores: str | None,
    batch_ids: tuple[int, ...],
    store: str | None,
    as_json: bool,
) -> int:
    """Read every metric before and after, over all rows and per kept slice; without --batch of the newest batch.

    Nothing is written: neither the store, nor the pointer of a deployment, nor a log.
    """
    from core.shadow.versions import batches_of
    from core.shadow.what_if import WhatIf, replay
    from storage.tables import batches, models

    asked = WhatIf(scores, threshold)
    with reading(store) as session:
        found = models.get(session.db, model)
        newest = batches.newest(session.db, found.id)
        over = batches_of(session.db, found, batch_ids) if batch_ids else (newest,) if newest else ()
        told = replay(session.db, found, over, asked, now=session.now)
    if as_json:
        output.document(told)
    else:
        _print(told)
    return 0


def _print(f: Answer) -> None:
    from core.shadow.wording import percent, plain, signed

    output.text(f"{len(f.batches)} batches, {f.answered:,} of {f.rows:,} rows; nothing was written")
    if f.strangers:
        output.text(f"{f.strangers:,} ids of the scores are of no row")
    if f.immature:
        output.text(f"the labels of {f.immature} batches have not had their time")
    cells = []
    for part in f.parts:
        where = part.words if part.name is None else f"{part.name} ({part.words})"
        changed = part.note or f"{percent(part.changed / part.rows if part.rows else None)} of {part.rows:,}"
        for one in part.metrics or (None,):
            numbers = ("-", "-", "-", "-") if one is None else (
                one.metric, plain(one.before.value), plain(one.after.value),
                one.after.note or one.before.note or signed(one.difference),
            )  # fmt: skip
            cells.append((where, changed, *numbers))
            where = changed = ""
    output.table(("ROWS", "ANSWERED OTHERWISE", "METRIC", "BEFORE", "AFTER", "DIFFERENCE"), cells)
    for told in f.notes:
        output.text(told)
