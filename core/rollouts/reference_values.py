"""What a guardrail's signal is like in the reference: its mean, its spread, and where it is capped."""

from __future__ import annotations

import math
import sqlite3
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from core.rollouts.opened_arms import open_batches, with_labels
from core.rollouts.values import expression, reads_label, value_sql
from storage.errors import SourceError
from storage.records.models import Model
from storage.records.rollouts import GuardrailRule
from storage.tables import batches, labels

if TYPE_CHECKING:
    from core.rollouts.sums import ArmRows
    from core.slices.sides import Side
    from storage.records.batches import Batch

SERVING = 3
"""Serving batches that stand in where the reference has no values of a signal, the newest admitted ones."""

LEAST = 2
"""Units that a spread needs."""


@dataclass(frozen=True, slots=True)
class Spread:
    """A signal in the reference, per unit, after capping.

    Attributes:
        cap: the quantile asked for; None where none was.
        skewness: third standardised moment, 0.0 where nothing varies.
        binary: every value is 0 or 1.
        of: rows of the file they are from, with those that have no value or are not in the guardrail's slice.
    """

    units: int
    mean: float
    sd: float
    cap: float | None
    skewness: float
    binary: bool
    of: int = 0


class Reference:
    """The reference of a model, read when a guardrail needs it and not before."""

    def __init__(self, db: sqlite3.Connection, model: Model) -> None:
        self._db, self._model = db, model
        self._known: dict[tuple[object, ...], Spread | None] = {}

    def spread(self, rule: GuardrailRule, cap: float | None) -> Spread | None:
        """The signal of a guardrail in the newest reference that has it; None where none has.

        Args:
            cap: the quantile of the rows at which larger values are capped.

        Raises:
            SourceError: a reference's file is gone or can't be read.
        """
        key = (rule.signal, rule.sql, rule.predicates, rule.unit, cap)
        if key not in self._known:
            self._known[key] = self._read(rule, cap)
        return self._known[key]

    def reads_label(self, rule: GuardrailRule) -> bool:
        """Whether a guardrail's own SQL reads the label.

        Raises:
            SourceError: there is no reference to check it by.
        """
        for batch in self._batches():
            with open_batches([batch], self._model) as source:
                return reads_label(expression(with_labels(source, [batch], self._model, []), self._model.file, rule))
        raise SourceError(
            f"the guardrail {rule.name!r} can't be checked: {self._model.name} has no log yet", "ingest one"
        )

    def _batches(self) -> list[Batch]:
        every = batches.page(self._db, model_id=self._model.id, limit=-1)
        references = [b for b in every if b.role == "reference"][:1]
        return references + [b for b in every if b.role == "serving" and b.admitted][:SERVING]

    def _read(self, rule: GuardrailRule, cap: float | None) -> Spread | None:
        for batch in self._batches():
            with open_batches([batch], self._model) as source:
                side = with_labels(source, [batch], self._model, labels.files_of(self._db, batch.id))
                try:
                    rows = self._rows(side, rule)
                except SourceError:  # this one has no such column: another may have it
                    continue
                if rows.known >= LEAST:
                    return replace(_spread(rows, cap), of=batch.rows)
        return None

    def _rows(self, side: Side, rule: GuardrailRule) -> ArmRows:
        import numpy as np

        from core.rollouts.sums import ArmRows
        from storage.logs.cells import floats
        from storage.logs.engine import in_words
        from storage.logs.label_values import plain_text

        value = value_sql(side, self._model.file, rule)
        user = self._model.file.columns.user
        key = f"hash({plain_text(side.source, user)})" if rule.unit == "user" and user is not None else "0::ubigint"
        where = side.condition(rule.predicates)
        with in_words("the reference"):
            found = side.source.connection.execute(
                f"select {value} as v, {key} as k from {side.relation} where {where}"
            ).fetchnumpy()
        keys = np.ma.filled(found["k"], 0).astype(np.uint64) if rule.unit == "user" else None
        return ArmRows(floats(found["v"]), keys)


def _spread(rows: ArmRows, cap: float | None) -> Spread:
    import numpy as np

    from core.rollouts.sums import units

    known = rows.values[np.isfinite(rows.values)]
    limit = None if cap is None else float(np.quantile(known, cap))
    binary = bool(np.isin(known, (0.0, 1.0)).all())
    capped = rows.values if limit is None else np.minimum(rows.values, limit)
    values = units(replace(rows, values=capped), any_event=False).values
    mean = math.fsum(values.tolist()) / values.size
    away = values - mean
    variance = math.fsum((away**2).tolist()) / max(values.size - 1, 1)
    third = math.fsum((away**3).tolist()) / values.size
    skewness = third / variance**1.5 if variance > 0 else 0.0
    return Spread(int(values.size), mean, math.sqrt(variance), limit, skewness, binary)
