"""One at a time: which candidate may move, and what happens to the others when one of them goes live."""

from __future__ import annotations

import sqlite3

from storage.records.models import Model, StageKind
from storage.records.rollouts import Condition, Rollout
from storage.tables import promotions, rollbacks, rollouts


def conditions(db: sqlite3.Connection, model: Model, rollout: Rollout) -> tuple[Condition, ...]:
    """Whether the way into the next stage is free; one condition for each thing in it."""
    ahead = rollout.rule.after(rollout.stage) if rollout.stage else None
    return free(db, model, rollout, ahead.stage, ahead.kind) if ahead is not None else ()


def free(
    db: sqlite3.Connection, model: Model, rollout: Rollout | None, stage: str, kind: StageKind
) -> tuple[Condition, ...]:
    """What stands in the way into a stage.

    A stage with traffic holds one candidate of a model at a time: two would share its requests, and a deployment says
    of one version that it is live there. Offline stages hold any number; the last stage takes whoever comes, and the
    others are then held against that one.
    """
    found = _under_way(db, model)
    if kind in ("test", "full"):
        return tuple(found)
    for other in rollouts.open_rollouts(db, model.id):
        if other.stage == stage and (rollout is None or other.id != rollout.id):
            told = f"{other.version} is in {stage}: one candidate at a time; it moves on or is taken off first"
            found.append(Condition("queue", False, told))
    return tuple(found)


def acting_on(db: sqlite3.Connection, rollout: Rollout) -> str | None:
    """A promotion of this rollout that is under way, in words; None when none is."""
    acting = promotions.in_flight(db, rollout.model_id)
    if acting is None or acting.rollout_id != rollout.id:
        return None
    return f"promotion {acting.id} of {acting.version} is {acting.state}"


def _under_way(db: sqlite3.Connection, model: Model) -> list[Condition]:
    found = []
    acting = promotions.in_flight(db, model.id)
    if acting is not None:
        told = f"promotion {acting.id} of {acting.version} is {acting.state}: one at a time"
        found.append(Condition("queue", False, told))
    back = rollbacks.in_flight(db, model.id)
    if back is not None:
        told = f"rollback {back.id} to {back.to_version} is {back.state}: nothing is promoted meanwhile"
        found.append(Condition("queue", False, told))
    return found
