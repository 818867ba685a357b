"""Who asks something of a candidate: the offline evaluation, floors, the shadow, whether a canary is like all traffic.

Some of them read the files of batches, which takes seconds. Whoever takes in batches or labels has them worked out
once, behind the last file; what they said is kept in the store for as long as nothing new has come.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections import OrderedDict
from contextlib import suppress
from datetime import datetime
from typing import Protocol

from core.rollouts import floors, unreadable
from core.shadow import representing
from core.shadow import standing as shadow
from core.suites import standing as suites
from storage.db import transaction
from storage.errors import SourceError
from storage.records.models import Model
from storage.records.rollouts import Condition, Rollout, StageRule
from storage.tables import condition_readings, gates, rollouts


class Producer(Protocol):
    """Says which conditions a candidate meets in a stage; empty where it has nothing to say."""

    __module__: str
    __qualname__: str

    def __call__(
        self, db: sqlite3.Connection, model: Model, rollout: Rollout, stage_rule: StageRule, *, now: datetime
    ) -> tuple[Condition, ...]:
        """The conditions, from what is known at ``now``."""


ALWAYS: tuple[Producer, ...] = (suites.conditions, unreadable.conditions)
"""Asked every time: they read the store alone."""

OF_FILES: tuple[Producer, ...] = (floors.conditions, shadow.conditions, representing.conditions)
"""Asked again when a batch or labels came, or the model file changed: they read the files of batches."""

FORM = 2
"""Part of what a reading rests on: one more than before when a producer reads otherwise than it did."""

BEING_READ = Condition("reading", False, "the files of batches are still being read for what else it asks")
"""In place of conditions that nobody has read yet: what is unknown holds."""

REMEMBERED = 64
_seen: OrderedDict[tuple[object, ...], tuple[Condition, ...]] = OrderedDict()


def conditions(
    db: sqlite3.Connection, model: Model, rollout: Rollout, rule: StageRule, *, now: datetime, wait: bool = True
) -> tuple[Condition, ...]:
    """What evaluation, shadow and representativeness ask of this candidate in this stage; reads only.

    Args:
        wait: read the files where nobody has; else :data:`BEING_READ` stands for what they would say.
    """
    fresh = tuple(one for ask in ALWAYS for one in ask(db, model, rollout, rule, now=now))
    if not rule.has_arms:
        return fresh
    seen, reading = _names(db, model, rollout, rule)
    known = condition_readings.find(db, rollout.id, reading)
    if known is None:
        known = _seen.get(seen)
    if known is None:
        known = _read(db, model, rollout, rule, seen, now) if wait else (BEING_READ,)
    return (*fresh, *known)


def work_out(db: sqlite3.Connection, model: Model, *, now: datetime) -> None:
    """Read what no one has read yet of every open rollout, and keep it for those who only look.

    A file that can't be read fails nobody who took in another one: the gate says so to whoever asks it.
    """
    for rollout in rollouts.open_rollouts(db, model.id):
        rule = rollout.rule.stage(rollout.stage) if rollout.stage else None
        if rule is not None:
            with suppress(SourceError):
                keep(db, model, rollout, rule, now=now)


def keep(db: sqlite3.Connection, model: Model, rollout: Rollout, rule: StageRule, *, now: datetime) -> None:
    """Read the files, unless this process has, and keep what they say where that is new.

    What another process kept is read again: a file that it could not find may be there by now.
    """
    if not rule.has_arms or not OF_FILES:
        return
    seen, reading = _names(db, model, rollout, rule)
    if seen not in _seen and floors.conditions in OF_FILES:
        floors.remember(db, model, rollout, rule, now=now)
    found = _seen[seen] if seen in _seen else _read(db, model, rollout, rule, seen, now)
    with transaction(db):
        if condition_readings.find(db, rollout.id, reading) != found:
            condition_readings.add(db, rollout.id, rule.stage, reading, found, now)


def _read(
    db: sqlite3.Connection, model: Model, rollout: Rollout, rule: StageRule, seen: tuple[object, ...], now: datetime
) -> tuple[Condition, ...]:
    found = tuple(one for ask in OF_FILES for one in ask(db, model, rollout, rule, now=now))
    _seen[seen] = found
    while len(_seen) > REMEMBERED:
        _seen.popitem(last=False)
    return found


def _names(db: sqlite3.Connection, model: Model, rollout: Rollout, rule: StageRule) -> tuple[tuple[object, ...], str]:
    """All that the files' conditions rest on: for this process, which may see several stores, and in the store."""
    store, *data = gates.newest_data(db, model.id)
    rests_on = (*data, model.sha256, rollout.baseline, rule.stage)
    asked = [f"{ask.__module__}.{ask.__qualname__}" for ask in OF_FILES]
    reading = hashlib.sha256(json.dumps([FORM, *rests_on, asked]).encode()).hexdigest()
    return (store, rollout.id, *rests_on, OF_FILES), reading
