"""Who asks something of a candidate: the offline evaluation, floors, the shadow, whether a canary is like all traffic.

Some of them read the files of batches, so what was read is remembered for as long as nothing new has come.
"""

from __future__ import annotations

import sqlite3
from collections import OrderedDict
from datetime import datetime
from typing import Protocol

from core.rollouts import floors
from core.shadow import representing
from core.shadow import standing as shadow
from core.suites import standing as suites
from storage.records.models import Model
from storage.records.rollouts import Condition, Rollout, StageRule
from storage.tables import gates


class Producer(Protocol):
    """Says which conditions a candidate meets in a stage; empty where it has nothing to say."""

    def __call__(
        self, db: sqlite3.Connection, model: Model, rollout: Rollout, stage_rule: StageRule, *, now: datetime
    ) -> tuple[Condition, ...]:
        """The conditions, from what is known at ``now``."""


ALWAYS: tuple[Producer, ...] = (suites.conditions,)
"""Asked every time: they read the store alone."""

OF_FILES: tuple[Producer, ...] = (floors.conditions, shadow.conditions, representing.conditions)
"""Asked again when a batch or labels came, or the model file changed: they read the files of batches."""

REMEMBERED = 64
_seen: OrderedDict[tuple[object, ...], tuple[Condition, ...]] = OrderedDict()


def conditions(
    db: sqlite3.Connection, model: Model, rollout: Rollout, rule: StageRule, *, now: datetime
) -> tuple[Condition, ...]:
    """What evaluation, shadow and representativeness ask of this candidate in this stage."""
    fresh = tuple(one for ask in ALWAYS for one in ask(db, model, rollout, rule, now=now))
    if not rule.has_arms:
        return fresh
    return (*fresh, *_of_files(db, model, rollout, rule, now))


def _of_files(
    db: sqlite3.Connection, model: Model, rollout: Rollout, rule: StageRule, now: datetime
) -> tuple[Condition, ...]:
    key = (*gates.newest_data(db, model.id), model.sha256, rollout.id, rollout.baseline, rule.stage, OF_FILES)
    known = _seen.get(key)
    if known is None:
        known = tuple(one for ask in OF_FILES for one in ask(db, model, rollout, rule, now=now))
        _seen[key] = known
        while len(_seen) > REMEMBERED:
            _seen.popitem(last=False)
    return known
