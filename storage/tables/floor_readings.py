"""What slices with a floor read in the rows of a candidate: a batch is read once, and merged from then on."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from storage.clock import to_text

_INSERT = """
INSERT INTO floor_readings(batch_id, reading, rows, labelled, state_json, at)
VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING
"""
_FIND = """
SELECT * FROM floor_readings
WHERE (batch_id, reading) IN (SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]') FROM json_each(?))
"""


@dataclass(frozen=True, slots=True)
class FloorReading:
    """One metric over the rows of one batch that meet a condition.

    Attributes:
        rows: that meet it; ``labelled`` of them have a label.
        state: the metric's mergeable sums, None where there are none.
    """

    rows: int
    labelled: int
    state: dict[str, Any] | None


def add(db: sqlite3.Connection, batch_id: int, reading: str, found: FloorReading, now: datetime) -> None:
    """Append what was read; what is there already is passed over.

    Args:
        reading: names all that it rests on beside the bytes of the batch.
    """
    state = None if found.state is None else json.dumps(found.state, separators=(",", ":"), allow_nan=False)
    db.execute(_INSERT, (batch_id, reading, found.rows, found.labelled, state, to_text(now)))


def find(db: sqlite3.Connection, readings: Sequence[tuple[int, str]]) -> Mapping[int, FloorReading]:
    """What was read, by batch, under these names."""
    return {
        row["batch_id"]: FloorReading(
            row["rows"], row["labelled"], None if row["state_json"] is None else json.loads(row["state_json"])
        )
        for row in db.execute(_FIND, (json.dumps(readings),))
    }
