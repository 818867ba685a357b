"""Floors of critical slices and scenarios, on the candidate's own rows: a better mean does not outvote a broken one."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from core.kept.slices import SliceEvaluation, evaluate
from storage.records.batches import Batch
from storage.records.kept_slices import KeptSlice
from storage.records.models import Model
from storage.records.rollouts import Condition, Rollout, StageRule
from storage.records.slices import Predicate
from storage.tables import batches, kept_slices, looks


def conditions(
    db: sqlite3.Connection,
    model: Model,
    rollout: Rollout,
    stage_rule: StageRule,
    *,
    now: datetime,  # noqa: ARG001 - whatever makes conditions is called alike
) -> tuple[Condition, ...]:
    """One condition for each kept slice with a floor that can veto, where users see the candidate's answers.

    A broken floor holds, and so does one that can't be judged; one that the interval leaves open does not.
    """
    vetoing = [k for k in kept_slices.listing(db, model.id) if k.kind != "user" and k.floor is not None]
    if stage_rule.kind not in ("canary", "ab") or not vetoing:
        return ()
    seen = sorted({one for look in looks.looks(db, rollout.id, stage_rule.stage) for one in look.batches})
    over = [batches.get(db, one) for one in seen]
    return tuple(_condition(kept, _of_candidate(db, model, rollout, stage_rule, kept, over)) for kept in vetoing)


def _of_candidate(
    db: sqlite3.Connection, model: Model, rollout: Rollout, rule: StageRule, kept: KeptSlice, over: Sequence[Batch]
) -> SliceEvaluation | None:
    """The primary metric of the slice over the candidate's rows; None without any batch."""
    mine = []
    for batch in over:
        told = dict(batch.columns)
        named = [
            _equal(column, told, value)
            for column, value in ((model.file.columns.version, rollout.version), (model.file.columns.stage, rule.stage))
            if column is not None and column in told
        ]
        if model.file.columns.version not in told and batch.version != rollout.version:
            continue
        mine.append((batch, tuple(named)))
    if not mine:
        return None
    # Number 0 is no kept slice: nothing that was read for all rows of a batch is taken for the candidate's.
    draft = replace(kept, id=0, predicates=(*kept.predicates, *mine[0][1]))
    return evaluate(db, model, draft, [batch for batch, named in mine if named == mine[0][1]])


def _equal(column: str, kinds: dict[str, str], value: str) -> Predicate:
    return Predicate(column, "=", float(value) if kinds[column] == "number" and _is_number(value) else value)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _condition(kept: KeptSlice, found: SliceEvaluation | None) -> Condition:
    what = f"the {kept.kind} slice {kept.name!r}"
    if found is None or found.value is None or found.standing is None:
        why = (found.note if found else None) or "no rows of the candidate yet"
        return Condition("floor", False, f"{what} could not be held against its floor {kept.floor:g}: {why}")
    interval = f" [{found.low:.4g} {found.high:.4g}]" if found.low is not None and found.high is not None else ""
    said = f"{found.metric} {found.value:.4g}{interval} on {found.n:,} of its rows"
    words = {"broken": "breaks", "holds": "holds", "not sure": "may break"}[found.standing]
    return Condition("floor", found.standing != "broken", f"{what} {words} its floor {kept.floor:g}: {said}")
