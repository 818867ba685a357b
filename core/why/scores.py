"""Signals of what the model answered: predictions, their confidence, and what was decided on them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from core.checks.base import CheckContext
from core.stats.profile import BatchProfile, NumberProfile
from core.why.episode import Episode
from core.why.signals import Signal, not_known

LEAST_ROWS = 30
CLEAR = 4.0
"""Departures in robust deviations of the own past from which something stands out."""

FLOOR = {"mean": 0.005, "confidence": 0.004, "rate": 0.01}
"""Departures that are never worth a word, however steady the past was."""


def score_signals(episode: Episode, context: CheckContext, touched: float, decided: Sequence[str]) -> list[Signal]:
    """Signals of the predictions; ``touched`` is the share of rows that broken inputs can have moved."""
    name = episode.model.file.columns.prediction
    column, before = context.current.columns.get(name), context.reference.columns.get(name)
    names = ("scores_moved", "scores_unexplained", "scores_up", "scores_down", "confidence_up", "confidence_down")
    if column is None or before is None or min(column.rows - column.missing, before.rows - before.missing) < LEAST_ROWS:
        reason = f"fewer than {LEAST_ROWS} predictions to compare"
        return [not_known(n, reason) for n in (*names, "constant_scores")] + _decisions(context, decided)
    found = _moved(episode, context, touched)
    if column.number is None or before.number is None:
        reason = "the predictions are no numbers"
        found += [not_known(n, reason) for n in names[2:]]
    else:
        past = [p.profile for p in context.past]
        found += _level(name, column.number, before.number, past)
        found += _confidence(name, column.number, before.number, past)
    stuck = next((h for h in episode.now if h.signal == "constant_scores"), None)
    found.append(
        Signal("constant_scores", "the predictions vary", 0.0, 0.0)
        if stuck is None
        else Signal(
            "constant_scores", stuck.finding.message, stuck.finding.value, None, max(1.0, stuck.strength), (name,),
            rows=(stuck.row,), begun=_begun(episode, "constant_scores"),
        )
    )  # fmt: skip
    return found + _decisions(context, decided)


def _moved(episode: Episode, context: CheckContext, touched: float) -> list[Signal]:
    """Whether the predictions left their past, and whether the moved inputs can have brought that about.

    A fault on a share s of the rows moves at most that share of the predictions, so the distance of the two
    distributions (Kolmogorov's, which is at most their total variation) can't be larger than s.
    """
    name = episode.model.file.columns.prediction
    distance = context.departures.get(name, "distance")
    hit = next((h for h in episode.now if h.signal == "scores_moved"), None)
    begun = _begun(episode, "scores_moved")
    apart = distance.value if distance is not None else None
    if hit is None:
        told = "the predictions did not move" + ("" if apart is None else f" (distance {apart:.3f})")
        still = Signal("scores_moved", told, 0.0, 0.0, min(distance.ratio, 0.9) if distance else 0.0, (name,))
        return [still, Signal("scores_unexplained", told, 0.0, 0.0)]
    # An evidence finding is one that an input explains; the movement is there all the same.
    strength = (
        max(1.0, hit.strength) if hit.finding.tier != "digest" or len(episode.run(("scores_moved",))) >= 2 else 0.9
    )
    moved = Signal(
        "scores_moved", hit.finding.message, hit.finding.value, hit.finding.threshold, strength, (name,),
        hit.finding.slice, None, (hit.row,), begun=begun,
    )  # fmt: skip
    if apart is None:
        return [moved, not_known("scores_unexplained", "the distance to the reference was not measured")]
    beyond = apart - touched
    margin = max(0.05, 3 / math.sqrt(max(context.current.rows, 1)))
    words = f"predictions moved on at least {apart:.0%} of rows, inputs on at most {touched:.0%}"
    unexplained = strength if beyond > margin else min(0.9, max(0.0, beyond / margin))
    return [
        moved,
        Signal("scores_unexplained", words, apart, touched, unexplained, (name,), rows=(hit.row,), begun=begun),
    ]


def _begun(episode: Episode, signal: str) -> int | None:
    run = episode.run((signal,))
    return run[0].id if run else None


def _level(name: str, now: NumberProfile, before: NumberProfile, past: Sequence[BatchProfile]) -> list[Signal]:
    """Whether the mean rose or fell, in robust deviations of the means of past batches."""
    earlier = [p.columns[name].number for p in past if name in p.columns]
    means = [n.moments.mean for n in earlier if n is not None and n.finite >= LEAST_ROWS]
    here, typical = now.moments.mean, before.moments.mean
    noise = before.moments.deviation / math.sqrt(max(now.finite, 1))
    strength = _strength(here, typical, means, noise, 0.02 * (before.moments.deviation or 1.0))
    words = f"mean prediction {here:.4g}, {typical:.4g} in the reference"
    return [
        Signal("scores_up", words, here, typical, strength if here > typical else 0.0, (name,)),
        Signal("scores_down", words, here, typical, strength if here < typical else 0.0, (name,)),
    ]


def _confidence(name: str, now: NumberProfile, before: NumberProfile, past: Sequence[BatchProfile]) -> list[Signal]:
    if before.minimum < 0 or before.maximum > 1 or now.minimum < 0 or now.maximum > 1:
        reason = "the predictions are no probabilities"
        return [not_known("confidence_up", reason), not_known("confidence_down", reason)]
    here, typical = confidence(now), confidence(before)
    earlier = [p.columns[name].number for p in past if name in p.columns]
    told = [confidence(n) for n in earlier if n is not None and n.finite >= LEAST_ROWS]
    strength = _strength(here, typical, told, 0.15 / math.sqrt(max(now.finite, 1)), FLOOR["confidence"])
    words = f"mean confidence {here:.3f}, {typical:.3f} in the reference"
    return [
        Signal("confidence_up", words, here, typical, strength if here > typical else 0.0, (name,)),
        Signal("confidence_down", words, here, typical, strength if here < typical else 0.0, (name,)),
    ]


def confidence(number: NumberProfile) -> float:
    """Mean of the larger of p and 1 - p over the predictions, to the width of the histogram's bins."""
    lows, highs = number.histogram.edges()
    middle = np.clip((lows + highs) / 2, 0.0, 1.0)
    counts = number.histogram.counts
    return float(np.dot(np.maximum(middle, 1 - middle), counts) / counts.sum())


def _decisions(context: CheckContext, decided: Sequence[str]) -> list[Signal]:
    """What was decided on the predictions, by the columns that hold it."""
    known = [c for c in decided if c in context.current.columns and c in context.reference.columns]
    if not known:
        return [not_known("decisions_moved", "the log has no column of decisions (predicted_class)")]
    best = Signal("decisions_moved", "decisions are as they were", 0.0, 0.0)
    for name in known:
        stats = ("mean", "distance", "missing", "peak")
        found = [(s, d) for s in stats if (d := context.departures.get(name, s)) is not None]
        for stat, departure in found:
            if departure.ratio > best.strength:
                words = f"{name!r}: {stat} {departure.value:.3g}, {departure.expected:.3g} expected"
                best = Signal("decisions_moved", words, departure.value, departure.expected, departure.ratio, (name,))
    return [best]


def _strength(here: float, typical: float, past: Sequence[float], noise: float, floor: float) -> float:
    """The departure over what is ordinary: the past's own robust spread, sampling noise, and a floor."""
    centre = float(np.median(past)) if len(past) >= 5 else typical
    spread = 1.4826 * float(np.median(np.abs(np.array(past) - centre))) if len(past) >= 5 else 0.0
    return abs(here - centre) / (CLEAR * max(spread, noise) + floor)


def by_slice(profile: BatchProfile, by: str, name: str) -> Mapping[str, tuple[int, float, float]]:
    """Rows, mean and standard deviation of a number column per value of a slice column."""
    return {
        value: (m.n, m.mean, math.sqrt(max(m.variance, 0.0)))
        for value, part in profile.slices.get(by, {}).items()
        if (m := part.moments.get(name)) is not None and m.n
    }
