"""Both arms of an experiment in one table: every metric of either, the difference with its interval, and how sure.

The table is for people and for a window that was fixed beforehand: its intervals are right once, not at every look.
What may be looked at after every batch, and decides, is the gate.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Literal

from core.kept.watch import primary
from core.metrics.base import Direction, Reading, missing
from core.metrics.batch_sums import floored, needs_labels
from core.metrics.batch_sums import read as read_sums
from core.metrics.registry import direction, specs
from core.shadow.paired_metrics import better
from core.shadow.windows import choose, windows_of
from core.stats.intervals import difference_interval
from storage.errors import SourceError, UsageError
from storage.records.batches import Batch
from storage.records.models import MetricSpec, Model, ModelFile, Stage

if TYPE_CHECKING:
    from core.shadow.arm_sums import ArmSums

CAUTION = "for a window fixed beforehand: not valid for peeking; what may be looked at after every batch is the gate"


@dataclass(frozen=True, slots=True)
class ArmMetric:
    """One metric of both arms.

    Attributes:
        difference: candidate minus control, ``low`` and ``high`` its 95 % interval (MOVER); None without both.
        direction: which way is good.
        better: the version that is better beyond the interval; None where it can't be told.
        labelled: rows of candidate and control with a label, where the metric waits for labels; else all rows.
        note: why there is no number, or no interval.
    """

    metric: str
    kind: Literal["ml", "business", "ops"]
    primary: bool
    direction: Direction
    candidate: Reading
    control: Reading
    difference: float | None
    low: float | None
    high: float | None
    better: str | None
    labelled: tuple[int, int]
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Exposure:
    """How much one arm has seen: rows, those with a label that had its time, and hours of data."""

    version: str
    rows: int
    labelled: int
    hours: float


@dataclass(frozen=True, slots=True)
class ArmsTable:
    """Two arms over the windows in which both were served.

    Attributes:
        share: of the candidate in both arms' rows; ``expected`` by the stage, None where no split was asked for.
        split_off: whether the split is shown to be off (sequential test at 0.1 %): then nothing here can be trusted.
        short: minimums of the stage that are not met yet, in words; empty when the exposure is enough.
        worse: business metrics that are surely worse in the candidate's arm, in words.
        alone: batches in which only one arm was served: not read.
        immature: batches whose labels have not had their time: they count in nothing that waits for labels.
        caution: what the table is not for.
        not_answered: why there is no table.
    """

    model: str
    stage: str
    batches: tuple[int, ...]
    arms: tuple[Exposure, Exposure]
    metrics: tuple[ArmMetric, ...]
    share: float | None
    expected: float | None
    split_off: bool
    short: tuple[str, ...]
    alone: int
    immature: int
    notes: tuple[str, ...]
    worse: tuple[str, ...] = ()
    caution: str = CAUTION
    not_answered: str | None = None


def arms(
    db: sqlite3.Connection,
    model: Model,
    candidate: str,
    control: str,
    stage: str,
    *,
    now: datetime,
    over: Sequence[Batch] | None = None,
) -> ArmsTable:
    """Read both arms of a stage: the candidate's rows in it, and the control's that users saw in the same windows.

    Args:
        now: tells which labels have had their time.
        over: the batches to read; None: the newest ones that hold the candidate, and those of the same windows.

    Raises:
        SourceError: no file can be read.
        UsageError: the model has no such stage.
    """
    from core.shadow.arm_sums import Arms, merged, read
    from storage.logs.join import workspace

    known = next((one for one in model.file.stages if one.name == stage), None)
    if known is None:
        there = ", ".join(one.name for one in model.file.stages)
        raise UsageError(f"the model {model.name!r} has no stage {stage!r}", f"it has {there}")
    if candidate == control:
        raise UsageError(f"{candidate!r} is not held against itself", "name another version")
    chosen = choose(db, model, candidate, stage=stage).batches if over is None else tuple(over)
    wanted = specs(model.file)
    found: list[tuple[Batch, tuple[ArmSums, ArmSums]]] = []
    failures: list[SourceError] = []
    with workspace() as room:
        for batch in chosen:
            try:
                found.append((batch, read(db, model, batch, Arms(candidate, control, stage), wanted, room, now)))
            except SourceError as error:
                failures.append(error)
    if failures and not found:
        raise failures[0]
    places = windows_of([batch for batch, _ in found])
    rows = [(batch, parts, place) for place, (batch, parts) in zip(places, found, strict=True)]
    rows = [one for one in rows if one[1][0].rows or one[1][1].rows]
    both = {place for _, (here, _), place in rows if here.rows} & {place for _, (_, there), place in rows if there.rows}
    used = [one for one in rows if one[2] in both]
    sums = [merged([parts[arm] for _, parts, _ in used], wanted, model.file) for arm in (0, 1)]
    hours = _hours([(batch, place) for batch, _, place in used])
    lag = model.file.labels.lag
    empty = ArmsTable(
        model=model.name,
        stage=stage,
        batches=tuple(batch.id for batch, _, _ in used),
        arms=(
            Exposure(candidate, sums[0].rows, sums[0].labelled, hours),
            Exposure(control, sums[1].rows, sums[1].labelled, hours),
        ),
        metrics=(),
        share=None,
        expected=known.traffic if 0.0 < known.traffic < 1.0 else None,
        split_off=False,
        short=(),
        alone=len(rows) - len(used),
        immature=sum(batch.window_end is not None and batch.window_end + lag > now for batch, _, _ in used),
        notes=tuple(error.message for error in failures),
    )
    if not used:
        nothing = f"no window holds rows of {candidate!r} in {stage!r} beside rows of {control!r}"
        return replace(empty, not_answered=nothing)
    metrics = tuple(_metric(spec, sums, model.file, (candidate, control)) for spec in wanted)
    return replace(
        empty,
        metrics=metrics,
        worse=_worse(metrics, control),
        share=sums[0].rows / (sums[0].rows + sums[1].rows),
        split_off=_off(empty),
        short=_short(empty.arms[0], known),
    )


def _metric(spec: MetricSpec, sums: Sequence[ArmSums], file: ModelFile, names: tuple[str, str]) -> ArmMetric:
    """One metric of both arms, and its difference."""
    waits = needs_labels(spec, file)
    readings = [
        floored(read_sums(spec, one.states[spec.name], file), spec, file, one.labelled)
        if spec.name in one.states
        else missing(0, "no label has had its time" if waits else "no rows")
        for one in sums
    ]
    here, there = readings
    seen = (sums[0].labelled, sums[1].labelled) if waits else (sums[0].rows, sums[1].rows)
    way = direction(spec, file)
    told = ArmMetric(
        spec.name, spec.kind, spec == primary(file), way, here, there, None, None, None, None, seen,
        here.note or there.note,
    )  # fmt: skip
    if here.value is None or there.value is None:
        return told
    if any(one.states[spec.name].get("shape") == "total" for one in sums):
        return replace(told, note="a total grows with its arm: give the metric as avg(x) to compare arms")
    difference = here.value - there.value
    ends = [(one.low, one.high) for one in readings]
    if any(low is None or high is None for low, high in ends):
        return replace(told, difference=difference, note="this aggregate has no interval")
    low, high = difference_interval(
        here.value, (here.low or 0.0, here.high or 0.0), there.value, (there.low or 0.0, there.high or 0.0)
    )
    sure = better(way, here.value, there.value, (low, high), names)
    return replace(told, difference=difference, low=low, high=high, better=sure)


def _worse(metrics: Sequence[ArmMetric], control: str) -> tuple[str, ...]:
    """Business metrics in which the control is better, one sentence each."""
    from core.suites.verdict import worse_sentence

    held = next((one for one in metrics if one.primary), None)
    apart = held is not None and held.kind != "business" and held.difference is not None and held.better != control
    return tuple(
        worse_sentence(one.metric, one.difference or 0.0, one.low, one.high, apart)
        for one in metrics
        if one.kind == "business" and one.better == control
    )


def _off(table: ArmsTable) -> bool:
    """Whether the arms' rows are shown to be split otherwise than the stage says."""
    from core.stats.gates.split import Split

    if table.expected is None:
        return False
    return Split().add(table.arms[0].rows, table.arms[1].rows, table.expected).off()


def _short(arm: Exposure, stage: Stage) -> tuple[str, ...]:
    """What the candidate's arm still lacks of the stage's minimums."""
    asked = (
        ("rows", arm.rows, stage.minimum_rows),
        ("labels", arm.labelled, stage.minimum_labels),
        ("hours", arm.hours, stage.minimum_hours),
    )
    return tuple(f"{have:,.6g} of {least:,.6g} {word}" for word, have, least in asked if have < least)


def _hours(batches: Sequence[tuple[Batch, int]]) -> float:
    """Hours of data: each window once."""
    spans: dict[int, tuple[datetime, datetime]] = {}
    for batch, place in batches:
        if batch.window_start is not None and batch.window_end is not None:
            first, last = spans.get(place, (batch.window_start, batch.window_end))
            spans[place] = (min(first, batch.window_start), max(last, batch.window_end))
    return sum((end - start).total_seconds() for start, end in spans.values()) / 3600
