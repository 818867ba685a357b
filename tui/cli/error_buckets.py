"""``midwatch slices --buckets`` and ``--bucket``: errors by kind, and the rows of a kind for other commands."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tui.cli import output

if TYPE_CHECKING:
    import sqlite3
    from datetime import datetime

    from core.slices.request import SliceRequest
    from storage.records.batches import Batch
    from storage.records.slices import Predicate


def print_buckets(
    db: sqlite3.Connection | None, request: SliceRequest, *, by: str | None, now: datetime, as_json: bool
) -> int:
    """The errors of a slice per kind, and per value of a column where one is named."""
    from core.slices.buckets import buckets

    found = buckets(db, request, by=by, now=now)
    if as_json:
        output.document(found)
        return 0
    for note in found.notes:
        output.text(note)
    output.text(f"{found.where}: {found.stated}")
    then = ""
    if found.reference_errors is not None:
        then = f"; reference: {found.reference_errors:,} errors in {found.reference_judged:,} judged rows"
    output.text(f"{found.errors:,} errors in {found.judged:,} judged rows{then}")
    rows = [
        (
            line.words,
            f"{line.rows:,}",
            f"{line.share:.1%}",
            f"[{line.interval[0]:.1%} {line.interval[1]:.1%}]",
            _share(line.reference_share),
            _share(line.rate),
            _share(line.reference_rate),
            "-" if line.reference_rows is None else f"{line.reference_rows:,}",
        )
        for line in found.lines
    ]
    header = ("BUCKET", "ROWS", "OF ERRORS", "INTERVAL", "THEN", "OF ROWS", "THEN", "ROWS THEN")
    output.table(header, rows, empty="no errors")
    return 0


def bucket_condition(
    db: sqlite3.Connection, batch: Batch, model: str, kind: str, where: tuple[Predicate, ...], *, now: datetime
) -> tuple[str, str]:
    """The rows of a kind of error in a batch as SQL over its ``log``, and in words.

    Raises:
        UsageError: there is no such kind among the errors of the batch.
    """
    from core.slices.buckets import places
    from core.slices.request import SliceRequest

    request = SliceRequest(model=model, batch=batch.id, where=where, bucket=kind)
    return places(db, request, now=now)[0][1], request.told


def _share(share: float | None) -> str:
    return "-" if share is None else f"{share:.1%}"
