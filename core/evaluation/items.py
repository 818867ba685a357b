"""What an evaluation set holds, in one canonical text an item: the same content has the same hash, in any order.

An item is a JSON object of ``expected``, ``id``, ``payload`` and ``score`` with sorted keys, ASCII only; whole numbers
are written without a fraction. The hash of a set is that of its items' hashes, sorted.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from storage.clock import to_text
from storage.records.evaluation_sets import Item

WHOLE = 1e15
"""Whole numbers up to here are written as such; a double holds them exactly."""


def canonical(item: Item) -> str:
    """The text that stands for an item.

    >>> print(canonical(Item("r1", {"b": 2.0, "a": None}, "yes", case_id=7)))
    {"expected":"yes","id":"r1","payload":{"a":null,"b":2},"score":null}
    """
    body = {"id": item.id, "payload": _plain(item.payload), "expected": item.expected, "score": _plain(item.score)}
    return json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)


def read(text: str, case_id: int | None = None) -> Item:
    """The item that :func:`canonical` wrote."""
    body = json.loads(text)
    score = body["score"]
    return Item(body["id"], body["payload"], body["expected"], None if score is None else float(score), case_id)


def hash_of(text: str) -> str:
    """The hash of one item's canonical text."""
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def set_hash(hashes: Iterable[str]) -> str:
    """The hash of a set of items, whatever their order; the same item twice is one.

    >>> set_hash(["b", "a", "a"]) == set_hash(["a", "b"])
    True
    """
    return hashlib.sha256("\n".join(sorted(set(hashes))).encode("ascii")).hexdigest()


def cell(value: object) -> Any:
    """A cell of a log as an item holds it: None, a boolean, a finite number or a text; nan and infinities as texts.

    >>> cell(3.0), cell(float("nan")), cell(date(2026, 11, 23))
    (3, 'nan', '2026-11-23')
    """
    if isinstance(value, Decimal):
        value = float(value)
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, int | float):
        return _plain(value) if math.isfinite(value) else str(float(value))
    if isinstance(value, datetime):
        return to_text(value) if value.tzinfo is not None else value.isoformat()
    return value.isoformat() if isinstance(value, date) else str(value)


def plain_text(value: object) -> str | None:
    """A cell as trimmed text, whole numbers without their fraction, as labels and ids are compared.

    >>> plain_text(12.0), plain_text("  "), plain_text(True)
    ('12', None, 'true')
    """
    found = cell(value)
    if found is None:
        return None
    return ("true" if found else "false") if isinstance(found, bool) else str(found).strip() or None


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, float) and value == int(value) and abs(value) < WHOLE:
        return int(value)
    return value
