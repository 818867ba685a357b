"""What a version says about the rows it learned from: a log of them, or a JSON file that names one and its figures.

Such a JSON object may hold ``sample`` (a log of training rows, as a path beside it or absolute) and ``offline`` (metric
-> value, as whoever trained it measured). Everything else in it is left alone.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from storage.errors import SourceError

LOGS = (".csv", ".csv.gz", ".jsonl", ".jsonl.gz", ".ndjson", ".parquet", ".tsv")
MAXIMUM_BYTES = 1_000_000


@dataclass(frozen=True, slots=True)
class TrainingData:
    """Where training rows lie (None when nothing names any), and metrics measured offline, by name."""

    rows: Path | None = None
    offline: dict[str, float] = field(default_factory=dict)


def read(path: Path) -> TrainingData:
    """What the data of a version tells; nothing when it is of another kind, or gone.

    Raises:
        SourceError: it names ``sample`` or ``offline`` in a way that can't be meant.
    """
    if path.name.lower().endswith(LOGS):
        return TrainingData(path if path.is_file() else None)
    try:
        if path.suffix.lower() != ".json" or path.stat().st_size > MAXIMUM_BYTES:
            return TrainingData()
        told = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return TrainingData()
    except OSError as error:
        raise SourceError(f"{path} can't be read: {error.strerror}", "check its permissions") from error
    except (ValueError, RecursionError) as error:
        raise SourceError(f"{path} is not JSON: {error}", "mend it, or register the version with other data") from error
    return _told(path, told) if isinstance(told, dict) else TrainingData()


def _told(path: Path, told: dict[str, Any]) -> TrainingData:
    sample, offline = told.get("sample"), told.get("offline", {})
    if sample is not None and not isinstance(sample, str):
        raise SourceError(f"{path}: sample is not a path", 'write it as "sample": "training.parquet"')
    if not isinstance(offline, dict):
        raise SourceError(f"{path}: offline is not an object", 'write it as "offline": {"auc": 0.71}')
    figures = {
        str(name): float(value)
        for name, value in offline.items()
        if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    }
    rows = None if sample is None else path.parent / sample
    return TrainingData(rows if rows is not None and rows.is_file() else None, figures)
