"""Which rows of which batches belong to the arms of a rollout: told from what the store knows, or asked once.

The candidate's arm are the rows of its version in the stage. The control's are rows of the baseline at the same time:
in the stage that serves users, of the same batch, or of one batch of the same window where each version writes its own
file. A batch that names one stage for all of its rows (an A/B log) holds both arms in that stage.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from core.rollouts.opened_arms import Fresh, open_batches
from storage.errors import SourceError
from storage.logs.quoting import sql_name, sql_text
from storage.records.batches import Batch
from storage.records.models import Model, ModelFile
from storage.tables import batches, looks
from storage.tables.looks import Arm

SAME_WINDOW = 0.1
"""Two windows are the same when both ends differ by at most this share of the candidate's window."""


@dataclass(frozen=True, slots=True)
class Pair:
    """Both arms of one window.

    Attributes:
        batches: the batch with both arms; or the candidate's and the control's.
        control_stage: the stage of the control's rows.
        canary, control: rows of each arm, whatever became of them; without any of the control's, the split alone is
            looked at.
    """

    batches: tuple[Batch, ...]
    control_stage: str
    start: datetime
    end: datetime
    canary: int
    control: int

    @property
    def ids(self) -> tuple[int, ...]:
        """The batches' ids in ascending order, as looks name them."""
        return tuple(sorted(batch.id for batch in self.batches))


def divided(
    db: sqlite3.Connection, model: Model, serving: Sequence[Batch], fresh: Fresh | None = None
) -> tuple[dict[int, tuple[Arm, ...]], tuple[str, ...]]:
    """How the rows of each serving batch are divided, and what could not be read.

    A batch is asked once in its life: the store remembers.
    """
    known = looks.arms(db, model.id)
    failures = []
    for batch in serving:
        if batch.id not in known:
            try:
                known[batch.id] = _counted(db, model, batch, fresh)
            except SourceError as error:
                failures.append(error.message)
            else:
                looks.add_arms(db, batch.id, known[batch.id])
    return known, tuple(failures)


def pairs(
    file: ModelFile,
    serving: Sequence[Batch],
    arms: Mapping[int, tuple[Arm, ...]],
    version: str,
    baseline: str,
    stage: str,
    used: set[int],
    split: Collection[tuple[int, ...]] = (),
) -> tuple[tuple[Pair, ...], tuple[str, ...]]:
    """The windows with both arms, in the order in which their batches came, and what is still missing.

    Of several batches that could be the control of another, the one that came first is, and each is one's only.

    A file of the candidate's rows alone waits for the control's file; where logs hold both versions in one file, and
    have gone on past its window, none is to come: the router sent everybody to the candidate, and that is a window.

    Args:
        used: batches of an earlier rollout of the same version: they are not looked at again.
        split: the batches of windows whose traffic split was looked at; such a one is not paired with another any more.
    """
    found: list[Pair] = []
    waiting: list[str] = []
    alone: list[tuple[Batch, int]] = []
    lonely: list[str] = []
    for batch in sorted(serving, key=lambda one: one.id):
        rows = _rows(arms.get(batch.id, ()), file, version, stage)
        if not rows or batch.id in used:
            continue
        if batch.window_start is None or batch.window_end is None:
            waiting.append(f"no row of batch {batch.id} has a time that can be read: it is not looked at")
            continue
        here = _control(arms[batch.id], file, baseline, stage)
        if here is None:
            alone.append((batch, rows))
        else:
            found.append(Pair((batch,), here[0], batch.window_start, batch.window_end, rows, here[1]))
    mixed = bool(found)
    taken: set[int] = {batch.id for pair in found for batch in pair.batches}
    for batch, rows in alone:
        told = (batch.id,) in split
        partner = None if told else _partner(batch, serving, arms, file, baseline, taken)
        if partner is None:
            lonely.append(str(batch.id))
            everybody = all(arm.version == version for arm in arms[batch.id])
            if told or (mixed and everybody and _gone_past(batch, serving)):
                found.append(Pair((batch,), file.full_stage, *_window(batch), rows, 0))
            continue
        other, control = partner
        taken.add(other.id)
        start, end = _spans(batch, other)
        found.append(Pair((batch, other), file.full_stage, start, end, rows, control))
    if lonely:
        which = f"batch {lonely[0]} holds" if len(lonely) == 1 else f"batches {_listed(lonely)} hold"
        waiting.append(f"{which} {version} in {stage}, and no rows of {baseline} in the same window")
    return tuple(sorted(found, key=lambda pair: (pair.end, pair.start, pair.ids))), tuple(waiting)


def _listed(ids: Sequence[str]) -> str:
    return ", ".join(ids[:5]) + (f" and {len(ids) - 5} more" if len(ids) > 5 else "")


def _rows(arms: Sequence[Arm], file: ModelFile, version: str, stage: str) -> int:
    """Rows of a version in a stage; what names no stage serves users."""
    return sum(arm.rows for arm in arms if arm.version == version and (arm.stage or file.full_stage) == stage)


