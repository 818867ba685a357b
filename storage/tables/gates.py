"""What people said to gates: answers, approvals, overrides with their reviews, armings; and what decisions rest on."""

from __future__ import annotations

import sqlite3
from datetime import datetime
from typing import Literal

from storage.clock import from_text, from_text_or_none, to_text
from storage.db import transaction
from storage.errors import RefusedError, UsageError
from storage.records.gates import Approval, Arming, ItemAnswer, Override

_INSERT_ANSWER = """
INSERT INTO gate_answers(rollout_id, stage, item, owner, verdict, note, by, at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
"""
_ANSWERS = """
SELECT * FROM gate_answers WHERE id IN (
    SELECT max(id) FROM gate_answers WHERE rollout_id = ? AND stage = ? GROUP BY item) ORDER BY item
"""
_INSERT_APPROVAL = """
INSERT INTO gate_approvals(rollout_id, stage, sha256, document, note, by, at) VALUES (?, ?, ?, ?, ?, ?, ?)
"""
_APPROVALS = "SELECT * FROM gate_approvals WHERE rollout_id = ? AND stage = ? ORDER BY id"
_INSERT_OVERRIDE = "INSERT INTO gate_overrides(decision_id, reason, by, at) VALUES (?, ?, ?, ?)"
_INSERT_REVIEW = "INSERT INTO gate_override_reviews(override_id, note, by, at) VALUES (?, ?, ?, ?)"
_OVERRIDES = """
SELECT o.*, d.rollout_id, d.from_stage, d.to_stage, r.version, m.name AS model,
       v.by AS reviewed_by, v.at AS reviewed_at, v.note AS review
FROM gate_overrides o
JOIN gate_decisions d ON d.id = o.decision_id
JOIN rollouts r ON r.id = d.rollout_id
JOIN models m ON m.id = r.model_id
LEFT JOIN gate_override_reviews v ON v.override_id = o.id
WHERE (:rollout IS NULL OR d.rollout_id = :rollout) AND (:override IS NULL OR o.id = :override)
  AND (NOT :open OR v.override_id IS NULL)
ORDER BY o.id
"""
_INSERT_ARMING = """
INSERT INTO gate_armings(model_id, stage, sha256, armed, reason, by, at) VALUES (?, ?, ?, ?, ?, ?, ?)
"""
_ARMING = "SELECT * FROM gate_armings WHERE model_id = ? AND stage = ? AND sha256 = ? ORDER BY id DESC LIMIT 1"
_INSERT_BASE = "INSERT INTO gate_decision_bases(decision_id, baseline, last_look_id) VALUES (?, ?, ?)"
_NEWEST = """
SELECT (SELECT file FROM pragma_database_list WHERE name = 'main') AS store,
       (SELECT max(id) FROM batches WHERE model_id = :model) AS batch,
       (SELECT max(j.label_file_id) FROM label_files f JOIN label_joins j ON j.label_file_id = f.id
        WHERE f.model_id = :model) AS labels,
       (SELECT max(id) FROM kept_slices WHERE model_id = :model) AS slices
"""
_BASE = "SELECT baseline, last_look_id FROM gate_decision_bases WHERE decision_id = ?"


def add_answer(
    db: sqlite3.Connection,
    rollout_id: int,
    stage: str,
    item: str,
    *,
    owner: str | None,
    verdict: Literal["yes", "no"] | None,
    note: str | None,
    by: str,
    now: datetime,
) -> None:
    """Append what somebody said of an item, or to whom it was given."""
    with transaction(db):
        db.execute(_INSERT_ANSWER, (rollout_id, stage, item, owner, verdict, note, by, to_text(now)))


def answers(db: sqlite3.Connection, rollout_id: int, stage: str) -> dict[str, ItemAnswer]:
    """The latest word on each item of a gate, by item."""
    return {
        row["item"]: ItemAnswer(
            row["item"], row["owner"], row["verdict"], row["note"], row["by"], from_text(row["at"])
        )
        for row in db.execute(_ANSWERS, (rollout_id, stage))
    }  # fmt: skip


def add_approval(
    db: sqlite3.Connection,
    rollout_id: int,
    stage: str,
    *,
    sha256: str,
    document: str,
    note: str | None,
    by: str,
    now: datetime,
) -> int:
    """Append an approval.

    Raises:
        RefusedError: this person approved the same already.
    """
    with transaction(db):
        try:
            row = db.execute(_INSERT_APPROVAL, (rollout_id, stage, sha256, document, note, by, to_text(now)))
        except sqlite3.IntegrityError as error:
            if "UNIQUE" not in str(error):
                raise
            raise RefusedError(f"{by} approved this already", "another person has to approve it") from error
        return int(row.lastrowid or 0)


