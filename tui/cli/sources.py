"""What ``FILE|MODEL`` names."""

from __future__ import annotations

from pathlib import Path

ENDS = (".csv", ".tsv", ".txt", ".jsonl", ".ndjson", ".json", ".parquet", ".pq", ".gz")
"""Of names of log files."""


def is_file(source: str) -> bool:
    """Whether an argument names files and not a registered model.

    A directory is one when it is written with a slash: a model may be called like it.

    >>> is_file("logs/"), is_file("now.parquet"), is_file("churn"), is_file("churn-2.1")
    (True, True, False, False)
    """
    return any(c in source for c in "/*?[") or source.lower().endswith(ENDS) or Path(source).is_file()
