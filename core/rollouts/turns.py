"""Turns: the moments at which the looks began to say something else, each written down once.

Turns follow from looks and rule alone, so a program that was closed all night writes the same turns in the same order
as one that was open: same bytes, same hashes.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from core.rollouts import arming, documents
from core.rollouts.catch_up import CaughtUp, Fresh, catch_up
from core.rollouts.evidence import order
from core.rollouts.policy import Path
from storage.db import transaction
from storage.records.looks import Look
from storage.records.models import Model
from storage.records.rollouts import Decision, Outcome, Rollout, StageRule
from storage.tables import gates, rollouts

PROGRAM = "midwatch"
"""Who writes down what looks say."""


@dataclass(frozen=True, slots=True)
class Turn:
    """A moment at which the looks began to say something else, with the document that says it."""

    at: datetime
    outcome: Outcome
    document: str
    last_look_id: int


def keep_up(db: sqlite3.Connection, model: Model, *, now: datetime, fresh: Fresh | None = None) -> CaughtUp:
    """After a batch or labels came: take the looks that are missing, and write down every turn they bring.

    Args:
        fresh: a batch whose log is open already.
    """
    done = catch_up(db, model, now=now, fresh=fresh)
    if done.looks:
        write(db, model, now=now)
    return done


def write(db: sqlite3.Connection, model: Model, *, now: datetime) -> None:
    """Write down the turns of every open rollout that are not written down yet."""
    for rollout in rollouts.open_rollouts(db, model.id):
        rule = rollout.rule.stage(rollout.stage) if rollout.stage else None
        if rule is not None:
            _, turns = walk(rollout, rule, in_order(db, rollout, rule))
            record(db, model, rollout, rule, turns, now=now)


def in_order(db: sqlite3.Connection, rollout: Rollout, rule: StageRule) -> tuple[Look, ...]:
    """The looks of a stage against the rollout's baseline, in the order in which they count."""
    return tuple(sorted(rollouts.looks(db, rollout.id, rule.stage, rollout.baseline), key=order))


def walk(rollout: Rollout, rule: StageRule, looks: Sequence[Look]) -> tuple[Path, tuple[Turn, ...]]:
    """Go through looks in canonical order, moment by moment; the end of the way, and every turn on it."""
    path, turns = Path(rule), list[Turn]()
    said: Outcome = "hold"
    for end, together in _moments(looks):
        path.add(together)
        if path.outcome != said:
            said = path.outcome
            rests_on = looks[:end]
            text = documents.decision_document(rollout, rule.stage, path.verdict(), rests_on)
            turns.append(Turn(together[0].counted_at, said, text, max(look.id for look in rests_on)))
    return path, tuple(turns)


def record(
    db: sqlite3.Connection, model: Model, rollout: Rollout, rule: StageRule, turns: Sequence[Turn], *, now: datetime
) -> tuple[Decision, ...]:
    """Append the turns that are not written down yet, in their order; those that were added."""
    if not turns:
        return ()
    added = []
    with transaction(db):
        known = {one.sha256 for one in rollouts.decisions(db, rollout.id, stage=rule.stage, kind="looked")}
        dry_run = not arming.armed(db, model, rule)
        for turn in turns:
            if documents.sha256(turn.document) in known:
                continue
            decision = rollouts.add_decision(
                db, rollout.id, "looked", from_stage=rule.stage, to_stage=None, outcome=turn.outcome,
                dry_run=dry_run, at=turn.at, document=turn.document, by=PROGRAM, now=now,
            )  # fmt: skip
            gates.add_base(db, decision.id, baseline=rollout.baseline, last_look_id=turn.last_look_id)
            added.append(decision)
    return tuple(added)


def _moments(looks: Sequence[Look]) -> list[tuple[int, tuple[Look, ...]]]:
    """Looks of one moment together, each with how many looks there are up to its end."""
    found, end = [], 0
    for _, together in groupby(looks, key=lambda look: look.counted_at):
        some = tuple(together)
        end += len(some)
        found.append((end, some))
    return found
