"""What could be changed of a check so that noise goes and every known fault stays, each with its back-test."""

from __future__ import annotations

import difflib
import sqlite3
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from core.checks.narrowed import own_ratio
from core.checks.registry import CHECKS
from core.tuner.backtest import BackTest, compared
from core.tuner.history import DAY, History, read
from core.tuner.replay import Replayed, replay
from core.tuner.standing import changed, spec_of, tuned_specs, words
from storage.errors import UsageError
from storage.records.models import CheckSpec, Model
from storage.records.verdict_history import PastAlert, PastFinding

MARGIN = 0.05
"""How far beyond the strongest noise a proposed limit lies, as a share of it."""

BLIND = 2.0
"""Where no fault of the check is known, a limit is proposed at most this many times as wide."""

FEW_ROWS = 0.01
"""Where no fault of the check is known, at most this share of a batch is proposed as too few rows to tell."""

SMALL_BATCH = 0.5
"""A batch is small under this share of the usual number of rows."""

REPEATED = 2
"""A condition that is not a limit rests on at least this many alerts of noise: one tells of no habit."""

HOURS_NOISE = 3
LONGEST_NIGHT = 12
OFFERED = 5
COLUMNS = 3
"""Of a check in all columns, this many with the most noise are looked at alone too."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """One change of a check, and what it would have done; it loses no known fault."""

    check: str
    column: str | None
    change: Mapping[str, Any]
    test: BackTest

    @property
    def words(self) -> str:
        """The change in words."""
        where = f"{self.check} on {self.column}" if self.column else self.check
        return f"{where}: {words(self.change)}"


@dataclass(frozen=True, slots=True)
class Proposals:
    """What was found for a check.

    Attributes:
        candidates: the one that removes most noise first; empty with a ``reason``.
        fired: alerts that rest on the check; ``noise`` of them were called so, ``known`` are faults that must stay.
        late: known ones that came too late, as people said: a reason for a nearer limit.
    """

    model: str
    check: str
    column: str | None
    candidates: tuple[Candidate, ...]
    reason: str
    fired: int
    noise: int
    known: int
    late: int = 0


def propose(
    db: sqlite3.Connection, model: Model, check: str, column: str | None = None, history: History | None = None
) -> Proposals:
    """Changes that remove noise, keep every known fault and are no wider than the noise asks for.

    ``history`` is for a caller that has read it already.

    Raises:
        UsageError: there is no such check, or it has never failed here.
    """
    names = [known.name for known in CHECKS]
    if check not in names:
        near = difflib.get_close_matches(check, names, n=1, cutoff=0.4)
        raise UsageError(
            f"the check {check!r} has no results: there is none of that name",
            f"did you mean {near[0]!r}?" if near else f"known: {', '.join(names)}",
        )
    search = Search(history or read(db, model), tuned_specs(db, model), check)
    told = search.resting_on(column)
    if not told:
        where = f" on {column!r}" if column else ""
        raise UsageError(
            f"the check {check!r} has no alert for {model.name}{where}",
            "see which check raised one: midwatch alerts show ID",
        )
    noise = [alert for alert, _ in told if alert.noise]
    known = [alert for alert, _ in told if alert.known]
    soft = [f for _, findings in told for f in findings if not f.hard]
    found: list[Candidate] = []
    reason = ""
    if not soft:
        reason = "it is hard here: what is surely wrong is always told"
    elif not noise:
        reason = "no noise is left: nobody called an alert noise that it would raise today"
    else:
        found = search.candidates(column)
        alike = "its noise is like the faults it caught: no limit and no condition tells them apart"
        blind = f"no fault of it is known, so no limit is more than {BLIND:g} times as wide, and that removes no noise"
        reason = "" if found else alike if known else blind
    late = sum(alert.verdict == "late" for alert in known)
    return Proposals(model.name, check, column, tuple(found), reason, len(told), len(noise), len(known), late)


class Search:
    """Candidates for one check on one history."""

    def __init__(self, history: History, specs: tuple[CheckSpec, ...], check: str) -> None:
        self.history, self.specs, self.check = history, specs, check
        self.base: Replayed = replay(history, specs)
        self.by_id = {f.id: f for b in history.failed_in.get(check, ()) for f in history.findings[b]}
        self.told = {t.past.id for t in self.base.every() if t.past is not None}
        self.rows = {b.id: b for b in history.batches}

    def resting_on(self, column: str | None) -> list[tuple[PastAlert, list[PastFinding]]]:
        """Alerts that would be raised today, with their findings of the check (in the column, if one is named)."""
        found = []
        for batch in self.history.batches:
            if batch.id not in self.history.failed_in.get(self.check, ()):
                continue
            for alert in self.history.alerts.get(batch.id, ()):
                mine = [self.by_id[i] for i in alert.findings if i in self.by_id]
                mine = [f for f in mine if f.check == self.check and column in (None, f.column)]
                if mine and alert.id in self.told:
                    found.append((alert, mine))
        return found

    def test(self, column: str | None, change: Mapping[str, Any]) -> Candidate:
        """One change on the whole history."""
        after = changed(self.specs, self.check, column, change)
        new = replay(self.history, after, like=self.base, check=self.check)
        return Candidate(self.check, column, change, compared(self.history, self.base, new))

    def candidates(self, column: str | None) -> list[Candidate]:
        """Every kind of change that removes noise and loses nothing, the most noise first."""
        found = self._of(column)
        if column is None:
            noisy = Counter(f.column for a, fs in self.resting_on(None) if a.noise for f in fs if f.column)
            for name, _ in noisy.most_common(COLUMNS) if len(noisy) > 1 else []:
                found += self._of(name)
        good = [
            c for c in found if not c.test.lost and c.test.noise_removed >= (1 if "times" in c.change else REPEATED)
        ]
        return sorted(good, key=lambda c: (-c.test.noise_removed, c.test.unjudged))[:OFFERED]

    def _of(self, column: str | None) -> list[Candidate]:
        told = self.resting_on(column)
        noise = [(a, [f for f in fs if not f.hard]) for a, fs in told if a.noise]
        faults = any(a.known for a, _ in told)
        found = [
            self._limit(column, noise, told, faults),
            self._touched(column, noise, faults),
            self._small(column, noise),
            self._slices(column, noise),
            self._hours(column, noise),
            self._row(column),
        ]
        return [c for c in found if c is not None]

    def _limit(
        self,
        column: str | None,
        noise: Sequence[tuple[PastAlert, list[PastFinding]]],
        told: Sequence[tuple[PastAlert, list[PastFinding]]],
        faults: bool,
    ) -> Candidate | None:
        """The check's own limit, made wider."""
        ratios = sorted({own_ratio(f.score, f.times) for _, fs in noise for f in fs})
        known = sorted(own_ratio(f.score, f.times) for a, fs in told if a.known for f in fs)
        least = max(1.0, _now(self.specs, self.check, column, "times") or 1.0)

        def change(ratio: float) -> dict[str, Any]:
            above = next((k for k in known if k > ratio), float("inf"))
            wanted = min(ratio * (1 + MARGIN), (ratio + above) / 2)
            short = float(f"{wanted:.3g}")
            return {"times": short if ratio < short <= above else wanted}

        usable = [r for r in ratios if (faults or r * (1 + MARGIN) <= BLIND) and change(r)["times"] > least]
        return self._furthest(column, usable, change)

    def _touched(
        self, column: str | None, noise: Sequence[tuple[PastAlert, list[PastFinding]]], faults: bool
    ) -> Candidate | None:
        """Rows that must fail before it is told."""
        usual = median(b.rows for b in self.history.batches)
        counts = sorted({int(f.touched) for _, fs in noise for f in fs if f.touched is not None})
        usable = [n for n in counts if n > 0 and (faults or n <= FEW_ROWS * usual)]
        return self._furthest(column, usable, lambda n: {"minimum_touched": int(n) + 1})

    def _small(self, column: str | None, noise: Sequence[tuple[PastAlert, list[PastFinding]]]) -> Candidate | None:
        """Rows that a batch must have."""
        usual = median(b.rows for b in self.history.batches)
        counts = sorted({self.rows[a.batch_id].rows for a, _ in noise})
        usable = [n for n in counts if n < SMALL_BATCH * usual]
        return self._furthest(column, usable, lambda n: {"minimum_rows": int(n) + 1})

    def _furthest(
        self, column: str | None, values: Sequence[float], change: Callable[[float], dict[str, Any]]
    ) -> Candidate | None:
        """The furthest of rising values that loses no known fault: the further, the more is lost."""
        best, low, high = None, 0, len(values)
        while low < high:
            middle = (low + high) // 2
            tried = self.test(column, change(values[middle]))
            if tried.test.lost:
                high = middle
            else:
                best, low = tried, middle + 1
        return best

    def _slices(self, column: str | None, noise: Sequence[tuple[PastAlert, list[PastFinding]]]) -> Candidate | None:
        """Slices that bring nothing but noise."""
        named = Counter(f.slice for _, fs in noise for f in fs if f.slice is not None)
        kept: list[str] = list(_now(self.specs, self.check, column, "except_slices") or ())
        best = None
        for name, _ in named.most_common():
            tried = self.test(column, {"except_slices": sorted({*kept, name})})
            if not tried.test.lost:
                best, kept = tried, [*kept, name]
        return best

    def _hours(self, column: str | None, noise: Sequence[tuple[PastAlert, list[PastFinding]]]) -> Candidate | None:
        """Hours of the day that bring noise, where batches are shorter than half a day."""
        gaps = [
            (b.at - a.at).total_seconds() for a, b in zip(self.history.batches, self.history.batches[1:], strict=False)
        ]
        hours = {h for a, _ in noise if (h := self.rows[a.batch_id].hour) is not None}
        if not gaps or median(gaps) >= DAY / 2 or len(noise) < HOURS_NOISE or not hours:
            return None
        start, length = _arc(hours)
        if length > LONGEST_NIGHT:
            return None
        tried = self.test(column, {"hours": f"{(start + length) % 24:02d}-{start:02d}"})
        return None if tried.test.lost else tried

    def _row(self, column: str | None) -> Candidate | None:
        """Two batches in a row, or three."""
        for n in (2, 3):
            tried = self.test(column, {"batches_in_a_row": n})
            if tried.test.lost:
                return None
            if tried.test.noise_removed:
                return tried
        return None


def _now(specs: tuple[CheckSpec, ...], check: str, column: str | None, key: str) -> Any:
    spec = spec_of(specs, check, column)
    return None if spec is None else getattr(spec, key)


def _arc(hours: set[int]) -> tuple[int, int]:
    """The shortest stretch of the day that holds all hours: where it starts, and how long it is.

    >>> _arc({23, 0, 2}), _arc({5})
    ((23, 4), (5, 1))
    """
    order = sorted(hours)
    gaps = [((order[(i + 1) % len(order)] - h - 1) % 24, order[(i + 1) % len(order)]) for i, h in enumerate(order)]
    free, start = max(gaps) if len(order) > 1 else (23, order[0])
    return start, 24 - free
