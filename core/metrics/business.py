"""Business metrics: a SQL aggregate of the model file, its mergeable sums, and its interval where its shape gives one.

A mean ``avg(x)`` has Student's interval. A quotient of sums and counts keeps both sides for 32 groups of rows (row
number modulo 32), and its interval is the delta method over those groups with Student's t (Cochran 1977, Sampling
Techniques, 6.4). Totals add up and have no interval; any other aggregate stands for its batch alone.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from core.metrics import average
from core.metrics.base import Reading, State, missing
from core.stats.intervals import t_point

if TYPE_CHECKING:
    from storage.business_sql import Outcome, Plan


def sums(plan: Plan, outcome: Outcome) -> State:
    """The state of one batch."""
    if plan.shape == "mean":
        m2 = outcome.variance * max(outcome.n - 1, 0)
        return {"shape": "mean", "n": outcome.n, "mean": outcome.mean, "m2": m2}
    if plan.shape == "ratio":
        return {"shape": "ratio", "n": outcome.n, "above": list(outcome.above), "below": list(outcome.below)}
    if plan.shape == "total":
        return {"shape": "total", "n": outcome.n, "above": list(outcome.above)}
    return {"shape": "value", "n": outcome.n, "value": outcome.value, "batches": 1}


def merge(a: State, b: State) -> State:
    """The state of both; what can't be merged says so when it is read."""
    if a["shape"] != b["shape"]:
        return {"shape": "value", "n": a["n"] + b["n"], "value": None, "batches": 2}
    if a["shape"] == "mean":
        return {"shape": "mean", **average.merge(a, b)}
    merged: dict[str, Any] = {"shape": a["shape"], "n": a["n"] + b["n"]}
    if a["shape"] == "value":
        return {**merged, "value": None, "batches": a["batches"] + b["batches"]}
    for side in ("above", "below"):
        if side in a:
            merged[side] = [x + y for x, y in zip(a[side], b[side], strict=True)]
    return merged


def read(state: State) -> Reading:
    """The value with its interval, as far as its shape has one."""
    n = int(state["n"])
    if state["shape"] == "mean":
        return average.read(state, "no rows to average")
    if state["shape"] == "total":
        return Reading(state["above"][0], None, None, n)
    if state["shape"] == "ratio":
        return _ratio(state["above"], state["below"], n)
    if state["batches"] > 1:
        return missing(n, "this aggregate can't be merged over batches: give it as avg(x), or sums and counts divided")
    return missing(n, "no value") if state["value"] is None else Reading(state["value"], None, None, n)


def _ratio(above: list[float], below: list[float], n: int) -> Reading:
    total = math.fsum(below)
    if total == 0:
        return missing(n, "divided by zero")
    value, groups = math.fsum(above) / total, len(below)
    if n < groups:
        return Reading(value, None, None, n)
    residual = math.fsum((a - value * b) ** 2 for a, b in zip(above, below, strict=True))
    half = t_point(groups - 1) * math.sqrt(groups / (groups - 1) * residual) / abs(total)
    return Reading(value, value - half, value + half, n)
