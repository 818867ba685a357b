"""What slices cost: the business metric per row here, against what it is per row in the same slice of the reference."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from storage.errors import ModelFileError
from storage.logs.label_values import plain_text
from storage.logs.late_labels import LATE_LABEL
from storage.records.models import MetricSpec, ModelFile

if TYPE_CHECKING:
    from core.slices.sides import Side, Sides


def business(sides: Sides, wanted: str | None = None) -> tuple[MetricSpec, str] | None:
    """The first business metric (or the one of that name) that averages or sums, and what it takes of each row."""
    from storage.business_sql import per_row

    model = sides.model
    for spec in model.metrics:
        if spec.kind != "business" or spec.sql is None or wanted not in (None, spec.name):
            continue
        columns = [column for column in sides.now.kinds if all(column in side.kinds for side in sides.both)]
        columns += [model.columns.label] if model.columns.label and model.columns.label not in columns else []
        try:
            inner = per_row(spec.sql, columns, f"the business metric {spec.name!r}", label=model.columns.label)
        except ModelFileError:  # a column that one side lacks: not computable here, which is an answer
            continue
        if inner is not None:
            return spec, inner
    return None


def row_sql(side: Side, model: ModelFile, inner: str) -> str:
    """The metric's value of one row as a number, NULL where it has none or waits for a label."""
    from core.slices.row_values import truth_sql
    from storage.business_sql import SHOWN

    truth = truth_sql(side, model) or "null"
    if model.task == "multiclass" and model.columns.label is not None:
        own = plain_text(side.source, model.columns.label) if model.columns.label in side.kinds else "null"
        truth = f"coalesce({LATE_LABEL if side.late else 'null'}, {own})"
    elif model.task == "binary":
        truth = f"({truth})::integer"
    value = f"({inner.replace(SHOWN, f'({truth})')})::double"
    return f"case when isfinite({value}) then {value} end"


def lost(sides: Sides, slices: Sequence[tuple[str, str]]) -> list[float | None]:
    """What each slice lost: (per row there - per row here) * rows here, turned round where less is better.

    Args:
        slices: the SQL condition of each now, and in the reference.
    """
    found = business(sides)
    if found is None or sides.then is None or not slices:
        return [None] * len(slices)
    spec, inner = found
    now = _means(sides.now, row_sql(sides.now, sides.model, inner), [here for here, _ in slices])
    then = _means(sides.then, row_sql(sides.then, sides.model, inner), [there for _, there in slices])
    sign = -1.0 if spec.direction == "down" else 1.0
    return [
        sign * (before - here) * rows if here is not None and before is not None else None
        for (here, rows), (before, _) in zip(now, then, strict=True)
    ]


def _means(side: Side, value: str, conditions: Sequence[str]) -> list[tuple[float | None, int]]:
    asked = ", ".join(f"avg(v) filter (b{i}), count(v) filter (b{i})" for i in range(len(conditions)))
    held = "".join(f", ({condition}) as b{i}" for i, condition in enumerate(conditions))
    [row] = side.source.query(
        f"select {asked} from (select {value} as v{held} from {side.relation} where {side.where})"
    )
    return [
        (None if row[2 * i] is None else float(str(row[2 * i])), int(str(row[2 * i + 1])))
        for i in range(len(conditions))
    ]


def users(side: Side, model: ModelFile, conditions: Sequence[str]) -> list[int | None]:
    """Different users of each slice; None when no column names users."""
    from storage.logs.quoting import sql_name

    column = model.columns.user
    if column is None or column not in side.kinds or not conditions:
        return [None] * len(conditions)
    asked = ", ".join(f"count(distinct u) filter (b{i})" for i in range(len(conditions)))
    held = "".join(f", ({condition}) as b{i}" for i, condition in enumerate(conditions))
    [row] = side.source.query(
        f"select {asked} from (select {sql_name(column)} as u{held} from {side.relation} where {side.where})"
    )
    return [int(str(count)) for count in row]
