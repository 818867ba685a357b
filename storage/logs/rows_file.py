"""Rows that are no file yet, written to a temporary one so that they are read as every log is."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from storage.logs.engine import in_words


@contextmanager
def rows_file(rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """The path of a file of JSON lines with these rows, gone at the end."""
    with in_words("the temporary directory"):
        made = tempfile.TemporaryDirectory(prefix="midwatch-rows-", ignore_cleanup_errors=True)
    with made as folder:
        path = Path(folder) / "rows.jsonl"
        with path.open("w", encoding="utf-8") as out:
            out.writelines(json.dumps(dict(row), ensure_ascii=False, allow_nan=False) + "\n" for row in rows)
        yield str(path)
