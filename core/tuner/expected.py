"""Pages and tickets by the week that a set of checks would have brought, before it is put in force.

A page is counted when it opens: repeats within a group that is still open wake nobody again. The interval is that of a
Poisson count (Garwood, 1936) over the weeks of history: few pages tell little of their rate.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

from core.stats.counts import poisson_interval
from core.tuner.backtest import opened
from core.tuner.history import WEEK, read
from core.tuner.rejudge import rejudge
from core.tuner.replay import Told, replay
from core.tuner.standing import spec_of, tuned_specs
from storage.records.models import CheckSpec, Model, ModelFile
from storage.tables import batches

SILENT = frozenset(
    {"rationale", "owner", "reviewed", "runbook", "tuned", "except_slices", "minimum_rows", "minimum_touched", "hours"}
)
"""Keys that stored verdicts can answer for, whatever they say."""


@dataclass(frozen=True, slots=True)
class Expectation:
    """Pages by the week under the checks in force and under others.

    Attributes:
        before, after: pages that opened, by the week; None under a week of history.
        low, high: the 95 % interval of ``after``.
        tickets_before, tickets_after: the same of tickets.
        weeks, batches: the history it rests on.
        rejudged: batches were judged anew; else stored verdicts answered.
    """

    before: float | None
    after: float | None
    low: float | None
    high: float | None
    tickets_before: float | None
    tickets_after: float | None
    weeks: float
    batches: int
    rejudged: bool

    def text(self, budget: float | None = None) -> str:
        """One sentence for a person.

        >>> Expectation(0.8, 2.1, 0.9, 4.0, 3.0, 3.0, 4.0, 28, True).text(2).partition(", by")[0]
        'expected pages per week 0.8 -> 2.1 (budget 2; 95 %: 0.9 to 4.0), tickets 3.0 -> 3.0'
        """
        span = f"by {self.batches:,} batches of {self.weeks:.1f} weeks"
        if self.before is None or self.after is None:
            return f"expected pages per week: not known, {span} are too few"
        limit = f"budget {budget:g}; " if budget is not None else ""
        return (
            f"expected pages per week {self.before:.1f} -> {self.after:.1f} "
            f"({limit}95 %: {self.low:.1f} to {self.high:.1f}), "
            f"tickets {self.tickets_before:.1f} -> {self.tickets_after:.1f}, {span}"
        )


def pages_per_week(db: sqlite3.Connection, model: Model, specs: tuple[CheckSpec, ...]) -> Expectation:
    """What ``specs`` in the place of the checks in force would bring, from the stored history.

    Conditions and wider limits are answered by stored verdicts, over all of it; anything else by judging the latest
    batches anew.
    """
    now = tuned_specs(db, model)
    history = read(db, model)
    if answered_by_verdicts(now, specs):
        old, new = replay(history, now), replay(history, specs)
        ids = [b.id for b in history.batches]
        return _expectation(
            [list(old.told.get(i, ())) for i in ids], [list(new.told.get(i, ())) for i in ids], history.weeks, False
        )
    judged = rejudge(db, model, now, specs)
    chosen = [batch.id for batch in judged.batches]
    stored = replay(history, now)
    # What was recorded, less what both sides tell alike: alerts that only rows or metrics could raise stay in both.
    old_told = [list(stored.told.get(i, ())) for i in chosen]
    new_told = []
    for told, was, then in zip(old_told, judged.before, judged.after, strict=True):
        replaced = {t.group_key for t in was} | {t.group_key for t in then}
        new_told.append([t for t in told if t.group_key not in replaced] + list(then))
    weeks = _weeks([b.window_start or b.arrived_at for b in judged.batches])
    return _expectation(old_told, new_told, weeks, True)


def of_changed_file(db: sqlite3.Connection, model: Model, file: ModelFile) -> Expectation | None:
    """What a changed file of a registered model would bring, without the tunings that it overrules.

    None where no check is judged otherwise, or nothing was ever judged.
    """
    specs = tuned_specs(db, replace(model, file=file))
    if _judging(specs) == _judging(tuned_specs(db, model)) or batches.newest(db, model.id) is None:
        return None
    return pages_per_week(db, model, specs)


def _judging(specs: Sequence[CheckSpec]) -> set[CheckSpec]:
    """The checks without what is only said of them, and without entries that say nothing else."""
    told = {replace(s, rationale=None, owner=None, reviewed=None, runbook=None, tuned=None) for s in specs}
    general = {s.check for s in told if s.column is None}
    return {s for s in told if s != CheckSpec(s.check, s.column) or (s.column is not None and s.check in general)}


def answered_by_verdicts(before: Sequence[CheckSpec], after: Sequence[CheckSpec]) -> bool:
    """Whether two sets differ only in what narrows: verdicts that were recorded hold all that either would tell."""
    keys = {(s.check, s.column) for s in (*before, *after)}
    return all(_narrower(spec_of(before, *key), spec_of(after, *key)) for key in keys)


def _narrower(old: CheckSpec | None, new: CheckSpec | None) -> bool:
    if old is None and new is None:
        return True
    silent = CheckSpec((old or new).check)  # type: ignore[union-attr]
    a, b = old or silent, new or silent
    for field in fields(CheckSpec):
        x, y = getattr(a, field.name), getattr(b, field.name)
        if x == y or field.name in SILENT or field.name in ("column", "batches_in_a_row"):
            continue
        if field.name == "times" and (y or 1.0) >= 1 and (x or 1.0) >= 1:
            continue
        if field.name == "enabled" and not y:
            continue
        return False
    return True


def _expectation(before: list[list[Told]], after: list[list[Told]], weeks: float, rejudged: bool) -> Expectation:
    counts = [opened(told, tier) for tier in ("page", "ticket") for told in (before, after)]
    if weeks < 1:
        return Expectation(None, None, None, None, None, None, weeks, len(before), rejudged)
    low, high = poisson_interval(counts[1])
    rates = [count / weeks for count in counts]
    return Expectation(rates[0], rates[1], low / weeks, high / weeks, rates[2], rates[3], weeks, len(before), rejudged)


def _weeks(moments: list) -> float:  # type: ignore[type-arg]
    if not moments:
        return 0.0
    span = (max(moments) - min(moments)).total_seconds()
    return float(span + (span / (len(moments) - 1) if len(moments) > 1 else 86_400.0)) / WEEK
