"""Stored batches judged anew by other checks, from their profiles: for changes that stored verdicts can't answer.

A nearer limit, another threshold or bound finds what nobody recorded. Every batch is held against the baseline it would
have today, without itself and what came after it. Kept slices and golden rows need the rows themselves and are left out
on both sides; their alerts are in no difference.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, replace

from core import alerts
from core.baseline import Baselines
from core.checks.base import CheckContext
from core.stats.packing import unpack
from core.tuner.replay import Told
from core.tuner.standing import streaks
from core.validate import Runs, Validation, roles_of, validate
from storage.records.batches import Batch
from storage.records.models import CheckSpec, Model
from storage.tables import batches

LATEST = 60
"""Batches judged anew at most, the latest ones."""


@dataclass(frozen=True, slots=True)
class Rejudged:
    """What each of the latest batches would tell under two sets of checks, in order of time."""

    batches: tuple[Batch, ...]
    before: tuple[tuple[Told, ...], ...]
    after: tuple[tuple[Told, ...], ...]


def rejudge(
    db: sqlite3.Connection,
    model: Model,
    before: tuple[CheckSpec, ...],
    after: tuple[CheckSpec, ...],
    *,
    limit: int = LATEST,
) -> Rejudged:
    """Judge the latest ``limit`` serving batches by both sets of checks; a batch without a baseline tells nothing."""
    known = Baselines(db, model)
    newest = batches.newest(db, model.id)
    found = [] if newest is None else [newest, *batches.preceding(db, newest, limit=limit)]
    chosen = [batch for batch in found if batch.role == "serving"][:limit][::-1]
    told = [_judge(db, model, known, batch, (before, after)) for batch in chosen]
    return Rejudged(tuple(chosen), tuple(t[0] for t in told), tuple(t[1] for t in told))


def context_of(db: sqlite3.Connection, model: Model, known: Baselines, batch: Batch) -> CheckContext | None:
    """A stored batch with the baseline it would have today, under no specs; None where there is no baseline."""
    baseline = known.before(batch.window_start, without=batch.id)
    if not baseline.batches:
        return None
    return CheckContext(
        current=unpack(batches.profile(db, batch.id)),
        reference=baseline.merged,
        past=baseline.past,
        same_hour=baseline.same_hour,
        roles=roles_of(model.file),
        calendar=model.file.columns.calendar,
        window_start=batch.window_start,
        window_end=batch.window_end,
    )


def judged(
    db: sqlite3.Connection,
    model: Model,
    context: CheckContext,
    specs: tuple[CheckSpec, ...],
    runs: Runs | None = None,
) -> Validation:
    """Every verdict on a batch under ``specs``; what was measured once is not measured again."""
    under = replace(context, specs=specs, streaks=streaks(db, model, specs, context.window_start))
    under.__dict__.update(departures=context.departures, readings=context.readings, traits=context.traits)
    return validate(under, runs)


def _judge(
    db: sqlite3.Connection, model: Model, known: Baselines, batch: Batch, sets: Sequence[tuple[CheckSpec, ...]]
) -> list[tuple[Told, ...]]:
    context = context_of(db, model, known, batch)
    if context is None:
        return [() for _ in sets]
    found = []
    runs: Runs = {}
    for specs in sets:
        verdicts = judged(db, model, context, specs, runs).results
        drafts = alerts.group(verdicts, model=model.name, prediction=model.file.columns.prediction)
        found.append(tuple(Told(batch.id, draft.tier, draft.group_key, None) for draft in drafts))
    return found
