"""An evaluation made once more, against the version that a rollout is held against by now.

When another candidate becomes the baseline, what was evaluated against the old one answers the wrong question. Where
the rows and the answers still stand as they were (by hash), nobody has to be asked to evaluate them again.
"""

from __future__ import annotations

import os
import sqlite3
from datetime import datetime

from core.suites.evaluate import evaluate
from core.suites.rows import RowsAsked
from core.suites.standing import AGAIN, PROGRAM, not_again
from storage.errors import MidwatchError, SourceError
from storage.logs.files import sha256_of
from storage.records.models import Model
from storage.records.rollouts import Rollout
from storage.records.suites import Door, Evaluation
from storage.tables import audit, batches, evaluation_sets, rollouts, suites


def evaluate_again(db: sqlite3.Connection, model: Model, rollout: Rollout, *, now: datetime) -> Evaluation | None:
    """Evaluate the candidate of a rebased rollout against its new baseline, by the same rows and answers.

    Answers of the new baseline are those it was evaluated with as a candidate, else its own rows or the scorer. Where
    it can't be done the reason is recorded, and the gate says it.

    Returns:
        The new evaluation, recorded as the program's own; None where there is nothing to do or it could not be done.
    """
    before = _before(db, model, rollout)
    if before is None:
        return None
    try:
        return evaluate(
            db, model, rollout.version,
            data=_rows(db, model, before),
            scores=_standing(before.candidate_door),
            baseline=rollout.baseline,
            baseline_scores=_answers_of(db, model, rollout.baseline),
            unnamed=False,
            actor=PROGRAM, now=now,
        )  # fmt: skip
    except MidwatchError as error:
        reason = f"{error.message} ({error.hint})" if error.hint else error.message
        if reason != not_again(db, rollout):
            after = {"baseline": rollout.baseline, "evaluation": before.id, "reason": reason}
            audit.record(db, AGAIN, actor=PROGRAM, now=now, object_kind="rollout", object_id=rollout.id, after=after)
        return None


def _before(db: sqlite3.Connection, model: Model, rollout: Rollout) -> Evaluation | None:
    """The newest evaluation of the candidate, where the rollout was rebased and none is against its baseline yet."""
    if rollout.state != "open" or all(stage.kind != "test" for stage in rollout.rule.stages):
        return None
    if all((one.kind, one.baseline) != ("rebased", rollout.baseline) for one in rollouts.events(db, rollout.id)):
        return None
    if suites.against(db, model.id, rollout.version, rollout.baseline, limit=1):
        return None
    return next((one for one in suites.listing(db, model.id, rollout.version) if one.verified), None)


def _rows(db: sqlite3.Connection, model: Model, before: Evaluation) -> RowsAsked:
    """The rows of an evaluation, asked for by hash."""
    data = before.data
    if data.kind == "files":
        return RowsAsked(files=data.names, sha256=data.sha256)
    if data.kind == "batches":
        return RowsAsked(batches=tuple(batches.get(db, int(number)) for number in data.names))
    name, _, number = data.names[0].rpartition(" ")
    return RowsAsked(set=evaluation_sets.get(db, model.id, name, int(number)))


def _standing(door: Door) -> str | None:
    """The file of scores behind a door; None where the answers came from elsewhere.

    Raises:
        SourceError: it is gone, or its bytes are others.
    """
    if door.kind != "scores":
        return None
    if not os.path.isfile(door.what):
        raise SourceError(f"the scores {door.what} are gone", "put them back, or evaluate with others")
    if sha256_of(door.what) != door.sha256:
        raise SourceError(f"the scores {door.what} have changed since", "put the old file back, or evaluate with these")
    return door.what


def _answers_of(db: sqlite3.Connection, model: Model, baseline: str) -> str | None:
    """The scores that a baseline was evaluated with while it was a candidate, where they still stand."""
    for one in suites.listing(db, model.id, baseline):
        door = one.candidate_door
        if door.kind == "scores" and os.path.isfile(door.what) and sha256_of(door.what) == door.sha256:
            return door.what
    return None
