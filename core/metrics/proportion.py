"""Metrics that are a share of rows: hits and rows merge by addition, the interval is Wilson's."""

from __future__ import annotations

from core.metrics.base import Reading, State, missing
from core.stats.intervals import wilson


def merge(a: State, b: State) -> State:
    """Hits and rows of both."""
    return {"hits": a["hits"] + b["hits"], "n": a["n"] + b["n"]}


def read(state: State, empty: str) -> Reading:
    """The share with its interval; ``empty`` is said when it rests on no rows."""
    hits, n = int(state["hits"]), int(state["n"])
    if n == 0:
        return missing(0, empty)
    low, high = wilson(hits, n)
    return Reading(hits / n, low, high, n)
