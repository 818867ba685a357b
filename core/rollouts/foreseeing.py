"""What the gates of a rule can find at this traffic, and how fast, in words; also before any rollout.

Rates, means and spreads are those of the reference, or of the newest batches with labels; traffic is that of the
looks, or of the newest batches, or of the reference where there is nothing else. All numbers are medians
(:mod:`core.stats.gates.planner`).
"""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from core.rollouts.reference_values import Reference
from storage.errors import SourceError
from storage.records.looks import TRAFFIC, Look, PairedBinary, PairedMeans, Split
from storage.records.models import Model
from storage.records.rollouts import GuardrailRule, RolloutRule, StageRule
from storage.tables import batches, rollback_evidence

RISES = ((2.0, "a doubling"), (1.25, "a 25 % rise"))
FALLS = ((0.5, "a halving"), (0.8, "a 20 % fall"))
"""Odds ratios whose finding is planned for, in words, by the direction that hurts."""

CHANGE = 0.10
"""The change of a mean that is planned for, as a share of it."""

DAY = 24 * 60


@dataclass(frozen=True, slots=True)
class Figures:
    """What a guardrail measures at the baseline: mean (or share of events) and spread a unit; units in a row."""

    mean: float
    sd: float | None
    per_row: float


@dataclass(frozen=True, slots=True)
class StagePlan:
    """What the gate behind one stage can find, one sentence a guardrail.

    Attributes:
        rows_per_minute: of the candidate's arm; None where nobody knows the traffic.
    """

    stage: str
    traffic: float
    rows_per_minute: float | None
    told: tuple[str, ...]


def foresee(
    db: sqlite3.Connection, model: Model, rule: RolloutRule, looks: Sequence[Look] = ()
) -> tuple[StagePlan, ...]:
    """Every stage of a rule that is judged by comparing two arms.

    Args:
        looks: of a rollout, where there is one: its traffic counts.
    """
    reference = Reference(db, model)
    rows = rows_per_minute(looks) or _of_batches(db, model)
    return tuple(_stage(one, rows, reference) for one in rule.stages if one.has_arms)


def rows_per_minute(looks: Sequence[Look]) -> float | None:
    """Rows that users saw, a minute of the looks' windows; None where no look counts rows."""
    rows: dict[tuple[datetime, datetime], int] = {}
    for look in looks:
        match look.sums:
            case Split(canary, control) if look.guardrail == TRAFFIC:
                rows[look.window_start, look.window_end] = canary + control
            case PairedBinary(pairs) | PairedMeans(pairs) if look.guardrail != TRAFFIC:
                window = look.window_start, look.window_end
                rows[window] = max(rows.get(window, 0), pairs)
    if not rows:
        return None
    minutes = (max(end for _, end in rows) - min(start for start, _ in rows)).total_seconds() / 60
    total = sum(rows.values())
    return total / minutes if minutes > 0 and total else None


def sentence(guardrail: GuardrailRule, stage: StageRule, found: Figures, rows: float) -> str:
    """What one guardrail finds, and when.

    Args:
        rows: that users see in a minute, in all.
    """
    paired = stage.kind == "shadow"
    # Whoever answers the same requests does at least as well as two halves of twice the traffic.
    share = 0.5 if paired else stage.traffic
    per_minute = rows * found.per_row * (2.0 if paired else 1.0)
    alpha = stage.alpha_harm / max(len(stage.guardrails), 1)
    mine = rows * (1.0 if paired else stage.traffic)
    units = f" ({per_minute * share:,.3g} users)" if guardrail.unit == "user" else ""
    head = f"{guardrail.name}: at {mine:,.3g} candidate rows{units} a minute and"
    about = "at most " if paired else "~"
    if guardrail.method in ("odds", "paired odds"):
        return f"{head} {found.mean:.2%} at the baseline, {_odds(guardrail, found, alpha, per_minute, share, about)}"
    if guardrail.method == "rank":
        return f"{guardrail.name}: judged by ranks, for which no plan is made"
    told = _mean(guardrail, found, alpha, per_minute, share, about)
    return f"{head} a mean of {found.mean:.4g} at the baseline, {told}"


