"""The rows of a log that users saw: what checks, metrics and objectives are about.

A shadow answers the requests that the live version answers, and a test stage answers to nobody. Where a log holds such
rows beside served ones, they are a matter of gates: counted among the served ones they would be repeats, twice the
volume, another mix of predictions, and half of an objective.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from storage.logs.label_values import plain_text
from storage.logs.quoting import sql_text
from storage.records.models import ModelFile

if TYPE_CHECKING:
    from storage.logs.source import LogSource

EVERY = "true"
UNSEEN = "no user saw these rows: the gate of their stage judges them"


@dataclass(frozen=True, slots=True)
class Served:
    """The rows that users saw, open.

    Attributes:
        where: their condition over the whole log.
        seen: False where no user saw any row; then ``source`` is the whole log, as it is where users saw them all.
    """

    source: LogSource
    where: str
    seen: bool


def hidden_stages(file: ModelFile) -> tuple[str, ...]:
    """The stages whose answers no user saw."""
    return tuple(sorted(stage.name for stage in file.stages if stage.kind in ("test", "shadow")))


def served_sql(source: LogSource, file: ModelFile, stage: str | None = None) -> tuple[str, int]:
    """The condition of the rows that users saw, and how many rows fulfil it.

    It is ``true`` where every row does, and where none does: a file of a shadow alone is read as it is. A row without
    a stage has that of its batch; without that, it was served.

    Args:
        stage: what was said of the whole batch.
    """
    hidden, column = hidden_stages(file), file.columns.stage
    if not hidden:
        return EVERY, source.rows
    if column is None or all(known.name != column for known in source.columns):
        return EVERY, 0 if stage in hidden else source.rows
    here = f"coalesce(nullif(trim({plain_text(source, column)}), ''), {sql_text(stage or '')})"
    condition = f"{here} not in ({', '.join(map(sql_text, hidden))})"
    [(found,)] = source.query(f"select count(*) from log where {condition}")
    served = int(str(found))
    return (condition if 0 < served < source.rows else EVERY), served


@contextmanager
def served_rows(source: LogSource, file: ModelFile, stage: str | None = None) -> Iterator[Served]:
    """An open log narrowed to the rows that users saw; the very same log where :func:`served_sql` says ``true``."""
    from storage.logs.narrowed import narrowed

    condition, served = served_sql(source, file, stage)
    if condition == EVERY:
        yield Served(source, condition, served > 0 or not source.rows)
        return
    with narrowed(source, condition) as rows:
        yield Served(rows, condition, True)
