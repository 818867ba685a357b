"""The rows of a drill while they are drawn: columns that a fault may change, and what each version answers to them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from sample_data.windows import Window

Answers = Callable[[dict[str, Any]], dict[str, Any]]
"""Columns in, the columns that a version writes out (its prediction and what is decided from it)."""


@dataclass(slots=True)
class Draw:
    """All rows of a drill, window after window, ``rows`` each.

    Attributes:
        rng: for the fault's own choices; the rows themselves were drawn with another one.
        columns: what is logged, by name; arrays of one length.
        truth: the label of every row, as the world has it.
        label: the label as it is fed back; a fault may change it. ``labelled`` marks the rows that get one.
        live: rows of the windows from ``onset`` on.
        seen: what the model sees where that is not what is logged.
        cells: cells written in place of a column's values where they are not empty: texts that are no numbers.
        specs, manifests: of versions that the fault brings in; ``leaky`` names the column that knew the label,
            ``flipped`` the share of training labels turned round.
        after: what happens once the versions have answered.
    """

    shape: Shape
    rng: np.random.Generator
    windows: list[Window]
    rows: int
    onset: int
    columns: dict[str, Any]
    truth: NDArray[Any]
    label: NDArray[Any]
    labelled: NDArray[np.bool_]
    live: NDArray[np.bool_]
    versions: dict[str, Answers]
    seen: dict[str, Any] = field(default_factory=dict)
    cells: dict[str, NDArray[Any]] = field(default_factory=dict)
    specs: dict[str, dict[str, Any]] = field(default_factory=dict)
    manifests: dict[str, dict[str, Any]] = field(default_factory=dict)
    leaky: dict[str, str] = field(default_factory=dict)
    flipped: dict[str, float] = field(default_factory=dict)
    after: list[Callable[[], None]] = field(default_factory=list)

    @property
    def total(self) -> int:
        """Rows of all windows."""
        return self.rows * len(self.windows)

    def some(self, share: float, among: NDArray[np.bool_] | None = None) -> NDArray[np.bool_]:
        """A mask of about that share of the live rows, or of those of ``among``; all of them for a share of one."""
        chosen = self.live if among is None else self.live & among
        return chosen & (self.rng.random(self.total) < share)

    def deploy(self, version: str, rows: NDArray[np.bool_]) -> None:
        """These rows are answered by that version."""
        import numpy as np

        self.columns[self.shape.version] = np.where(rows, version, self.columns[self.shape.version]).astype(object)

    def answer(self) -> None:
        """Every version answers its own rows anew, from the columns as they are now."""
        import numpy as np

        given = {**self.columns, **self.seen}
        marks = self.columns[self.shape.version]
        for version in dict.fromkeys(marks.tolist()):
            told = self.versions[version](given)
            for name, values in told.items():
                before = self.columns.get(name)
                self.columns[name] = values if before is None else np.where(marks == version, values, before)


@dataclass(frozen=True, slots=True)
class Shape:
    """One kind of model: what its log looks like and how its rows are drawn.

    Attributes:
        step: the stretch of time of one file; ``lag`` is how long after it the labels arrive.
        suffix: of the log files: ``.parquet``, ``.csv`` or ``.jsonl``.
        draw: features of ``rows`` rows a window; the answers and labels of ``truth`` follow from them.
        truth: labels from the features as they truly are, one a row.
        versions: what each version answers; the first is live before the drill, the last is a harmless retraining.
        specs: the additive scorers behind the versions, where there are any.
        golden: how many rows with known answers are replayed in every window.
    """

    name: str
    suffix: str
    step: timedelta
    lag: timedelta
    toml: str
    id: str
    time: str
    version: str
    label: str
    prediction: str
    draw: Callable[[np.random.Generator, list[Window], int], dict[str, Any]]
    truth: Callable[[np.random.Generator, dict[str, Any], int], NDArray[Any]]
    versions: Mapping[str, Answers]
    specs: Mapping[str, dict[str, Any]]
    schema: Mapping[str, str]
    golden: int = 0