def _stage(stage: StageRule, rows: float | None, reference: Reference) -> StagePlan:
    if rows is None:
        return StagePlan(stage.stage, stage.traffic, None, ("the traffic is not known: no batch has a window yet",))
    mine = rows * (1.0 if stage.kind == "shadow" else stage.traffic)
    if not stage.guardrails:
        return StagePlan(stage.stage, stage.traffic, mine, ("no guardrail is judged here",))
    told = []
    for guardrail in stage.guardrails:
        try:
            found = _figures(reference, guardrail)
        except SourceError as error:
            told.append(f"{guardrail.name}: {error.message}")
            continue
        told.append(
            sentence(guardrail, stage, found, rows)
            if found is not None and (stage.kind == "shadow" or 0.0 < stage.traffic < 1.0)
            else f"{guardrail.name}: nothing to plan with: no reference or batch has values of it"
            if found is None
            else f"{guardrail.name}: nothing to plan with: the stage names no share of the traffic"
        )
    return StagePlan(stage.stage, stage.traffic, mine, tuple(told))


def _figures(reference: Reference, guardrail: GuardrailRule) -> Figures | None:
    spread = reference.spread(guardrail, None)
    if spread is None:
        return None
    return Figures(spread.mean, guardrail.sd or spread.sd, spread.units / spread.of if spread.of else 1.0)


def _of_batches(db: sqlite3.Connection, model: Model) -> float | None:
    """Rows a minute of the newest serving batches; before any, of the newest reference's window."""
    volume = rollback_evidence.volume(db, model.id)
    if volume is not None and volume.rows_per_hour:
        return volume.rows_per_hour / 60
    for batch in batches.page(db, model_id=model.id, limit=-1):
        if batch.window_start is not None and batch.window_end is not None and batch.window_end > batch.window_start:
            return (batch.rows * 60 / (batch.window_end - batch.window_start).total_seconds()) or None
    return None


def _odds(guardrail: GuardrailRule, found: Figures, alpha: float, per_minute: float, share: float, about: str) -> str:
    from core.stats.gates.planner import plan

    if not 0.0 < found.mean < 1.0:
        return "where nothing or everything counts as an event there is nothing to plan with"
    wanted = RISES if guardrail.harm == "up" else FALLS
    (first, words), *others = [(plan(found.mean, ratio, alpha, per_minute, share), told) for ratio, told in wanted]
    more = "".join(f", {told} {span(one.minutes)}" for one, told in others)
    what = "extra errors" if guardrail.harm == "up" else "events"
    return (
        f"{words} takes {about}{span(first.minutes)} ({_rows(first.units, found)} rows){more}; until then it costs "
        f"~{math.ceil(abs(first.extra_errors))} {what}"
    )


def _mean(guardrail: GuardrailRule, found: Figures, alpha: float, per_minute: float, share: float, about: str) -> str:
    from core.stats.gates.planner import mean_plan, smallest_change

    if not found.sd or not found.mean:
        return "which does not vary or is 0: there is nothing to plan with"
    made = mean_plan(found.sd, CHANGE * found.mean, alpha, per_minute, share)
    least = max(made.units, float(guardrail.minimum_units))
    minutes = least / (per_minute * share)
    day = smallest_change(found.mean, found.sd, per_minute * share * DAY, alpha, share)
    word = "rise" if guardrail.harm == "up" else "fall"
    return (
        f"a {word} of {CHANGE:.0%} takes {about}{_rows(least, found)} rows, about {span(minutes)}; "
        f"the smallest change seen in a day is {day:.1%}"
    )


def _rows(units: float, found: Figures) -> str:
    """Rows of the candidate's arm that hold so many units."""
    return f"{math.ceil(units / found.per_row):,}"


def span(minutes: float) -> str:
    """Minutes in words.

    >>> span(34.2), span(510), span(9000), span(math.inf)
    ('34 min', '8.5 h', '6.2 days', 'for ever')
    """
    if not math.isfinite(minutes):
        return "for ever"
    if minutes < 100:
        return f"{minutes:.0f} min"
    return f"{minutes / 60:.2g} h" if minutes < 48 * 60 else f"{minutes / 1440:.2g} days"
