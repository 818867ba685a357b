"""What another cut of the score would have given: precision and recall of everything above it.

A higher cut is known: judged alerts above it stay, those below it would not have been raised. What nobody judged is
unknown, so precision has bounds: all of the unjudged right, all of them wrong. A lower cut is known in part: findings
of tier ``evidence`` raised nothing, so nobody judged them; of these it is known which were there when something was
missed, and how many more batches would have called.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from core.quality.shares import LEAST
from storage.records.alert_quality import ScoreCount
from storage.records.models import Model
from storage.tables import alert_quality, missed

POINTS = 40
"""Cuts that a curve is told at, at most."""


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """Everything with a score of ``cut`` or more.

    Attributes:
        right, wrong, unjudged: alerts.
        precision: of the judged, None without any; ``low`` and ``high`` are what it would be if everything that
            nobody judged were wrong, or right.
        recall: problems told of, of all that are known; None without any.
        quiet: batches without such an alert whose quiet findings would have called as well.
        recall_with_quiet: the recall if they had.
    """

    cut: float
    right: int
    wrong: int
    unjudged: int
    precision: float | None
    low: float
    high: float
    recall: float | None
    quiet: int
    recall_with_quiet: float | None


@dataclass(frozen=True, slots=True)
class Curve:
    """Points from the highest cut to the lowest.

    Attributes:
        check: None for all alerts, by their own score; else by the score of the check's findings.
        problems: known ones: alerts that were right (those of one incident once), and misses.
        missed: of these, what no alert told of; ``never_seen`` of them no quiet finding either.
        judged: alerts; under ten of them ``note`` says so, and there are no points.
    """

    check: str | None
    points: tuple[CurvePoint, ...]
    problems: int
    missed: int
    never_seen: int
    judged: int
    unjudged: int
    note: str | None


def curve(
    db: sqlite3.Connection, model: Model | None, check: str | None = None, *, since: datetime, now: datetime
) -> Curve:
    """The curve of a check, or of all alerts, from ``since`` until ``now``."""
    model_id, until = None if model is None else model.id, now + timedelta(microseconds=1)
    counts = alert_quality.scores(db, model_id, check, since=since, until=until)
    quiet = [alert_quality.quiet_score(db, one, check) for one in missed.known(db, model_id, since, until)]
    return of(check, counts, quiet)


def of(check: str | None, counts: Sequence[ScoreCount], misses: Sequence[float | None]) -> Curve:
    """The curve of counted scores.

    Args:
        misses: of each known miss the largest score of a quiet finding at that time, None where there was none.

    >>> rights = [ScoreCount(3.0, "right", 8), ScoreCount(3.0, "problem", 8)]
    >>> found = of(None, [*rights, ScoreCount(1.0, "wrong", 4), ScoreCount(0.5, "quiet", 2)], [0.5, None])
    >>> [(p.cut, p.precision, p.recall, p.quiet, p.recall_with_quiet) for p in found.points]
    [(3.0, 1.0, 0.8, 0, 0.8), (1.0, 0.6666666666666666, 0.8, 0, 0.8), (0.5, 0.6666666666666666, 0.8, 2, 0.9)]
    """
    total = {kind: sum(c.count for c in counts if c.kind == kind) for kind in ("right", "wrong", "unknown", "problem")}
    judged, problems = total["right"] + total["wrong"], total["problem"] + len(misses)
    seen = sorted(score for score in misses if score is not None)
    note = None
    if judged < LEAST:
        note = f"{judged or 'no'} judged alert{'' if judged == 1 else 's'}: {LEAST} are needed for a curve"
    return Curve(
        check=check,
        points=() if note else _points(counts, seen, problems),
        problems=problems,
        missed=len(misses),
        never_seen=len(misses) - len(seen),
        judged=judged,
        unjudged=total["unknown"],
        note=note,
    )


def _points(counts: Sequence[ScoreCount], seen: Sequence[float], problems: int) -> tuple[CurvePoint, ...]:
    cuts = sorted({one.score for one in counts if one.kind != "problem"}, reverse=True)
    if len(cuts) > POINTS:
        cuts = [cuts[round(place * (len(cuts) - 1) / (POINTS - 1))] for place in range(POINTS)]
    ordered = sorted(counts, key=lambda one: -one.score)
    above = {"right": 0, "wrong": 0, "unknown": 0, "problem": 0, "quiet": 0}
    points, place = [], 0
    for cut in cuts:
        while place < len(ordered) and ordered[place].score >= cut:
            above[ordered[place].kind] += ordered[place].count
            place += 1
        right, wrong, unknown = above["right"], above["wrong"], above["unknown"]
        judged, every = right + wrong, right + wrong + unknown
        more = sum(score >= cut for score in seen)
        points.append(
            CurvePoint(
                cut=cut,
                right=right,
                wrong=wrong,
                unjudged=unknown,
                precision=right / judged if judged else None,
                low=right / every if every else 0.0,
                high=(right + unknown) / every if every else 1.0,
                recall=above["problem"] / problems if problems else None,
                quiet=above["quiet"],
                recall_with_quiet=(above["problem"] + more) / problems if problems else None,
            )
        )
    return tuple(points)
