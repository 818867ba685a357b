"""What an evaluation amounts to: better, not worse within the margin, worse, or not sure; and whether it passes."""

from __future__ import annotations

from collections.abc import Sequence

from core.kept.watch import worse
from storage.records.models import MetricSpec, ModelFile
from storage.records.suites import Comparison, Door, MetricCompared, PartCompared, SimpleGain, Standing

UNANSWERED = 0.01
"""The share of rows that a candidate may leave without a usable answer."""


def comparison(metric: MetricCompared | None, margin: float) -> Comparison:
    """Of the candidate with its baseline, by one metric and its interval.

    >>> from storage.records.suites import Figure
    >>> told = lambda low, high: MetricCompared("auc", "ml", "up", True, Figure(0.8, None, None, 900),
    ...     Figure(0.8, None, None, 900), Figure((low + high) / 2, low, high, 900), "")
    >>> [comparison(told(*edges), 0.01) for edges in ((0.001, 0.01), (-0.005, 0.01), (-0.03, -0.02), (-0.02, 0.0))]
    ['better', 'not worse', 'worse', 'not sure']
    """
    edges = oriented(metric)
    if edges is None:
        return "not sure"
    low, high = edges
    if low > 0:
        return "better"
    if high < -margin:
        return "worse"
    return "not worse" if low >= -margin else "not sure"


def oriented(metric: MetricCompared | None) -> tuple[float, float] | None:
    """The interval of the difference with better as positive; None where there is none, or no good side."""
    if metric is None or metric.difference is None or metric.direction == "none":
        return None
    low, high = metric.difference.low, metric.difference.high
    if low is None or high is None:
        return None
    return (low, high) if metric.direction == "up" else (-high, -low)


def standing(
    spec: MetricSpec, file: ModelFile, floor: float, value: float | None, edges: Sequence[float | None]
) -> Standing:
    """Of a value with its interval against a floor; unknown is not sure."""
    if value is None:
        return "not sure"
    beyond = [worse(spec, file, edge, floor) > 0 for edge in (value, *edges) if edge is not None]
    return "broken" if all(beyond) else "not sure" if any(beyond) else "holds"


def unanswered(version: str, door: Door, held: int) -> str | None:
    """Why an evaluation says nothing of a candidate that was asked and did not answer; None when it did.

    Rows that a shadow was never asked about are another matter: the serving system chose them.
    """
    lacking = held - door.answers
    if door.kind not in ("scores", "scorer") or lacking <= UNANSWERED * held:
        return None
    return (
        f"{version} answers only {door.answers:,} of {held:,} rows: a candidate that leaves out {lacking / held:.1%}"
        f" may leave out what is hard, {UNANSWERED:.0%} at the most"
    )


def reasons(
    parts: Sequence[PartCompared],
    told: Comparison,
    gain: SimpleGain | None,
    margin: float,
    baseline: str | None,
    lacking: str | None = None,
) -> tuple[str, ...]:
    """One sentence each: answers that lack, floors, the comparison, business metrics that are worse, the gain."""
    found = [lacking] if lacking else []
    found += [floor_sentence(part) for part in parts if part.vetoes and part.standing != "holds"]
    whole = next((part for part in parts if part.kind is None), None)
    found.append(compared_sentence(whole, told, margin, baseline))
    found += business_sentences(whole, told)
    if gain is not None and gain.reached is not True:
        found.append(gain.sentence)
    return tuple(found)


def passes(
    parts: Sequence[PartCompared], told: Comparison, gain: SimpleGain | None, lacking: str | None = None
) -> bool:
    """Whether nothing vetoes, the candidate is surely no worse than the margin, and the gain is there."""
    held = lacking is None and all(part.standing == "holds" for part in parts if part.vetoes)
    return held and told in ("better", "not worse") and (gain is None or gain.reached is True)


def floor_sentence(part: PartCompared) -> str:
    """Where the candidate stands against the floor of a slice."""
    metric = part.primary
    figure = metric.candidate if metric else None
    what = f"the {part.kind} slice {part.name!r}"
    if metric is None or figure is None or figure.value is None:
        why = part.note or (figure.note if figure else None) or "no value"
        return f"{what} could not be held against its floor {part.floor:g}: {why}"
    said = f"{metric.metric} {_with_interval(figure.value, figure.low, figure.high)} on {figure.n:,} rows"
    if metric.baseline is not None and metric.baseline.value is not None:
        said += f", baseline {metric.baseline.value:.4g}"
    match part.standing:
        case "broken":
            return f"{what} breaks its floor {part.floor:g}: {said}"
        case "holds":
            return f"{what} holds its floor {part.floor:g}: {said}"
        case _:
            return f"{what} may break its floor {part.floor:g}, the interval allows either: {said}"


def compared_sentence(whole: PartCompared | None, told: Comparison, margin: float, baseline: str | None) -> str:
    """How the candidate compares with its baseline over all rows."""
    metric = whole.primary if whole else None
    if baseline is None:
        return "there is no baseline to compare with: name one with --baseline"
    if metric is None or metric.difference is None or metric.difference.value is None:
        why = (metric.difference.note if metric and metric.difference else None) or "there is no value"
        return f"the difference with {baseline} can't be told: {why}"
    by = metric.difference
    said = (
        f"{metric.metric} differs from that of {baseline} by {_with_interval(by.value or 0.0, by.low, by.high, '+')}"
        f" on {by.n:,} rows"
    )
    match told:
        case "better":
            return f"better: {said}"
        case "not worse":
            return f"not worse by more than the margin {margin:g}: {said}"
        case "worse":
            return f"worse by more than the margin {margin:g}: {said}"
        case _:
            return f"not sure whether it is worse by more than the margin {margin:g}: {said}"


def business_sentences(whole: PartCompared | None, told: Comparison) -> tuple[str, ...]:
    """Business metrics that are surely worse, over all rows; they decide nothing, and are said beside what does.

    Args:
        told: how the primary metric compares: where it is no worse, both part ways.
    """
    found = []
    for metric in whole.metrics if whole else ():
        edges = oriented(metric)
        if metric.kind != "business" or metric.primary or edges is None or edges[1] >= 0 or metric.difference is None:
            continue
        by = metric.difference
        found.append(worse_sentence(metric.metric, by.value or 0.0, by.low, by.high, told in ("better", "not worse")))
    return tuple(found)


def worse_sentence(name: str, value: float, low: float | None, high: float | None, apart: bool) -> str:
    """That a business metric is worse, and whether the primary metric says otherwise.

    >>> worse_sentence("late_share", 0.0535, 0.0465, 0.0605, True)
    'business metric late_share is worse by +0.0535 (+0.0465 to +0.0605): ML and business part ways'
    """
    ways = ": ML and business part ways" if apart else ""
    return f"business metric {name} is worse by {_with_interval(value, low, high, '+')}{ways}"


def _with_interval(value: float, low: float | None, high: float | None, sign: str = "") -> str:
    told = f"{value:{sign}.4g}"
    return told if low is None or high is None else f"{told} ({low:{sign}.4g} to {high:{sign}.4g})"