def _control(arms: Sequence[Arm], file: ModelFile, baseline: str, stage: str) -> tuple[str, int] | None:
    """Stage and rows of the baseline in a batch that also holds the candidate."""
    for place in (file.full_stage, stage):
        rows = _rows(arms, file, baseline, place)
        if rows:
            return place, rows
    return None


def _partner(
    batch: Batch,
    serving: Sequence[Batch],
    arms: Mapping[int, tuple[Arm, ...]],
    file: ModelFile,
    baseline: str,
    taken: set[int],
) -> tuple[Batch, int] | None:
    """The first batch that came with the baseline's rows of the same window, and how many these are."""
    for other in sorted(serving, key=lambda one: one.id):
        if other.id not in taken and other.id != batch.id and _same_window(batch, other):
            rows = _rows(arms.get(other.id, ()), file, baseline, file.full_stage)
            if rows:
                return other, rows
    return None


def _gone_past(batch: Batch, serving: Sequence[Batch]) -> bool:
    """Whether the logs of a model have reached a window behind this one."""
    end = _window(batch)[1]
    return any(other.window_start is not None and other.window_start >= end for other in serving)


def _same_window(batch: Batch, other: Batch) -> bool:
    if None in (batch.window_start, batch.window_end, other.window_start, other.window_end):
        return False
    (start, end), (first, last) = _window(batch), _window(other)
    allowed = (end - start) * SAME_WINDOW
    return abs(first - start) <= allowed and abs(last - end) <= allowed


def _window(batch: Batch) -> tuple[datetime, datetime]:
    if batch.window_start is None or batch.window_end is None:
        raise ValueError(f"batch {batch.id} has no window")
    return batch.window_start, batch.window_end


def _spans(batch: Batch, other: Batch) -> tuple[datetime, datetime]:
    (start, end), (first, last) = _window(batch), _window(other)
    return min(start, first), max(end, last)


def _counted(db: sqlite3.Connection, model: Model, batch: Batch, fresh: Fresh | None) -> tuple[Arm, ...]:
    """Rows by version and stage: from what was recorded of the batch where that is enough, else from its file."""
    columns = model.file.columns
    there = {name for name, _ in batch.columns}
    version = columns.version if columns.version in there else None
    stage = columns.stage if columns.stage in there else None
    if version is None and stage is None:
        return _kept({(batch.version, batch.stage): batch.rows})
    told = _from_profile(db, batch, version, stage)
    return _kept(told if told is not None else _from_file(model, batch, fresh))


def _from_profile(
    db: sqlite3.Connection, batch: Batch, version: str | None, stage: str | None
) -> dict[tuple[str | None, str | None], int] | None:
    """The profile knows rows by version and by stage; both together when one of them has one value only."""
    from core.stats.packing import unpack

    profile = unpack(batches.profile(db, batch.id))
    if profile.rows != batch.rows:  # of the served rows alone
        return None
    counted: list[dict[str | None, int]] = []
    for column, said in ((version, batch.version), (stage, batch.stage)):
        if column is None:
            counted.append({said: profile.rows})
            continue
        found = profile.columns.get(column)
        if found is None or found.text is None or not found.text.values.complete:
            return None
        totals: Counter[str | None] = Counter()
        for value, rows in found.text.values.counts.items():
            totals[value.strip() or None] += rows
        totals[None] += profile.rows - sum(totals.values())
        counted.append({value: rows for value, rows in totals.items() if rows})
    versions, stages = counted
    if len(versions) > 1 and len(stages) > 1:
        return None
    return {(one, other): min(versions[one], stages[other]) for one in versions for other in stages}


def _from_file(model: Model, batch: Batch, fresh: Fresh | None) -> dict[tuple[str | None, str | None], int]:
    with open_batches([batch], model, fresh) as source:
        there = {column.name for column in source.columns}
        version, stage = (part_sql(there, model.file, part, (batch,)) for part in ("version", "stage"))
        rows = source.query(f"select {version}, {stage}, count(*) from log group by 1, 2")
    return {
        (None if one is None else str(one), None if other is None else str(other)): int(str(count))
        for one, other, count in rows
    }


def part_sql(there: set[str], file: ModelFile, part: str, of: Sequence[Batch]) -> str:
    """SQL of the version or the stage of a row: its column, where there is none what was said of its batch, else NULL.

    Args:
        there: the columns of the open log; ``of`` are the batches that its files are, in order.
    """
    column = getattr(file.columns, part)
    if column in there:  # as trimmed text, whole numbers without their fraction
        return f"regexp_replace(nullif(trim({sql_name(column)}::varchar), ''), '^(-?\\d+)\\.0$', '\\1')"
    told = [(place, getattr(batch, part)) for place, batch in enumerate(of)]
    cases = "".join(f" when {place} then {sql_text(value)}" for place, value in told if value is not None)
    return f'case "__file"{cases} end' if cases else "null::varchar"


def _kept(rows: Mapping[tuple[str | None, str | None], int]) -> tuple[Arm, ...]:
    order = sorted(rows.items(), key=lambda item: (item[0][0] or "", item[0][1] or ""))
    return tuple(Arm(version, stage, count) for (version, stage), count in order if count)
