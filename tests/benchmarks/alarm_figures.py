"""How good the alarms of runs were: figures with intervals, per fault kind, and what went wrong day by day."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from tests.benchmarks.alarm_replay import Record, Run

WHOLE_ROWS = ("truncated", "duplicated", "hour_missing", "yesterday", "shuffled")
"""Faults of whole rows accuse no column."""

DRAWS = 400


@dataclass(frozen=True, slots=True)
class Share:
    """A figure with the ends of its 95 % interval."""

    name: str
    value: float
    low: float
    high: float
    n: int

    def __str__(self) -> str:
        return f"{self.name:32s} {self.value:.3f}  [{self.low:.3f}, {self.high:.3f}]  n {self.n}"


def wilson(hits: int, n: int) -> tuple[float, float]:
    """The 95 % interval of a share (Wilson 1927); (0, 1) without any case.

    >>> [round(end, 3) for end in wilson(18, 21)]
    [0.654, 0.95]
    """
    if not n:
        return 0.0, 1.0
    z, p = 1.959964, hits / n
    middle = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    return max(middle - half, 0.0), min(middle + half, 1.0)


def average_precision(records: Sequence[Record]) -> float:
    """Mean precision at the ranks of the faulty days, days ranked by their score."""
    hits, total = 0, 0.0
    for rank, record in enumerate(sorted(records, key=lambda r: -r.score), 1):
        if record.fault:
            hits += 1
            total += hits / rank
    return total / max(hits, 1)


def figures(runs: Sequence[Run]) -> list[Share]:
    """Precision, recall, average precision, false alarms per 30 clean days, first accused column."""
    records = [record for run in runs for record in run.records]
    faulty = [r for r in records if r.fault]
    alarmed = [r for r in records if r.alarm]
    clean = [r for r in records if not r.fault]
    named = [r for r in faulty if r.alarm and r.fault not in WHOLE_ROWS]
    false = sum(r.alarm for r in clean)
    low, high = wilson(false, len(clean))
    return [
        _share("precision", sum(bool(r.fault) for r in alarmed), len(alarmed)),
        _share("recall", sum(r.alarm for r in faulty), len(faulty)),
        _ranked(runs),
        Share("false_alarms_per_30_clean_days", 30 * false / max(len(clean), 1), 30 * low, 30 * high, len(clean)),
        _share("first_column_right", sum(r.accused[:1] != () and r.accused[0] in r.columns for r in named), len(named)),
    ]


def by_fault(runs: Sequence[Run]) -> list[Share]:
    """Recall per kind of fault, the least first."""
    records = [r for run in runs for r in run.records if r.fault]
    kinds = sorted({str(r.fault) for r in records})
    shares = [
        _share(kind, sum(r.alarm for r in records if r.fault == kind), sum(r.fault == kind for r in records))
        for kind in kinds
    ]
    return sorted(shares, key=lambda s: (s.value, s.name))


def wrong(runs: Sequence[Run]) -> Iterator[str]:
    """Each missed fault, false alarm and wrongly accused column, with what was found that day."""
    for run in runs:
        for r in run.records:
            named = r.fault and r.fault not in WHOLE_ROWS and r.alarm
            if bool(r.fault) == r.alarm and not (named and (not r.accused or r.accused[0] not in r.columns)):
                continue
            what = "missed" if not r.alarm else "wrong column" if r.fault else "FALSE ALARM"
            fault = f" {r.fault} {','.join(r.columns)} {r.severity}" if r.fault else ""
            yield f"{run.folder.rpartition('/')[2]} day {r.day} {r.date} {what}{fault}  score {r.score:.2f}"
            if r.accused:
                yield f"    accused: {', '.join(r.accused[:6])}"
            yield from (f"    said: {line}" for line in r.said)
            yield from (f"    far: {line}" for line in r.furthest)


def _share(name: str, hits: int, n: int) -> Share:
    low, high = wilson(hits, n)
    return Share(name, hits / max(n, 1), low, high, n)


def _ranked(runs: Sequence[Run]) -> Share:
    """Mean over runs, its interval from days drawn anew within each run."""
    draw = random.Random(1)
    mean: Callable[[list[Sequence[Record]]], float] = lambda days: sum(map(average_precision, days)) / max(len(days), 1)  # noqa: E731
    told = sorted(mean([draw.choices(run.records, k=len(run.records)) for run in runs]) for _ in range(DRAWS))
    value = mean([run.records for run in runs])
    return Share("average_precision", value, told[int(0.025 * DRAWS)], told[int(0.975 * DRAWS)], len(runs))
