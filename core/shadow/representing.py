"""Whether the rows of an early stage are a good sample of all traffic: who a canary serves is often nobody's choice.

A gate that lets a candidate pass on the rows it had says nothing of rows it hardly had. Its columns are held against
those of everybody else in the same windows.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from core.shadow.windows import Chosen, choose, windows_of
from storage.errors import SourceError, UsageError
from storage.logs.quoting import sql_text as text
from storage.records.batches import Batch
from storage.records.models import Model, ModelFile
from storage.records.rollouts import Condition, Rollout, StageRule
from storage.tables import looks

if TYPE_CHECKING:
    from core.slices.samples import ThinSlice
    from core.slices.sides import Side
    from core.stats.representative import ColumnFit

MINE, REST = "candidate", "rest"
TOLD = 5
"""Columns and slices that a sentence names."""


@dataclass(frozen=True, slots=True)
class Representing:
    """The candidate's rows of a stage against all other rows that users saw in the same windows.

    Attributes:
        good: None where it can't be told, ``verdict`` says why.
        columns: the farthest first; ``thin`` slices the largest of the rest first.
        notes: what could not be read.
    """

    version: str
    stage: str
    batches: tuple[int, ...]
    rows: int
    rest_rows: int
    good: bool | None
    columns: tuple[ColumnFit, ...]
    thin: tuple[ThinSlice, ...]
    verdict: str
    notes: tuple[str, ...] = ()


def representing(
    db: sqlite3.Connection,
    model: Model,
    version: str,
    stage: str,
    *,
    now: datetime,
    over: Sequence[Batch] | None = None,
    without: Collection[int] = (),
) -> Representing:
    """Hold a version's rows of a stage against everybody else's, column by column.

    Columns that follow the calendar, and those that the deployment itself sets, are not judged.

    Args:
        over: the batches to read; None: the newest ones that hold rows of it, and those of the same windows.
        without: batches that an earlier rollout used.

    Raises:
        SourceError: no file is there, or one has changed.
        UsageError: nothing tells versions and stages of a row.
    """
    from core.slices.sides import open_batches

    chosen = choose(db, model, version, stage=stage, without=without) if over is None else Chosen(tuple(over))
    read = chosen.batches
    if not read:
        return _untold(version, stage, f"no row of {version!r} was served in {stage!r} yet")
    with ExitStack() as stack:
        notes = [f"older batches that are not read: {chosen.left_out:,}"] if chosen.left_out else []
        side = open_batches(stack, db, model, model.file, read, now, "true", notes)
        return replace(_judged(side, model, version, stage), notes=tuple(notes))


def _judged(side: Side, model: Model, version: str, stage: str) -> Representing:
    from core.slices.opened import Opened
    from core.slices.request import SliceRequest
    from core.slices.samples import samples
    from core.slices.sides import Sides

    file = model.file
    mine, seen = arm_sql(side, file, version, stage)
    places = windows_of(side.batches)
    held = {int(str(file_)) for (file_,) in side.source.query(f'select distinct "__file" from log where {mine}')}
    if not held:
        return _untold(version, stage, f"no row of {version!r} was served in {stage!r} yet")
    together = {places[file_] for file_ in held}
    files = [i for i, place in enumerate(places) if place in together]
    part = f"case when {mine} then '{MINE}' when {seen} then '{REST}' end"
    side = replace(side, where=f'"__file" in ({", ".join(map(str, files))})')
    calendar = tuple(column for column in file.columns.calendar if column in side.kinds)
    request = SliceRequest(model=model.name, exclude=calendar)
    found = samples(Opened(Sides(side, None, file, model), None, None), request, part, only=MINE)
    ids = tuple(side.batches[i].id for i in files)
    if not found:
        why = f"nobody else was served in the windows of {version!r}, or there is no column to judge by"
        return replace(_untold(version, stage, why), batches=ids)
    [one] = found
    told = replace(
        _untold(version, stage, ""), batches=ids, rows=one.rows, rest_rows=one.rest_rows, good=one.good,
        columns=one.columns, thin=one.thin,
    )  # fmt: skip
    return replace(told, verdict=_verdict(told))


def arm_sql(side: Side, file: ModelFile, version: str, stage: str) -> tuple[str, str]:
    """SQL of the rows of a version in a stage, and of all rows that users saw.

    Raises:
        UsageError: nothing tells versions of a row.
    """
    from core.slices.parts import part_sql, unseen

    told = file.columns.stage in side.kinds or any(batch.stage is not None for batch in side.batches)
    at = f"coalesce({part_sql(side, file, 'stage')}, {text(file.full_stage)})" if told else text(file.full_stage)
    here = f"{at} = {text(stage)}" if told else "true"
    hidden = ", ".join(text(str(one)) for one in sorted(str(one) for one in unseen(file)))
    return (
        f"({part_sql(side, file, 'version')} = {text(version)} and {here})",
        f"({at} not in ({hidden}))" if hidden else "true",
    )


def conditions(
    db: sqlite3.Connection, model: Model, rollout: Rollout, stage_rule: StageRule, *, now: datetime
) -> tuple[Condition, ...]:
    """What a gate behind a canary or an A/B test asks: that its rows are a good sample; nothing of other stages."""
    if stage_rule.kind not in ("canary", "ab"):
        return ()
    used = looks.used_before(db, rollout.id, model.id, rollout.version, stage_rule.stage)
    try:
        found = representing(db, model, rollout.version, stage_rule.stage, now=now, without=used)
    except (SourceError, UsageError) as error:
        return (Condition("sample", False, f"whether it is a good sample is not known: {error.message}"),)
    lost = lost_words(found.notes, len(found.batches))
    older = "".join(f"; {note}" for note in found.notes if note.startswith("older batches "))
    return (Condition("sample", found.good is True and not lost, f"{found.verdict}{older}{lost}"),)


def lost_words(notes: Sequence[str], read: int) -> str:
    """The batches that are gone, of all that would have been read; empty when none is.

    >>> lost_words(["the file of batch 3, d3.csv, is gone", "2 lines of d4.csv could not be read"], 5)
    '; 1 of 6 batches could not be read: the file of batch 3, d3.csv, is gone'
    """
    gone = [note for note in notes if note.startswith("the file of batch ") and note.endswith(", is gone")]
    return f"; {len(gone)} of {read + len(gone)} batches could not be read: {gone[0]}" if gone else ""


def _verdict(found: Representing) -> str:
    """The answer in one sentence."""
    if found.good is None:
        return f"{found.rows:,} rows are too few to tell whether {found.stage} is a good sample of all traffic"
    if found.good:
        far = found.columns[0]
        return (
            f"as far as {found.rows:,} rows tell, {found.stage} is a good sample of all traffic "
            f"(farthest {far.column}, PSI {far.psi:.2g}, {far.noise:.2g} by chance alone)"
        )
    thin = [
        f"{one.words} has {one.share:.1%} of {found.stage} and {one.rest_share:.1%} of the rest" for one in found.thin
    ]
    off = [f"{one.column} is off (PSI {one.psi:.2g}, {one.noise:.2g} by chance)" for one in found.columns if one.off]
    told = [*thin[:TOLD], *off[:TOLD]]
    more = max(0, len(thin) - TOLD) + max(0, len(off) - TOLD)
    rest = f"; and {more} more" if more else ""
    return f"{found.stage} is not a good sample of all traffic: {'; '.join(told)}{rest}"


def _untold(version: str, stage: str, why: str) -> Representing:
    return Representing(version, stage, (), 0, 0, None, (), (), why)