def approvals(db: sqlite3.Connection, rollout_id: int, stage: str) -> list[Approval]:
    """Every approval of a gate, void ones too, oldest first."""
    return [
        Approval(
            row["id"], row["rollout_id"], row["stage"], row["sha256"], row["document"], row["note"], row["by"],
            from_text(row["at"]),
        )
        for row in db.execute(_APPROVALS, (rollout_id, stage))
    ]  # fmt: skip


def add_override(db: sqlite3.Connection, decision_id: int, *, reason: str, by: str, now: datetime) -> int:
    """Append an override of a decision and return its id."""
    with transaction(db):
        return int(db.execute(_INSERT_OVERRIDE, (decision_id, reason, by, to_text(now))).lastrowid or 0)


def add_review(db: sqlite3.Connection, override_id: int, *, note: str | None, by: str, now: datetime) -> None:
    """Close an override; once, and by somebody else than whoever made it.

    Raises:
        UsageError: there is no such override.
        RefusedError: it was reviewed already, or by its own author.
    """
    with transaction(db):
        found = override(db, override_id)
        if found.reviewed_by is not None:
            raise RefusedError(f"override {override_id} was reviewed by {found.reviewed_by} already")
        if found.by == by:
            raise RefusedError(f"override {override_id} is your own", "somebody else reviews it")
        db.execute(_INSERT_REVIEW, (override_id, note, by, to_text(now)))


def override(db: sqlite3.Connection, override_id: int) -> Override:
    """The override of that number.

    Raises:
        UsageError: there is none.
    """
    row = db.execute(_OVERRIDES, {"rollout": None, "override": override_id, "open": False}).fetchone()
    if row is None:
        raise UsageError(f"there is no override {override_id}", "midwatch gate lists those that are open")
    return _override(row)


def overrides(db: sqlite3.Connection, rollout_id: int | None = None, *, only_open: bool = False) -> list[Override]:
    """Overrides (of one rollout), oldest first."""
    values = {"rollout": rollout_id, "override": None, "open": only_open}
    return [_override(row) for row in db.execute(_OVERRIDES, values)]


def add_arming(
    db: sqlite3.Connection,
    model_id: int,
    stage: str,
    sha256: str,
    *,
    armed: bool,
    reason: str,
    by: str,
    now: datetime,
) -> None:
    """Append that a gate holds candidates up from now on, or no longer."""
    with transaction(db):
        db.execute(_INSERT_ARMING, (model_id, stage, sha256, armed, reason, by, to_text(now)))


def arming(db: sqlite3.Connection, model_id: int, stage: str, sha256: str) -> Arming | None:
    """The latest word on a gate, None while nobody said any."""
    row = db.execute(_ARMING, (model_id, stage, sha256)).fetchone()
    if row is None:
        return None
    return Arming(row["stage"], row["sha256"], bool(row["armed"]), row["reason"], row["by"], from_text(row["at"]))


def add_base(db: sqlite3.Connection, decision_id: int, *, baseline: str, last_look_id: int) -> None:
    """Append which looks a decision rests on: those up to an id (0 for none), under one baseline."""
    with transaction(db):
        db.execute(_INSERT_BASE, (decision_id, baseline, last_look_id))


def base(db: sqlite3.Connection, decision_id: int) -> tuple[str, int] | None:
    """Baseline and last look that a decision rests on, None where nothing was said."""
    row = db.execute(_BASE, (decision_id,)).fetchone()
    return (row["baseline"], row["last_look_id"]) if row else None


def newest_data(db: sqlite3.Connection, model_id: int) -> tuple[object, ...]:
    """What changes as soon as a batch, labels or a kept slice come to a model of this store; the store's path first."""
    return tuple(db.execute(_NEWEST, {"model": model_id}).fetchone())


def _override(row: sqlite3.Row) -> Override:
    return Override(
        id=row["id"],
        rollout_id=row["rollout_id"],
        decision_id=row["decision_id"],
        model=row["model"],
        version=row["version"],
        from_stage=row["from_stage"],
        to_stage=row["to_stage"],
        reason=row["reason"],
        by=row["by"],
        at=from_text(row["at"]),
        reviewed_by=row["reviewed_by"],
        reviewed_at=from_text_or_none(row["reviewed_at"]),
        review=row["review"],
    )
