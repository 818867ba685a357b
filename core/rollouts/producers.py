"""Who else asks something of a candidate: the offline evaluation, the shadow, whether a canary is like all traffic."""

from __future__ import annotations

import sqlite3
from datetime import datetime

from storage.records.models import Model
from storage.records.rollouts import Condition, Rollout, StageRule


def conditions(
    db: sqlite3.Connection, model: Model, rollout: Rollout, rule: StageRule, *, now: datetime
) -> tuple[Condition, ...]:
    """What evaluation, shadow and representativeness ask of this candidate in this stage."""
    del db, model, rollout, rule, now
    return ()
