"""Errors of one kind on their way to failure cases and to an evaluation set."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

from core.slices.request import SliceRequest

if TYPE_CHECKING:
    from storage.records.evaluation_sets import Item
    from tui.screens.slices import SlicesPane


def cases(pane: SlicesPane, inside: SliceRequest) -> None:
    """The rows of a bucket become failure cases of the batch that has most of them; the kind is their category."""
    from tui.screens.failure_cases import add_cases

    now, model = pane.shell.now(), inside.model or ""

    def find(db: sqlite3.Connection) -> tuple[int, str, int]:
        from core.slices.buckets import places

        batch, condition, total = places(db, inside, now=now)[0]
        return batch.id, condition, total

    def ask(found: tuple[int, str, int]) -> None:
        batch_id, condition, total = found
        told = f"{inside.told} (batch {batch_id})"
        add_cases(pane, model, batch_id, condition, told, total=total, category=inside.bucket)

    pane.read("rows of cases", find, ask)


def freeze(pane: SlicesPane, inside: SliceRequest) -> None:
    """Freeze an evaluation set of the rows of a bucket, of every batch of the window; asks for its name."""
    from tui.screens.failure_cases import freeze as freeze_set

    now, model = pane.shell.now(), inside.model or ""

    def rows(db: sqlite3.Connection) -> list[Item]:
        from core.evaluation.rows import rows_of_batch
        from core.slices.buckets import places
        from storage.tables import models

        registered = models.get(db, model)
        found = places(db, inside, now=now)
        return [
            item
            for batch, condition, total in found
            for item in rows_of_batch(db, registered, batch, condition, limit=total)
        ]

    freeze_set(pane, model, inside.bucket or "", rows=rows)
