"""What the files of batches said of a candidate's conditions: written by whoever took batches in, read by everybody."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from datetime import datetime

from storage.clock import to_text
from storage.records.rollouts import Condition

_INSERT = "INSERT INTO condition_readings(rollout_id, stage, reading, conditions_json, at) VALUES (?, ?, ?, ?, ?)"
_NEWEST = """
SELECT conditions_json FROM condition_readings WHERE rollout_id = ? AND reading = ? ORDER BY id DESC LIMIT 1
"""


def add(
    db: sqlite3.Connection, rollout_id: int, stage: str, reading: str, found: Sequence[Condition], now: datetime
) -> None:
    """Append what was read.

    Args:
        reading: names all that it rests on; whatever changes that has another name.
    """
    told = json.dumps([[one.kind, one.met, one.text] for one in found], ensure_ascii=False)
    db.execute(_INSERT, (rollout_id, stage, reading, told, to_text(now)))


def find(db: sqlite3.Connection, rollout_id: int, reading: str) -> tuple[Condition, ...] | None:
    """What was read last under this name; None when nobody has."""
    row = db.execute(_NEWEST, (rollout_id, reading)).fetchone()
    return tuple(Condition(*one) for one in json.loads(row["conditions_json"])) if row else None
