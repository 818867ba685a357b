"""Metrics that are a mean over rows: moments merge, the interval is Student's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.metrics.base import Reading, State, missing
from core.stats.intervals import mean_interval
from core.stats.moments import Moments, moments
from core.stats.moments import merge as merge_moments

if TYPE_CHECKING:
    from core.metrics.base import Array


def sums(values: Array) -> State:
    """The moments of one value a row."""
    return _state(moments(values))


def merge(a: State, b: State) -> State:
    """The moments of both."""
    return _state(merge_moments(_moments(a), _moments(b)))


def read(state: State, empty: str = "no labels") -> Reading:
    """The mean with its interval; ``empty`` is said when it rests on no rows."""
    m = _moments(state)
    if m.n == 0:
        return missing(0, empty)
    low, high = mean_interval(m.mean, m.variance, m.n) or (None, None)
    return Reading(m.mean, low, high, m.n)


def _state(m: Moments) -> State:
    return {"n": m.n, "mean": m.mean, "m2": m.m2}


def _moments(state: State) -> Moments:
    return Moments(int(state["n"]), float(state["mean"]), float(state["m2"]))
