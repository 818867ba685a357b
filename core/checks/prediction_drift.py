"""The model's answers against their own past."""

from __future__ import annotations

from core.checks.base import MINIMUM_ROWS, Check, CheckContext, failed, percent
from core.checks.similarity import psi
from core.checks.spikes import spike
from core.checks.summary import answer, ratio
from core.stats.profile import ColumnProfile, NumberProfile
from storage.records.results import Finding, Tier

SHIFTED = 0.25
BROKEN = 1.0
"""A PSI from which most answers are not what they were: users see another model than yesterday's."""

SURE_ROWS = 200
STUCK = 0.1
"""Share of rows that one answer must gain before the model is called stuck."""
SURE_DEPARTURE = 2.0


def run(context: CheckContext) -> list[Finding]:
    """Mean, distribution and share of confident answers, or the share of each predicted class."""
    name = context.roles.prediction
    if name is None or name not in context.shared:
        return answer(CHECK, [], 0, ["no prediction column is known"])
    now, before = context.current.columns[name], context.reference.columns[name]
    if min(now.rows - now.missing, before.rows - before.missing) < MINIMUM_ROWS:
        return answer(CHECK, [], 0, [f"fewer than {MINIMUM_ROWS} predictions"])
    stuck, moved = _stuck(context, name), _moved(context, name, now, before)
    if stuck is not None and (moved is None or moved.tier != "page"):
        return [stuck]
    return [moved] if moved is not None else answer(CHECK, [], 1)


def _moved(context: CheckContext, name: str, now: ColumnProfile, before: ColumnProfile) -> Finding | None:
    """The answers as a whole against what they were; None while they stay."""
    value = psi(now, before)
    spec = context.spec(CHECK.name, name)
    limit = spec.threshold if spec is not None and spec.threshold else SHIFTED
    loud = value / (limit + 40.0 / min(now.rows, before.rows))
    if context.departures.days and not (spec is not None and spec.threshold):
        stats = ("mean", "spread", "distance", "unseen", "peak")
        best = sorted((ratio(context, CHECK, name, context.departures.get(name, s)) for s in stats), reverse=True)
        loud = (best[0] * best[1]) ** 0.5
    if loud < 1:
        return None
    told = f"PSI {value:.2f}"
    if now.number is not None and before.number is not None and now.number.finite:
        told += f", mean {now.number.moments.mean:.4g} ({before.number.moments.mean:.4g} before)"
        if now.number.minimum >= 0 and now.number.maximum <= 1 and now.number.finite:
            sure = [_sure(side.number) for side in (now, before) if side.number is not None]
            told += f", sure (under 10 % or over 90 %) in {percent(sure[0])} of rows ({percent(sure[1])})"
    message = f"the predictions moved: {told}"
    return failed(
        context,
        CHECK,
        message,
        cause="prediction",
        ratio=loud,
        column=name,
        value=value,
        threshold=limit,
        tier=_tier(loud, value, now.rows),
    )


def _stuck(context: CheckContext, name: str) -> Finding | None:
    """One answer given to many more rows than ever, by a model that gave many different ones."""
    peak, found = context.departures.get(name, "peak"), spike(context, name)
    if peak is None or found is None or not context.departures.days or peak.ratio < 1 or peak.rise < STUCK:
        return None
    told = f"the model gives one answer, {found.value:.4g}, to {percent(found.share)} of rows"
    return failed(
        context,
        CHECK,
        f"{told}, {percent(found.usual)} before",
        cause="constant prediction",
        ratio=2 * peak.ratio,
        column=name,
        value=found.share,
        threshold=peak.bound,
        tier="ticket",
        rows=round(found.share * context.current.columns[name].rows),
    )


def _tier(loud: float, value: float, rows: int) -> Tier:
    if loud < SURE_DEPARTURE:
        return "digest"
    return "page" if value >= BROKEN and rows >= SURE_ROWS else "ticket"


def _sure(number: NumberProfile) -> float:
    low, high = number.histogram.cdf([0.1, 0.9])
    return float(low + 1 - high)


CHECK = Check(
    "prediction_drift",
    "drift",
    "digest",
    f"{MINIMUM_ROWS} predictions",
    "predictions move before labels tell why",
    run,
    "look at what changed just before; roll back when a version or a configuration did",
)
