"""The sums of every metric over the rows of both arms of a stage, batch by batch, with labels that had their time."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from core.metrics.base import State
from storage.logs.quoting import sql_text as text
from storage.records.batches import Batch
from storage.records.models import MetricSpec, Model, ModelFile

if TYPE_CHECKING:
    from storage.logs.join import Workspace
    from storage.logs.source import LogSource


@dataclass(frozen=True, slots=True)
class ArmSums:
    """One arm's sums by metric; ``labelled`` of its ``rows`` have a label that had its time."""

    rows: int = 0
    labelled: int = 0
    states: dict[str, State] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Arms:
    """Whose rows are read: the candidate's in a stage, and the control's that users saw (there, or at full traffic)."""

    candidate: str
    control: str
    stage: str

    def conditions(self, source: LogSource, batch: Batch, file: ModelFile) -> tuple[str, str]:
        """SQL of the rows of either arm in a batch: by its columns, else by what was said when it came."""
        from core.slices.parts import unseen

        version = _part(source, file.columns.version, batch.version)
        at = f"coalesce({_part(source, file.columns.stage, batch.stage)}, {text(file.full_stage)})"
        hidden = ", ".join(text(str(one)) for one in sorted(str(one) for one in unseen(file)) if one != self.stage)
        seen = f"{at} not in ({hidden})" if hidden else "true"
        return (
            f"{version} = {text(self.candidate)} and {at} = {text(self.stage)}",
            f"{version} = {text(self.control)} and {seen}",
        )


def _part(source: LogSource, column: str | None, said: str | None) -> str:
    from storage.logs.label_values import plain_text

    known = plain_text(source, column) if column is not None and any(c.name == column for c in source.columns) else None
    return f"coalesce({known}, {_said(said)})" if known else _said(said)


def _said(value: str | None) -> str:
    return "null::varchar" if value is None else text(value)


def read(
    db: sqlite3.Connection, model: Model, batch: Batch, arms: Arms, wanted: Sequence[MetricSpec], room: Workspace,
    now: datetime,
) -> tuple[ArmSums, ArmSums]:  # fmt: skip
    """Both arms in one batch; what waits for labels is left out of a batch whose labels have not had their time.

    Raises:
        SourceError: the batch's file, or one with its labels, is gone, has changed or can't be read.
    """
    from core.batch_log import log_of
    from core.metrics.batch_sums import built_in, business_states, needs_labels, plans
    from storage.tables import labels

    file = model.file
    ripe = batch.window_end is None or batch.window_end + file.labels.lag <= now
    with log_of(batch, model) as source:
        known = labels.files_of(db, batch.id)
        for one in known:
            room.load(one, file)
        found = plans(wanted, file, source)
        keep = [column for plan in found.values() for column in plan.columns]
        keep += [column for column in (file.columns.version, file.columns.stage) if column]
        conditions = arms.conditions(source, batch, file)
        joined = room.join(source, file, known, keep)
        told = []
        for condition in conditions:
            part = room.part(joined, condition, file)
            if not part.counts.rows:
                told.append(ArmSums())
                continue
            states = built_in(part, wanted, file) | business_states(part, wanted, found)
            waiting = set() if ripe else {spec.name for spec in wanted if needs_labels(spec, file)}
            states = {name: state for name, state in states.items() if name not in waiting}
            told.append(ArmSums(part.counts.rows, part.counts.labelled if ripe else 0, states))
    return told[0], told[1]


def merged(parts: Sequence[ArmSums], wanted: Sequence[MetricSpec], file: ModelFile) -> ArmSums:
    """One arm over several batches."""
    from core.metrics.batch_sums import merge

    states: dict[str, State] = {}
    for spec in wanted:
        for part in parts:
            if spec.name in part.states:
                held = states.get(spec.name)
                mine = part.states[spec.name]
                states[spec.name] = mine if held is None else merge(spec, held, mine, file)
    return ArmSums(sum(part.rows for part in parts), sum(part.labelled for part in parts), states)
