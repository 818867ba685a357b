"""The share of each slice: a region that fell silent, a population that training never saw."""

from __future__ import annotations

from functools import partial

from core.checks.base import Check, CheckContext, failed, percent, slice_named, slice_parts, slice_sql
from core.checks.gradual import gradual
from core.checks.summary import answer, ratio
from core.stats.profile import BatchProfile
from storage.records.results import Finding, Tier

TIMES = 5.0
MINIMUM = 0.01


def run(context: CheckContext) -> list[Finding]:
    """The slice per column whose share left its past most, or is many times its share in the reference."""
    if not context.current.slices:
        return answer(CHECK, [], 0, ["no column with few enough values to slice by"])
    best: dict[str, Finding] = {}
    judged = set()
    for key, departure in context.departures.of("slice_share"):
        judged.add(key.column)
        by, value = slice_parts(context, key.slice)
        if context.traits[by].kind not in ("feature", "marker") or by not in context.current.columns:
            continue
        expected, now = max(departure.expected, 0.0), departure.value
        times = max(now, 1e-9) / max(expected, 1e-9)
        silent = now == 0.0 and expected * context.current.rows >= 20 and expected >= MINIMUM
        many = not departure.rise < 0 and times >= TIMES and now >= MINIMUM and now * context.current.rows >= 20
        few = (
            departure.rise < 0 and 1 / times >= TIMES and expected >= MINIMUM and expected * context.current.rows >= 50
        )
        loud = ratio(context, CHECK, by, departure)
        if not (silent or many or few) or (context.departures.days and loud < 1):
            continue
        rows = context.current.slices[by][value].rows if value in context.current.slices[by] else 0
        what = "is missing" if silent else f"has {percent(now)} of rows"
        slow = gradual(context, now, expected, partial(_share, by=by, value=value))
        tier: Tier = "ticket" if max(now, expected) >= 0.02 and not slow else "digest"
        finding = failed(
            context,
            CHECK,
            f"{slice_named(key.slice)} {what}, {percent(expected)} expected",
            cause="segment",
            ratio=max(loud, 1.5),
            column=by,
            part=key.slice,
            value=now,
            threshold=expected / TIMES if departure.rise < 0 else expected * TIMES,
            tier=tier,
            rows=rows,
            rows_sql=slice_sql(by, value),
            times=min(times, 1e6),
        )
        if by not in best or finding.score > best[by].score:
            best[by] = finding
    return answer(CHECK, list(best.values()), len(judged))


def _share(batch: BatchProfile, by: str, value: str) -> float | None:
    """The slice's share of a batch's rows; None where the batch was not cut by that column."""
    if by not in batch.slices or not batch.rows:
        return None
    return batch.slices[by][value].rows / batch.rows if value in batch.slices[by] else 0.0


CHECK = Check(
    "segments",
    "soft",
    "ticket",
    "a column with at most 32 values",
    "one region's silence is a small dip in the whole; a population missing in training is served by guess",
    run,
    "look at that segment's own pipeline; compare its share in training and in serving",
)
