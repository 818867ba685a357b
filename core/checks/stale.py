"""Values that are those of an earlier batch: a file sent again under another date, a column that was not refreshed."""

from __future__ import annotations

from collections.abc import Hashable

from core.checks.base import MINIMUM_ROWS, Check, CheckContext, failed
from core.checks.summary import NO_PAST, answer
from core.stats.profile import BatchProfile, ColumnProfile
from storage.records.results import Finding

DISTINCT = 20
"""Columns of fewer values may well have the same ones twice."""

TOGETHER = 0.5
"""From this share of the columns on it is the batch that came again."""


def run(context: CheckContext) -> list[Finding]:
    """Columns whose numbers have the very moments, ends and rows of one earlier batch; most of them: the batch."""
    if not context.past:
        return answer(CHECK, [], 0, [NO_PAST])
    again: dict[int, list[str]] = {}
    judged = 0
    for name, now, _ in context.pairs("feature", "prediction"):
        mark = signature(now)
        if mark is None:
            continue
        earlier = [_of(batch.profile, name) for batch in context.past]
        known = [one for one in earlier if one is not None]
        if len(set(known)) < len(known):
            continue  # it has repeated itself before: a plan, not a measurement
        judged += 1
        for place, one in enumerate(earlier):
            if one == mark:
                again.setdefault(place, []).append(name)
    found = []
    for place, names in sorted(again.items()):
        start = context.past[place].window_start
        when = f"the batch of {start:%Y-%m-%d %H:%M}" if start is not None else "an earlier batch"
        whole = len(names) >= max(2, TOGETHER * judged)
        for name in names[:1] if whole else names:
            told = f"{len(names)} of {judged} columns have" if whole else f"{name!r} has"
            found.append(
                failed(
                    context,
                    CHECK,
                    f"{told} the very values of {when}: sent again, or not refreshed",
                    cause="stale",
                    ratio=15.0,
                    column=name,
                    columns=tuple(names),
                    value=float(len(names)),
                    threshold=1.0,
                )
            )
    return answer(CHECK, found, judged)


def _of(profile: BatchProfile, name: str) -> Hashable | None:
    return signature(profile.columns[name]) if name in profile.columns else None


def signature(column: ColumnProfile) -> Hashable | None:
    """What two columns of different rows will not share: None where there are too few rows or values to tell."""
    number = column.number
    if number is None or number.finite < MINIMUM_ROWS or number.histogram.keys.size < DISTINCT:
        return None
    mean, squares = number.moments.mean, number.moments.m2
    return (number.rows, number.finite, f"{mean:.9g}", f"{squares:.6g}", number.minimum, number.maximum)


CHECK = Check(
    "stale",
    "soft",
    "ticket",
    f"numbers of {DISTINCT} values and earlier batches",
    "yesterday's file under today's date is in every range and has every distribution right",
    run,
    "ask the source for the right file; quarantine this one",
)
