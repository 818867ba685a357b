"""Looks: the counts of both arms of a rollout, appended once; and how many rows of a batch belong to which arm."""

from __future__ import annotations

import dataclasses
import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from storage.clock import from_text, to_text
from storage.db import transaction
from storage.records.looks import Binary, Look, Means, Moments, PairedBinary, PairedMeans, Ranks, Split, Sums
from storage.records.rule_documents import canonical

_KINDS: dict[str, type[Sums]] = {
    "binary": Binary,
    "means": Means,
    "ranks": Ranks,
    "paired binary": PairedBinary,
    "paired means": PairedMeans,
    "split": Split,
}
_NAMES = {kind: name for name, kind in _KINDS.items()}
_INSERT = """
INSERT INTO gate_looks(rollout_id, stage, guardrail, baseline, batches_json, window_start, window_end, counted_at, rows,
                       labelled, unreadable, control_rows, control_unreadable, kind, sums_json, at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING RETURNING id
"""
_LOOKS = """
SELECT * FROM gate_looks
WHERE rollout_id = :rollout AND (:stage IS NULL OR stage = :stage) AND (:baseline IS NULL OR baseline = :baseline)
ORDER BY counted_at, window_start, guardrail, batches_json
"""
_DONE = "SELECT guardrail, batches_json FROM gate_looks WHERE rollout_id = ? AND stage = ? AND baseline = ?"
_INSERT_WAIT = """
INSERT INTO gate_waits(rollout_id, stage, guardrail, baseline, batches_json, known, reason, at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING
"""
_WAITS = """
SELECT guardrail, batches_json, known, reason FROM gate_waits WHERE rollout_id = ? AND stage = ? AND baseline = ?
"""
_USED = """
SELECT DISTINCT value FROM gate_looks l JOIN rollouts r ON r.id = l.rollout_id, json_each(l.batches_json)
WHERE r.model_id = ? AND r.version = ? AND l.stage = ? AND l.rollout_id < ?
"""
_INSERT_ARM = "INSERT INTO batch_arms(batch_id, version, stage, rows) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING"
_ARMS = """
SELECT a.* FROM batch_arms a JOIN batches b ON b.id = a.batch_id
WHERE b.model_id = ? AND b.role = 'serving' ORDER BY a.batch_id, a.version, a.stage
"""


@dataclass(frozen=True, slots=True)
class Arm:
    """Rows of a batch that one version answered in one stage; None where neither log nor caller tells."""

    version: str | None
    stage: str | None
    rows: int


@dataclass(frozen=True, slots=True)
class Wait:
    """A guardrail that could not be counted in these batches, with what was known then.

    Attributes:
        known: tells the model file and the label files apart that it was tried with.
        reason: why it can't be measured; None where only labels are missing.
    """

    guardrail: str
    batches: tuple[int, ...]
    known: str
    reason: str | None


def add_looks(db: sqlite3.Connection, looks: Sequence[Look], now: datetime) -> int:
    """Append looks, all or none; one that is there already is passed over. Returns how many were new.

    Ids of the looks are ignored.

    Raises:
        ValueError: a sum is not finite.
    """
    added = 0
    with transaction(db):
        for look in looks:
            row = db.execute(
                _INSERT,
                (
                    look.rollout_id, look.stage, look.guardrail, look.baseline, json.dumps(sorted(look.batches)),
                    to_text(look.window_start), to_text(look.window_end), to_text(look.counted_at), look.rows,
                    look.labelled, look.unreadable, look.control_rows, look.control_unreadable,
                    _NAMES[type(look.sums)], sums_document(look.sums), to_text(now),
                ),
            ).fetchone()  # fmt: skip
            added += row is not None
    return added


def looks(
    db: sqlite3.Connection, rollout_id: int, stage: str | None = None, baseline: str | None = None
) -> tuple[Look, ...]:
    """Looks of a rollout in the order they count, of one stage and against one baseline where these are given."""
    asked = {"rollout": rollout_id, "stage": stage, "baseline": baseline}
    return tuple(_look(row) for row in db.execute(_LOOKS, asked))


def done(db: sqlite3.Connection, rollout_id: int, stage: str, baseline: str) -> set[tuple[str, tuple[int, ...]]]:
    """Guardrail and batches of every look of a stage."""
    return {
        (row["guardrail"], tuple(json.loads(row["batches_json"])))
        for row in db.execute(_DONE, (rollout_id, stage, baseline))
    }


def add_waits(
    db: sqlite3.Connection, rollout_id: int, stage: str, baseline: str, waits: Sequence[Wait], now: datetime
) -> None:
    """Append what was looked for in vain."""
    with transaction(db):
        for one in waits:
            batches = json.dumps(sorted(one.batches))
            values = (rollout_id, stage, one.guardrail, baseline, batches, one.known, one.reason, to_text(now))
            db.execute(_INSERT_WAIT, values)


def waits(db: sqlite3.Connection, rollout_id: int, stage: str, baseline: str) -> tuple[Wait, ...]:
    """What was looked for in vain in a stage."""
    return tuple(
        Wait(row["guardrail"], tuple(json.loads(row["batches_json"])), row["known"], row["reason"])
        for row in db.execute(_WAITS, (rollout_id, stage, baseline))
    )


def used_before(db: sqlite3.Connection, rollout_id: int, model_id: int, version: str, stage: str) -> set[int]:
    """Batches that an earlier rollout of the same version looked at in a stage."""
    return {int(row["value"]) for row in db.execute(_USED, (model_id, version, stage, rollout_id))}


def add_arms(db: sqlite3.Connection, batch_id: int, arms: Sequence[Arm]) -> None:
    """Record how the rows of a batch are divided; an empty batch is recorded as having no rows."""
    with transaction(db):
        for arm in arms or (Arm(None, None, 0),):
            db.execute(_INSERT_ARM, (batch_id, arm.version, arm.stage, arm.rows))


def arms(db: sqlite3.Connection, model_id: int) -> dict[int, tuple[Arm, ...]]:
    """How the rows of each serving batch of a model are divided, for those of which it is known."""
    found: dict[int, list[Arm]] = {}
    for row in db.execute(_ARMS, (model_id,)):
        found.setdefault(row["batch_id"], []).append(Arm(row["version"], row["stage"], row["rows"]))
    return {batch_id: tuple(listed) for batch_id, listed in found.items()}


def sums_document(sums: Sums) -> str:
    """Sums as canonical JSON, to the last bit.

    >>> sums_document(PairedMeans(2, 0.1 + 0.2, 1.0))
    '{"pairs":2,"squares":1.0,"total":0.30000000000000004}'
    """
    return canonical(dataclasses.asdict(sums))


def read_sums(kind: str, text: str) -> Sums:
    """What :func:`sums_document` wrote of that kind."""
    body: Mapping[str, Any] = json.loads(text)
    if kind == "means":
        return Means(Moments(**body["canary"]), Moments(**body["control"]))
    return _KINDS[kind](**body)


def _look(row: sqlite3.Row) -> Look:
    return Look(
        id=row["id"],
        rollout_id=row["rollout_id"],
        stage=row["stage"],
        guardrail=row["guardrail"],
        baseline=row["baseline"],
        batches=tuple(json.loads(row["batches_json"])),
        window_start=from_text(row["window_start"]),
        window_end=from_text(row["window_end"]),
        counted_at=from_text(row["counted_at"]),
        rows=row["rows"],
        labelled=row["labelled"],
        sums=read_sums(row["kind"], row["sums_json"]),
        unreadable=row["unreadable"],
        control_rows=row["control_rows"],
        control_unreadable=row["control_unreadable"],
    )
