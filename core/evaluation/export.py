"""Sets and cases as files for others: CSV or JSON lines, without a cell of a redacted column."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal

from core.withholding import MASK
from storage.records.evaluation_sets import Item
from storage.records.failure_cases import FailureCase
from storage.records.models import ModelFile

Form = Literal["csv", "jsonl"]
OWN = ("id", "expected", "score", "case")
"""Columns that every export begins with; a column of the log that is called so gets the prefix ``column.``."""


def as_text(items: Sequence[Item], file: ModelFile, form: Form) -> str:
    """Items as CSV or JSON lines: id, expected answer, golden score, failure case, then the columns of the log.

    Cells are masked by the model file as it is now: it may redact more than when the rows were taken.
    """
    hidden = set(file.columns.redact)
    items = [replace(i, payload=masked(i.payload, hidden)) for i in items]
    if form == "jsonl":
        return "".join(
            # ASCII: a terminal shows it as it is, and a control character stays an escape of JSON.
            json.dumps({"id": i.id, "expected": i.expected, "score": i.score, "case": i.case_id, "row": i.payload})
            + "\n"
            for i in items
        )
    names = list(dict.fromkeys(name for item in items for name in item.payload))
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([*OWN, *(f"column.{name}" if name in OWN else name for name in names)])
    for item in items:
        cells = [item.id, item.expected, item.score, item.case_id, *(item.payload.get(name) for name in names)]
        writer.writerow(["" if c is None else c for c in cells])
    return out.getvalue()


def masked(payload: dict[str, Any], hidden: set[str]) -> dict[str, Any]:
    """The cells with those of hidden columns masked."""
    return {name: MASK if name in hidden else value for name, value in payload.items()}


def shown(case: FailureCase, file: ModelFile) -> FailureCase:
    """A case as it may be shown now: the model file may redact more than when the row was taken."""
    hidden = set(file.columns.redact)
    columns = file.columns
    secret_id = columns.id in hidden
    return replace(
        case,
        payload=masked(case.payload, hidden),
        expected=MASK if columns.label in hidden and case.expected is not None else case.expected,
        got=MASK if columns.prediction in hidden and case.got is not None else case.got,
        row_key=MASK if secret_id and case.row_id is not None else case.row_key,
        row_id=MASK if secret_id and case.row_id is not None else case.row_id,
    )
