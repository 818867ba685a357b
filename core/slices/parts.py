"""Parts of the rows of a side: by version, stage or host, and those that users saw."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from storage.errors import UsageError
from storage.logs.label_values import plain_text
from storage.logs.quoting import sql_text as text
from storage.records.models import ModelFile

if TYPE_CHECKING:
    from core.slices.request import SliceRequest
    from core.slices.sides import Side


def part_sql(side: Side, file: ModelFile, part: str) -> str:
    """SQL of the version, stage or host of a row: its column, else what was recorded of its batch.

    Raises:
        UsageError: neither tells.
    """
    column = getattr(file.columns, part)
    known = plain_text(side.source, column) if column in side.kinds else None
    told = [(i, getattr(batch, part, None)) for i, batch in enumerate(side.batches)]
    cases = "".join(f" when {i} then {text(str(value))}" for i, value in told if value is not None)
    recorded = f'case "__file"{cases} end' if cases else None
    if known is None and recorded is None:
        raise UsageError(f"no column tells the {part} of a row", f"name it in the model file: [columns] {part} = '...'")
    return f"coalesce({', '.join(sql for sql in (known, recorded) if sql)})"


def parted(side: Side, file: ModelFile, request: SliceRequest) -> tuple[Side, Side]:
    """Rows of one version, stage or host, and those of another (or of all others), in the same log."""
    if request.side is None:
        raise UsageError("no version, stage or host was named", "name one")
    part, value = request.side
    sql = part_sql(side, file, part)
    found = {str(v) for (v,) in side.source.query(f"select distinct {sql} from log where {sql} is not null")}
    for wanted in (value, request.against):
        if wanted is not None and wanted not in found:
            raise UsageError(f"no row is of the {part} {wanted!r}", f"there are {', '.join(sorted(found)[:20])}")
    mine = f"{sql} = {text(value)}"
    other = f"{sql} = {text(request.against)}" if request.against else f"{sql} <> {text(value)}"
    against = f"{part} {request.against}" if request.against else f"every other {part}"
    return (
        replace(side, where=both(side.where, mine), words=f"{part} {value} in {side.words}"),
        replace(side, where=both(side.where, other), words=against),
    )


def unseen(file: ModelFile) -> frozenset[str | None]:
    """Stages whose answers no user saw."""
    return frozenset(stage.name for stage in file.stages if stage.kind in ("test", "shadow"))


def seen_sql(file: ModelFile, side: Side) -> str:
    """The rows that users saw; every row when they saw none of them."""
    hidden = sorted(str(stage) for stage in unseen(file))
    told = file.columns.stage in side.kinds or any(batch.stage is not None for batch in side.batches)
    if not hidden or not told:
        return "true"
    condition = f"coalesce({part_sql(side, file, 'stage')}, '') not in ({', '.join(map(text, hidden))})"
    [(seen,)] = side.source.query(f"select count(*) from log where {condition}")
    return condition if seen else "true"


def both(*conditions: str) -> str:
    """SQL conditions that hold together."""
    kept = [condition for condition in conditions if condition != "true"]
    return " and ".join(f"({condition})" for condition in kept) if kept else "true"
