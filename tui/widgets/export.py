"""A list as a file."""

from __future__ import annotations

import csv
import io
from datetime import datetime
from pathlib import Path

from storage.clipboard import to_file
from tui.widgets.table import Table

EXPORTED = 2_000
"""Rows of a list that ``x`` writes at the most; the command line has no such limit."""


def export(table: Table, folder: Path, now: datetime, *, name: str) -> str:
    """Write a list as it is filtered and sorted, as CSV in a file of one's own; says where it is."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow([column.title.strip() for column in table.columns])
    rows = table.source.window(table.view, 0, EXPORTED)
    writer.writerows([str(cell) for cell in row.cells] for row in rows)
    path = to_file(out.getvalue(), folder, now, name=name, form="csv")
    left = table.count - len(rows)
    return f"{len(rows)} rows written to {path}{f'; {left} more are left out' if left > 0 else ''}"
