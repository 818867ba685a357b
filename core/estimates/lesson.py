"""A lesson: what was learned from which batches, as bytes and back: codes and coefficients, no cell of a log."""

from __future__ import annotations

import io
import json
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from core.estimates.coding import as_document, from_document
from core.stats.estimation.backtest import Window
from core.stats.estimation.calibration import Calibration
from core.stats.estimation.columns import ColumnChances, ColumnLoss
from core.stats.estimation.expected import Expected
from core.stats.estimation.learned import Learned, Losses
from core.stats.estimation.rows import Rows
from core.stats.slices.coding import Coding

FORM = 1


@dataclass(frozen=True, slots=True)
class Lesson:
    """What estimates of a model rest on.

    Attributes:
        codings: of the columns, the prediction's own bins last.
        learned: None where the labelled rows were too few or of one class.
        windows: per metric, made of the labelled rows themselves.
        batches: ids learned from; ``versions`` those that answered in them, as far as known.
        tried: labelled rows that were looked at.
    """

    codings: tuple[Coding, ...]
    learned: Learned | None
    windows: dict[str, list[Window]] = field(default_factory=dict)
    batches: frozenset[int] = frozenset()
    versions: frozenset[str] = frozenset()
    tried: int = 0

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns it reads beside the prediction."""
        return tuple(coding.column for coding in self.codings[:-1])


def pack(lesson: Lesson) -> bytes:
    """A lesson as bytes: JSON and arrays, compressed."""
    arrays: dict[str, Any] = {}
    told: dict[str, Any] = {
        "codings": [as_document(coding) for coding in lesson.codings],
        "windows": {name: [asdict(one) for one in found] for name, found in lesson.windows.items()},
        "batches": sorted(lesson.batches),
        "versions": sorted(lesson.versions),
        "tried": lesson.tried,
        "learned": None,
    }
    learned = lesson.learned
    if learned is not None:
        told["learned"] = {
            "sizes": learned.sizes,
            "same": {name: [one.value, one.error] for name, one in learned.same.items()},
            "calibration": asdict(learned.calibration) if learned.calibration else None,
            "columns": asdict(learned.columns) if learned.columns else None,
            "losses": {name: asdict(one) for name, one in learned.losses.items()},
            "calibration_error": learned.calibration_error,
        }
        sample = learned.sample
        arrays = {"scores": sample.scores, "decided": sample.decided, "codes": sample.codes, "truth": sample.truth}
    head = np.frombuffer(json.dumps(told, separators=(",", ":")).encode(), np.uint8)
    file = io.BytesIO()
    np.savez_compressed(file, head=head, **arrays)
    return file.getvalue()


def unpack(body: bytes) -> Lesson:
    """The lesson that :func:`pack` was given."""
    with np.load(io.BytesIO(body), allow_pickle=False) as held:
        told = json.loads(held["head"].tobytes().decode())
        learned = None
        if (kept := told["learned"]) is not None:
            sample = Rows(held["scores"], held["decided"], held["codes"], held["truth"])
            calibration, columns = kept["calibration"], kept["columns"]
            learned = Learned(
                tuple(kept["sizes"]),
                sample,
                {name: Expected(*pair) for name, pair in kept["same"].items()},
                Calibration(**_tuples(calibration)) if calibration else None,
                ColumnChances(**_tuples(columns)) if columns else None,
                {name: _losses(one) for name, one in kept["losses"].items()},
                kept["calibration_error"],
            )
    return Lesson(
        tuple(from_document(one) for one in told["codings"]),
        learned,
        {name: [Window(**one) for one in found] for name, found in told["windows"].items()},
        frozenset(told["batches"]),
        frozenset(told["versions"]),
        told["tried"],
    )


def _losses(body: dict[str, Any]) -> Losses:
    by_columns = body["by_columns"]
    return Losses(
        ColumnLoss(**_tuples(body["by_score"])),
        ColumnLoss(**_tuples(by_columns)) if by_columns else None,
        body["spread"],
    )


def _tuples(body: dict[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in body.items()}
