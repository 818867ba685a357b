"""Floors of critical slices and scenarios, on the candidate's own rows: a better mean does not outvote a broken one.

A batch is read once for a slice; what it said is kept, and merged with the others from then on.
"""

from __future__ import annotations

import hashlib
import json
import math
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from core.kept.slices import SliceEvaluation, read_in, together
from core.kept.watch import primary, worse
from storage.db import transaction
from storage.records.batches import Batch
from storage.records.kept_slices import KeptSlice
from storage.records.models import Model
from storage.records.rollouts import Condition, Rollout, StageRule
from storage.records.slices import Predicate
from storage.tables import batches, floor_readings, kept_slices, labels, looks
from storage.tables.floor_readings import FloorReading

FORM = 1
"""Part of what a kept reading rests on: one more than before when a batch is read otherwise than it was."""


@dataclass(frozen=True, slots=True)
class _Asked:
    """A kept slice and the batches to read, each with the slice's condition on the candidate's rows and its name."""

    kept: KeptSlice
    over: tuple[tuple[Batch, KeptSlice, str], ...]


def conditions(
    db: sqlite3.Connection,
    model: Model,
    rollout: Rollout,
    stage_rule: StageRule,
    *,
    now: datetime,  # noqa: ARG001 - whatever makes conditions is called alike
) -> tuple[Condition, ...]:
    """One condition for each kept slice with a floor that can veto, where users see the candidate's answers.

    Only a floor that surely holds is met, as in an evaluation: a broken one holds the candidate, and so does one that
    the interval leaves open, that can't be judged, or of which a batch that looks rest on can't be read.
    """
    found = []
    for asked in _asked(db, model, rollout, stage_rule):
        known = floor_readings.find(db, [(batch.id, name) for batch, _, name in asked.over])
        read, failures = [], list[str]()
        for batch, kept, _ in asked.over:
            one, wrong = (known[batch.id], []) if batch.id in known else _read(db, model, kept, batch)
            failures += wrong
            read += [one] if one is not None else []
        total = together(model, asked.kept, primary(model.file), read, failures) if asked.over else None
        found.append(_condition(model, asked.kept, total, len(asked.over)))
    return tuple(found)


def remember(db: sqlite3.Connection, model: Model, rollout: Rollout, stage_rule: StageRule, *, now: datetime) -> int:
    """Read the batches that no one has read yet, and keep what they say; how many there were."""
    new = 0
    for asked in _asked(db, model, rollout, stage_rule):
        known = floor_readings.find(db, [(batch.id, name) for batch, _, name in asked.over])
        read = [
            (batch.id, name, _read(db, model, kept, batch)[0])
            for batch, kept, name in asked.over
            if batch.id not in known
        ]
        with transaction(db):
            for batch_id, name, one in read:
                if one is not None:
                    floor_readings.add(db, batch_id, name, one, now)
                    new += 1
    return new


def _asked(db: sqlite3.Connection, model: Model, rollout: Rollout, stage_rule: StageRule) -> Iterator[_Asked]:
    vetoing = [k for k in kept_slices.listing(db, model.id) if k.kind != "user" and k.floor is not None]
    if stage_rule.kind not in ("canary", "ab") or not vetoing:
        return
    seen = sorted({one for look in looks.looks(db, rollout.id, stage_rule.stage) for one in look.batches})
    over = [batches.get(db, one) for one in seen]
    for kept in vetoing:
        drafts = [(batch, _of_candidate(model, rollout, stage_rule, kept, batch)) for batch in over]
        yield _Asked(
            kept, tuple((batch, draft, _name(db, model, draft, batch)) for batch, draft in drafts if draft is not None)
        )


def _of_candidate(model: Model, rollout: Rollout, rule: StageRule, kept: KeptSlice, batch: Batch) -> KeptSlice | None:
    """The slice over the candidate's rows of a batch; None where there are none."""
    told = dict(batch.columns)
    columns = model.file.columns
    if columns.version not in told and batch.version != rollout.version:
        return None
    named = tuple(
        _equal(column, told, value)
        for column, value in ((columns.version, rollout.version), (columns.stage, rule.stage))
        if column is not None and column in told
    )
    # Number 0 is no kept slice: nothing that was read for all rows of a batch is taken for the candidate's.
    return replace(kept, id=0, predicates=(*kept.predicates, *named))


def _name(db: sqlite3.Connection, model: Model, draft: KeptSlice, batch: Batch) -> str:
    """All that a reading rests on beside the bytes of its batch."""
    files = [file.id for file in labels.files_of(db, batch.id)]
    rests_on = [FORM, [p.document() for p in draft.predicates], primary(model.file).name, model.sha256, files]
    return hashlib.sha256(json.dumps(rests_on, sort_keys=True).encode()).hexdigest()


def _read(db: sqlite3.Connection, model: Model, kept: KeptSlice, batch: Batch) -> tuple[FloorReading | None, list[str]]:
    return read_in(db, model, kept, batch, primary(model.file))


def _equal(column: str, kinds: dict[str, str], value: str) -> Predicate:
    return Predicate(column, "=", float(value) if kinds[column] == "number" and _is_number(value) else value)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _condition(model: Model, kept: KeptSlice, found: SliceEvaluation | None, batches_asked: int) -> Condition:
    what = f"the {kept.kind} slice {kept.name!r}"
    lost = ""
    if found is not None and found.failures:
        lost = f"{len(found.failures)} of {batches_asked} batches could not be read: {found.failures[0]}"
    if found is None or found.value is None or found.standing is None:
        why = lost or (found.note if found else None) or "no rows of the candidate yet"
        return Condition("floor", False, f"{what} could not be held against its floor {kept.floor:g}: {why}")
    interval = f" [{found.low:.4g} {found.high:.4g}]" if found.low is not None and found.high is not None else ""
    said = f"{found.metric} {found.value:.4g}{interval} on {found.n:,} of its rows"
    sure = found.standing == "holds"
    words = {"broken": "breaks", "holds": "holds", "not sure": "may break"}[found.standing]
    more = _more(model, found, found.value) if found.standing == "not sure" else ""
    rest = f"; {lost}" if lost else ""
    return Condition("floor", sure and not lost, f"{what} {words} its floor {kept.floor:g}: {said}{more}{rest}")


def _more(model: Model, found: SliceEvaluation, value: float) -> str:
    """What would make an open floor sure: an interval narrows with the root of its rows."""
    spec, floor = primary(model.file), found.floor or 0.0
    away = worse(spec, model.file, floor, value)
    wide = max(abs(end - value) for end in (found.low, found.high, value) if end is not None)
    if away <= 0:
        return ", the interval allows either"
    needed = math.ceil(found.n * (wide / away) ** 2) - found.n
    return f", the interval allows either: about {needed:,} more rows of it with labels decide, at this value"
