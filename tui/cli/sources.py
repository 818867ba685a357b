"""What ``FILE|MODEL`` names."""

from __future__ import annotations

from pathlib import Path


def is_file(source: str) -> bool:
    """Whether an argument names files and not a registered model.

    >>> is_file("logs/*.csv"), is_file("churn")
    (True, False)
    """
    return any(c in source for c in "/*?[") or Path(source).suffix != "" or Path(source).exists()
