"""The three models themselves: small additive scorers kept as JSON, so that a version's artifact really is the model.

A spec is a dict: `link` (`identity` or `logistic`), `intercept`, `numeric` (column -> `mean`, `sd`, `weight`),
`categories` (column -> value -> offset), `low`, `high` (the prediction is clipped to them) and `digits`. Missing
numbers count as their mean, unknown categories as offset zero. `scaled` (column -> value -> factor), where a spec has
it, multiplies what the numbers add up to: a model that learned nothing of a value has a factor of zero there.

`PROGRAM` is the same arithmetic as a program without dependencies, the `[scoring]` command of the model files: rows as
JSON lines in, `{"prediction": x}` a line out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

PROGRAM = '''#!/usr/bin/env python3
"""Scores rows: JSON lines in, JSON lines out. Usage: score --version NAME"""
import json
import math
import pathlib
import sys

if len(sys.argv) != 3 or sys.argv[1] != "--version" or not sys.argv[2].replace("-", "").isalnum():
    sys.exit("usage: score --version NAME")
home = pathlib.Path(__file__).resolve().parent / "versions" / sys.argv[2]
try:
    spec = json.loads((home / "model.json").read_text())
except OSError as error:
    sys.exit(f"no model for version {sys.argv[2]}: {error.strerror}")


def read(row, column):
    for part in [column] if column in row else column.split("."):
        row = row.get(part) if isinstance(row, dict) else None
    return row


for line in sys.stdin:
    if not line.strip():
        continue
    row = json.loads(line)
    total = spec["intercept"]
    for column, term in spec["numeric"].items():
        value = read(row, column)
        if value is not None:
            total += term["weight"] * (value - term["mean"]) / term["sd"]
    for column, factors in spec.get("scaled", {}).items():
        factor = factors.get(str(read(row, column)))
        if factor is not None:
            total = spec["intercept"] + factor * (total - spec["intercept"])
    for column, offsets in spec["categories"].items():
        total += offsets.get(str(read(row, column)), 0.0)
    if spec["link"] == "logistic":
        total = 1.0 / (1.0 + math.exp(-total))
    total = min(max(total, spec["low"]), spec["high"])
    print(json.dumps({"prediction": round(total, spec["digits"])}))
'''


def raw_total(spec: dict[str, Any], columns: dict[str, Any]) -> NDArray[np.float64]:
    """The sum before link and clipping, one value a row; NaN in a numeric column counts as its mean."""
    import numpy as np

    rows = len(next(iter(columns.values())))
    total = np.full(rows, float(spec["intercept"]))
    for column, term in spec["numeric"].items():
        values = np.asarray(columns[column], dtype=float)
        total += np.nan_to_num(term["weight"] * (values - term["mean"]) / term["sd"], nan=0.0)
    for column, factors in spec.get("scaled", {}).items():
        values, start = np.asarray(columns[column]), float(spec["intercept"])
        for value, factor in factors.items():
            total = np.where(values == value, start + factor * (total - start), total)
    for column, offsets in spec["categories"].items():
        values = np.asarray(columns[column])
        for value, offset in offsets.items():
            total += offset * (values == value)
    return total


def predict(spec: dict[str, Any], columns: dict[str, Any]) -> NDArray[np.float64]:
    """The predictions of a spec for whole columns, rounded as the spec says."""
    import numpy as np

    total = raw_total(spec, columns)
    if spec["link"] == "logistic":
        total = 1.0 / (1.0 + np.exp(-total))
    return np.asarray(np.round(np.clip(total, spec["low"], spec["high"]), spec["digits"]))


def numeric(**terms: tuple[float, float, float]) -> dict[str, dict[str, float]]:
    """The numeric part of a spec, from column -> (mean, sd, weight).

    >>> numeric(stops=(1.0, 2.0, 0.5))
    {'stops': {'mean': 1.0, 'sd': 2.0, 'weight': 0.5}}
    """
    return {column: {"mean": mean, "sd": sd, "weight": weight} for column, (mean, sd, weight) in terms.items()}


def changed(spec: dict[str, Any], intercept: float, scale: float, jitter: tuple[float, ...]) -> dict[str, Any]:
    """A retrained spec: another intercept, every weight times `scale` plus the next of `jitter` (cycled)."""
    terms: dict[str, dict[str, float]] = {}
    for index, (column, term) in enumerate(spec["numeric"].items()):
        terms[column] = {**term, "weight": round(term["weight"] * scale + jitter[index % len(jitter)], 6)}
    offsets = {
        column: {value: round(offset * scale, 6) for value, offset in values.items()}
        for column, values in spec["categories"].items()
    }
    return {**spec, "intercept": intercept, "numeric": terms, "categories": offsets}
