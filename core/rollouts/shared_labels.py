"""One request, one truth: a label that stands in one version's row of a shadow holds for the other's too."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from storage.logs.engine import in_words
from storage.logs.label_values import plain_text
from storage.logs.late_labels import LATE_LABEL
from storage.records.models import ModelFile

if TYPE_CHECKING:
    from core.slices.sides import Side

_LABELS, _ID, _LABEL = "__pair_labels", "__pair_id", "__pair_label"


def shared(side: Side, file: ModelFile, arms: str) -> Side:
    """Rows of two arms, those without a label with that of the other arm's row of the same request.

    Where both have one, each keeps its own. Of several rows of a request the control's last one tells. The side is
    given back as it is where nothing is to be filled in.

    Args:
        arms: SQL of the arm of a row: 0 the candidate's, 1 the control's, NULL of neither.

    Raises:
        SourceError: the log can't be asked.
    """
    column, key = file.columns.label, file.columns.id
    if column is None or key is None or column not in side.kinds or key not in side.kinds:
        return side
    own, request = plain_text(side.source, column), plain_text(side.source, key)
    label = f"coalesce({LATE_LABEL}, {own})" if side.late else own
    asked = f'select {request} as r, {label} as l, {arms} as a, "__row" as n from {side.relation}'
    with in_words("the labels"):
        side.source.connection.execute(
            f"create or replace temp table {_LABELS} as "
            f"select r as {_ID}, arg_max(l, a * 1000000000000 + n) as {_LABEL} "
            f"from ({asked}) where a is not null and r is not null and l is not null group by 1"
        )
    [(lacking,)] = side.source.query(
        f"select count(*) from ({asked}) where a is not null and l is null and r in (select {_ID} from {_LABELS})"
    )
    if not int(str(lacking)):
        return side
    filled = f"coalesce({label}, {_LABEL}) as {LATE_LABEL}"
    columns = (
        f"* exclude ({_ID}, {_LABEL}) replace ({filled})" if side.late else f"* exclude ({_ID}, {_LABEL}), {filled}"
    )
    joined = f"(select {columns} from {side.relation} left join {_LABELS} on {request} = {_ID})"
    return replace(side, relation=joined, late=True)
