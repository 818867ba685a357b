"""Two versions over the same requests: in a shadow, users see the answer of one and the log keeps both."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from core.shadow.comparison import Answers, ShadowComparison
from core.shadow.windows import Chosen, choose
from storage.records.batches import Batch
from storage.records.models import Model
from storage.records.rollouts import Rollout
from storage.tables import looks

if TYPE_CHECKING:
    from core.shadow.pairs import Pairs


def compare(db: sqlite3.Connection, model: Model, rollout: Rollout, *, now: datetime) -> ShadowComparison:
    """A rollout's candidate beside its baseline, over the requests of its shadow stage.

    Raises:
        SourceError: no file of its batches is there, or one has changed.
        UsageError: nothing tells versions or stages of a row.
    """
    stage = shadow_stage(rollout)
    used = looks.used_before(db, rollout.id, model.id, rollout.version, stage) if stage is not None else set()
    chosen = choose(db, model, rollout.version, stage=stage, without=used)
    return _read(db, model, rollout.version, rollout.baseline, chosen, stage, now, slices=True)


def shadow_stage(rollout: Rollout) -> str | None:
    """The shadow stage that a rollout is in, else its first one; None where it has none."""
    shadows = [stage.stage for stage in rollout.rule.stages if stage.kind == "shadow"]
    return rollout.stage if rollout.stage in shadows else next(iter(shadows), None)


def compare_versions(
    db: sqlite3.Connection,
    model: Model,
    candidate: str,
    baseline: str,
    *,
    now: datetime,
    over: Sequence[Batch] | None = None,
    stage: str | None = None,
    slices: bool = True,
) -> ShadowComparison:
    """Any two versions over the requests that both answered, whatever stages they were in.

    Args:
        over: the batches to read; None: the newest ones that hold the candidate, and those of the same windows.
        stage: only the candidate's rows of this stage, and the baseline's that users saw.
        slices: whether slices are searched (kept ones are always measured).

    Raises:
        SourceError: no file of its batches is there, or one has changed.
        UsageError: nothing tells versions (or the stage) of a row.
    """
    chosen = choose(db, model, candidate, stage=stage) if over is None else Chosen(tuple(over))
    return _read(db, model, candidate, baseline, chosen, stage, now, slices=slices)


def _read(
    db: sqlite3.Connection,
    model: Model,
    candidate: str,
    baseline: str,
    chosen: Chosen,
    stage: str | None,
    now: datetime,
    *,
    slices: bool,
) -> ShadowComparison:
    """Open what was chosen, and compare."""
    from core.shadow.pairs import open_pairs

    if not chosen.batches:
        return _nothing(model, candidate, baseline, stage, f"no row is of the version {candidate!r}")
    with open_pairs(db, model, candidate, baseline, chosen.batches, now=now, stage=stage) as pairs:
        return _compared(db, model, pairs, chosen.left_out, now, slices)


def _compared(
    db: sqlite3.Connection, model: Model, pairs: Pairs, left_out: int, now: datetime, slices: bool
) -> ShadowComparison:
    from core.shadow.by_slice import found, kept
    from core.shadow.differences import disagreement, latency, moves, shift
    from core.shadow.metric_gaps import not_measured, read
    from core.shadow.pairs import span

    start, end = span(pairs.windows)
    whole = pairs.nothing is None
    share, why = disagreement(pairs) if whole else (None, pairs.nothing)
    metrics, why_no_metrics, labelled = read(model, pairs) if whole else ((), pairs.nothing, 0)
    lag = model.file.labels.lag
    immature = sum(b.window_end is not None and b.window_end + lag > now for b in pairs.windows)
    by_disagreement, by_shift = found(model, pairs) if whole and slices else ((), ())
    told = kept(db, model, pairs) if whole else ()
    return ShadowComparison(
        model=model.name,
        candidate=pairs.answers[0].version,
        baseline=pairs.answers[1].version,
        stage=pairs.stage,
        batches=tuple(batch.id for batch in pairs.windows),
        left_out=left_out,
        start=start,
        end=end,
        answers=pairs.answers,
        both=pairs.both,
        allowed=model.file.gates.disagreement,
        disagreement=share,
        why_no_disagreement=why,
        moves=moves(pairs) if whole else (),
        shift=shift(pairs) if whole else None,
        slices=told,
        by_disagreement=by_disagreement,
        by_shift=by_shift,
        latency=latency(pairs) if whole else None,
        metrics=metrics,
        why_no_metrics=why_no_metrics,
        labelled=labelled,
        immature=immature,
        unknown=(
            *(not_measured(model, metrics, why_no_metrics, told) if whole else ()),
            *_unknown(pairs, left_out, immature),
        ),
        not_answered=pairs.nothing,
    )


def _unknown(pairs: Pairs, left_out: int, immature: int) -> tuple[str, ...]:
    """What the numbers do not say, each in a sentence."""
    told = [*pairs.notes]
    if left_out:
        told.append(f"{left_out} older batches were not read")
    for one in pairs.answers:
        if one.without_id:
            told.append(f"{one.without_id:,} rows of {one.version} name no request: they are compared with nothing")
        if one.unlike:
            told.append(f"{one.unlike:,} requests were answered by {one.version} more than once and not alike")
    if pairs.answers[1].only:
        told.append(f"what {pairs.answers[0].version} would have answered to {pairs.answers[1].only:,} requests")
    if immature:
        told.append(f"the labels of {immature} batches have not had their time")
    told.append("users saw the baseline's answers alone: what they would have done with the others is not known")
    told.append("intervals take requests for independent; many requests of one user make them too narrow")
    return tuple(told)


def _nothing(model: Model, candidate: str, baseline: str, stage: str | None, why: str) -> ShadowComparison:
    nobody = (Answers(candidate, 0, 0, 0, 0, 0, 0, 0), Answers(baseline, 0, 0, 0, 0, 0, 0, 0))
    return ShadowComparison(
        model.name, candidate, baseline, stage, (), 0, None, None, nobody, 0, model.file.gates.disagreement, None, why,
        (), None, (), (), (), None, (), why, 0, 0, (), why,
    )  # fmt: skip
