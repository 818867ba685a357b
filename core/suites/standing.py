"""What the gate of a test stage asks of the offline evaluation; everything that is not known holds."""

from __future__ import annotations

import sqlite3
from datetime import datetime

from core.suites.spec import build, changes
from core.suites.verdict import compared_sentence, floor_sentence, unanswered
from storage.host import Actor
from storage.records.models import Model
from storage.records.rollouts import Condition, Rollout, StageRule
from storage.records.suites import Evaluation, SuiteSpec
from storage.tables import audit, suites

PROGRAM = Actor("midwatch", "")
"""Who evaluates again when nobody asked for it."""

AGAIN = "evaluate.again"
_RECENT = 500


def conditions(
    db: sqlite3.Connection,
    model: Model,
    rollout: Rollout,
    stage_rule: StageRule,
    *,
    now: datetime,  # noqa: ARG001 - whatever makes conditions is called alike
) -> tuple[Condition, ...]:
    """The conditions of a test stage, in one sentence each; empty for every other kind of stage.

    An evaluation counts when it was made by the suite as it is now, against the rollout's baseline, by midwatch itself.
    Imported metrics never count.
    """
    if stage_rule.kind != "test":
        return ()
    found, why = in_force(db, model, rollout.version, rollout.baseline)
    if found is None:
        known = suites.against(db, model.id, rollout.version, rollout.baseline, limit=1)
        reason = None if known else not_again(db, rollout)
        failed = f"; midwatch could not evaluate it again by the same rows: {reason}" if reason else ""
        return (Condition("evaluation", False, f"{why}{failed}"),)
    return (Condition("evaluation", True, why), *_of(found, model))


def in_force(db: sqlite3.Connection, model: Model, version: str, baseline: str) -> tuple[Evaluation | None, str]:
    """The newest evaluation by the suite of today, and in one sentence which it is, or why there is none."""
    made = suites.against(db, model.id, version, baseline)
    if not made:
        other = next(iter(suites.listing(db, model.id, version, limit=1)), None)
        how = f"midwatch evaluate {model.name} {version} --baseline {baseline} ..."
        if other is not None:
            return None, f"{version} was evaluated against {other.baseline or 'nothing'}, not {baseline}: {how}"
        if suites.imported(db, model.id, version):
            return None, f"{version} has imported metrics only, which are unverified and count for nothing: {how}"
        return None, f"{version} was never evaluated against {baseline}: {how}"
    unlike = ""
    for evaluation in made:
        if not evaluation.verified:
            unlike = unlike or f"evaluation {evaluation.id} is unverified"
            continue
        told = changes(evaluation.suite, of_today(db, model, evaluation))
        if not told:
            return evaluation, f"evaluation {evaluation.id} of {evaluation.at:%Y-%m-%d %H:%MZ} is by the suite of today"
        more = f" and {len(told) - 2} more" if len(told) > 2 else ""
        unlike = unlike or (
            f"evaluation {evaluation.id} is not comparable, the suite has changed since: {'; '.join(told[:2])}{more}"
        )
    return None, f"{unlike}: evaluate {version} again"


def not_again(db: sqlite3.Connection, rollout: Rollout) -> str | None:
    """Why the evaluation of a rebased rollout could not be made again; None where that was not tried."""
    for entry in audit.recent(db, _RECENT, "rollout"):
        if entry.action == AGAIN and entry.object_id == str(rollout.id):
            return str(entry.after["reason"]) if entry.after["baseline"] == rollout.baseline else None
    return None


def of_today(db: sqlite3.Connection, model: Model, evaluation: Evaluation) -> SuiteSpec:
    """The suite as it is now, over the rows that an evaluation was made on."""
    return build(db, model, evaluation.data)


def _of(evaluation: Evaluation, model: Model) -> tuple[Condition, ...]:
    """What the evaluation says: every floor by name, the comparison, the gain over a simple baseline."""
    floors = tuple(
        Condition("floor", part.standing == "holds", floor_sentence(part)) for part in evaluation.parts if part.vetoes
    )
    counts = evaluation.counts
    lacking = unanswered(evaluation.version, evaluation.candidate_door, counts.given - counts.older)
    told = compared_sentence(evaluation.whole, evaluation.comparison, model.file.suite.margin, evaluation.baseline)
    found = [Condition("evaluation", False, lacking)] if lacking else []
    found.append(Condition("evaluation", evaluation.comparison in ("better", "not worse"), told))
    if evaluation.gain is not None:
        found.append(Condition("evaluation", evaluation.gain.reached is True, evaluation.gain.sentence))
    return (*floors, *found)
