"""What people answer to a proposal: accept, reject, revert. Each is a fact of its own, with a reason, and audited."""

from __future__ import annotations

import sqlite3
from datetime import datetime
from typing import Any

from core.tuner.backtest import BackTest, back_test
from core.tuner.expected import answered_by_verdicts
from core.tuner.history import read
from core.tuner.nearer import anew
from core.tuner.proposals import Candidate
from core.tuner.standing import changed, file_says, spec_of, standing, tuned_specs, words
from storage.db import transaction
from storage.errors import RefusedError, UsageError
from storage.host import Actor
from storage.records.models import Model
from storage.records.tunings import Tuning
from storage.tables import audit, models, tunings

NARROWING = frozenset({"times", "except_slices", "minimum_rows", "minimum_touched", "hours", "batches_in_a_row"})
"""Keys that a tuning may set: none of them keeps a hard finding quiet."""


def record(db: sqlite3.Connection, model: Model, candidate: Candidate, *, actor: Actor, now: datetime) -> int:
    """Keep a proposal so that it can be answered; one that waits for an answer already is not kept twice."""
    with transaction(db):
        for known in tunings.listing(db, model.id):
            same = (known.check, known.column, known.change) == (candidate.check, candidate.column, candidate.change)
            if same and known.state == "proposed" and known.backtest == candidate.test.document():
                return known.id
        return tunings.insert(
            db,
            model_id=model.id,
            check=candidate.check,
            column=candidate.column,
            change=candidate.change,
            backtest=candidate.test.document(),
            by=actor.name,
            now=now,
        )


def accept(db: sqlite3.Connection, tuning_id: int, *, reason: str, actor: Actor, now: datetime) -> Tuning:
    """Let a proposal decide from the next batch on, if it loses no known fault of the history as it is now.

    Raises:
        UsageError: there is no such tuning, or no reason.
        RefusedError: it was answered already, it would lose a known fault, or the model file switched the check off.
    """
    _reasoned(reason, "accept")
    with transaction(db):
        tuning = tunings.get(db, tuning_id)
        model = models.get_by_id(db, tuning.model_id)
        if tuning.state != "proposed":
            raise RefusedError(
                f"tuning {tuning_id} was {tuning.state} by {tuning.answered_by}",
                f"propose anew: midwatch alerts tune {tuning.check} --model {model.name}",
            )
        if not tuning.change or not set(tuning.change) <= NARROWING:
            raise RefusedError(
                f"tuning {tuning_id} does more than move a limit or narrow a check", "edit the model file"
            )
        spec = spec_of(tuned_specs(db, model), tuning.check, tuning.column)
        if spec is not None and not spec.enabled:
            raise RefusedError(
                f"the model file of {model.name} switches {tuning.check} off: there is nothing to tune",
                "switch it on there first",
            )
        test = tested_again(db, model, tuning)
        if test.lost:
            raise RefusedError(_losing(db, model, tuning, test), "propose anew: the history has changed since")
        base = file_says(model.file.checks, tuning.check, tuning.column)
        tunings.answer(
            db, tuning_id, "accept", reason=reason.strip(), by=actor.name, now=now, base=base, backtest=test.document()
        )
        _audit(db, "tuning.accept", tuning, model, reason, actor, now)
        return tunings.get(db, tuning_id)


def reject(db: sqlite3.Connection, tuning_id: int, *, reason: str, actor: Actor, now: datetime) -> Tuning:
    """Say that a proposal is not wanted.

    Raises:
        UsageError: there is no such tuning, or no reason.
        RefusedError: it was answered already.
    """
    return _answer(db, tuning_id, "reject", "proposed", reason=reason, actor=actor, now=now)


def revert(db: sqlite3.Connection, tuning_id: int, *, reason: str, actor: Actor, now: datetime) -> Tuning:
    """Take an accepted tuning back: the checks are what they would be had it never been accepted.

    Raises:
        UsageError: there is no such tuning, or no reason.
        RefusedError: it is not in force.
    """
    return _answer(db, tuning_id, "revert", "accepted", reason=reason, actor=actor, now=now)


def tested_again(db: sqlite3.Connection, model: Model, tuning: Tuning) -> BackTest:
    """The back-test of a proposal on the history as it is now, over all checks in force."""
    before = tuned_specs(db, model)
    after = changed(before, tuning.check, tuning.column, tuning.change)
    history = read(db, model)
    if answered_by_verdicts(before, after):
        return back_test(history, before, after)
    return anew(db, model, history, before, after)


def _answer(
    db: sqlite3.Connection, tuning_id: int, kind: str, wanted: str, *, reason: str, actor: Actor, now: datetime
) -> Tuning:
    _reasoned(reason, kind)
    with transaction(db):
        tuning = tunings.get(db, tuning_id)
        if tuning.state != wanted:
            told = f" by {tuning.answered_by}" if tuning.answered_by else ""
            raise RefusedError(f"tuning {tuning_id} is {tuning.state}{told}", "see: midwatch alerts tune --list")
        tunings.answer(db, tuning_id, kind, reason=reason.strip(), by=actor.name, now=now)
        _audit(db, f"tuning.{kind}", tuning, models.get_by_id(db, tuning.model_id), reason, actor, now)
        return tunings.get(db, tuning_id)


def _reasoned(reason: str, kind: str) -> None:
    if not reason.strip():
        raise UsageError(f"to {kind} a tuning needs a reason", "say why, for the person who finds it next month")


def _losing(db: sqlite3.Connection, model: Model, tuning: Tuning, test: BackTest) -> str:
    """What would be lost, and which tuning in force already loses it."""
    ids = ", ".join(map(str, test.lost[:5])) + (f" and {len(test.lost) - 5} more" if len(test.lost) > 5 else "")
    specs = tuned_specs(db, model)
    already = set(back_test(read(db, model), specs, specs).lost)
    told = f"{words(tuning.change)} would lose what people acted on or linked to an incident: alert {ids}"
    if already >= set(test.lost):
        stand = [str(s.tuning.id) for s in standing(db, model) if not s.overruled]
        return f"{told}; the tunings in force lose it already: revert one of {', '.join(stand)}" if stand else told
    return told


def _audit(
    db: sqlite3.Connection, action: str, tuning: Tuning, model: Model, reason: str, actor: Actor, now: datetime
) -> None:
    after: dict[str, Any] = {
        "model": model.name,
        "check": tuning.check,
        "column": tuning.column,
        "change": dict(tuning.change),
        "reason": reason.strip(),
    }
    before = {"state": tuning.state}
    audit.record(
        db, action, actor=actor, now=now, object_kind="tuning", object_id=tuning.id, before=before, after=after
    )
