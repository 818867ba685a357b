"""What a model file or a tuning narrows: a finding that it excludes is kept as evidence and told to nobody.

The same law (:func:`excluded`) judges a batch when it comes and the stored history when a change is back-tested.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace

from core.checks.base import Check, CheckContext, quieter, slice_named
from core.checks.departures import Departures
from core.stats.effect import ratio_of
from storage.model_file import hours_of
from storage.records.models import CheckSpec
from storage.records.results import Finding


@dataclass(frozen=True, slots=True)
class Facts:
    """What decides whether a finding is excluded.

    Attributes:
        ratio: how far beyond the check's own limit, 1.0 at the limit.
        touched: rows that fail, None where rows can't be counted.
        rows: of the batch; ``hour`` its window starts in, UTC.
        streak: batches in a row in which it failed, this one included; None where nobody knows.
    """

    ratio: float
    slice: str | None
    touched: float | None
    rows: int
    hour: int | None
    streak: int | None


def excluded(spec: CheckSpec, facts: Facts) -> str | None:
    """Why a finding is not told, in words; None when it is. What is not known excludes nothing.

    >>> excluded(CheckSpec("drift", times=1.4), Facts(1.2, None, 10, 500, 3, 1))
    'less than 1.4 times its limit'
    """
    if spec.times is not None and facts.ratio < spec.times:
        return f"less than {spec.times:g} times its limit"
    if facts.slice is not None and facts.slice in spec.except_slices:
        return f"not told where {slice_named(facts.slice)}"
    if spec.minimum_rows is not None and facts.rows < spec.minimum_rows:
        return f"fewer than {spec.minimum_rows:,} rows in the batch"
    if spec.minimum_touched is not None and facts.touched is not None and facts.touched < spec.minimum_touched:
        return f"fewer than {spec.minimum_touched:,} rows touched"
    if spec.hours is not None and facts.hour is not None and facts.hour not in hours_of(spec.hours):
        return f"told from {spec.hours[:2]}:00 to {spec.hours[3:]}:00 UTC only"
    if spec.batches_in_a_row is not None and facts.streak is not None and facts.streak < spec.batches_in_a_row:
        return f"told from {spec.batches_in_a_row} batches in a row on, this is number {facts.streak}"
    return None


def narrowed(context: CheckContext, finding: Finding) -> Finding:
    """The finding as the model's file and tunings let it be told: as it is, or as evidence with the reason.

    A hard finding is told whatever they say.
    """
    spec = context.spec(finding.check, finding.column)
    if spec is None or finding.status != "fail":
        return finding
    marks = {"tuned": spec.tuned, "times": spec.times if _sharp(spec) else None}
    told = replace(finding, evidence={**finding.evidence, **{k: v for k, v in marks.items() if v is not None}})
    if finding.error_class == "hard" or finding.tier == "evidence":
        return told
    reason = excluded(spec, _facts(context, finding, spec))
    return told if reason is None else quieter(told, "evidence", quiet=reason)


def sharpened(context: CheckContext, check: Check) -> CheckContext:
    """The context with the departures of ``check`` moved nearer to their limits, where ``times`` is under 1."""
    sharp = [s for s in context.specs if s.check == check.name and _sharp(s)]
    if not sharp:
        return context
    found = dict(context.departures.found)
    for key, departure in found.items():
        spec = context.spec(check.name, key.column or None)
        if spec is not None and spec.times is not None and _sharp(spec):
            found[key] = replace(departure, ratio=departure.ratio / spec.times)
    nearer = copy.copy(context)
    nearer.__dict__["departures"] = Departures(context.departures.days, found)
    return nearer


def own_ratio(score: float, times: float | None) -> float:
    """How far beyond the check's own limit a finding lies that was judged by a limit made ``times`` tighter."""
    return ratio_of(score) * (times if times is not None and times < 1 else 1.0)


def _sharp(spec: CheckSpec) -> bool:
    return spec.times is not None and spec.times < 1


def _facts(context: CheckContext, finding: Finding, spec: CheckSpec) -> Facts:
    key = (finding.check, finding.column, finding.slice)
    return Facts(
        ratio=own_ratio(finding.score, spec.times),
        slice=finding.slice,
        touched=finding.evidence.get("rows"),
        rows=context.current.rows,
        hour=None if context.window_start is None else context.window_start.hour,
        streak=None if context.streaks is None else context.streaks.get(key, 0) + 1,
    )
