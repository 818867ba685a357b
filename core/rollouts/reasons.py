"""Why a gate says what it says: sentences for someone half asleep, of numbers that looks and rule alone decide.

Times are UTC; the day is said where it is not that of the last look.
"""

from __future__ import annotations

import math
from datetime import datetime

from core.rollouts.evidence import Gathering
from core.rollouts.tallies import SCALES
from core.rollouts.traffic import Traffic
from storage.records.rollouts import Evidence, GuardrailRule, Reason, ReasonKind, StageRule

_COST = 1.5
"""Evidence that a test pays before it grows with rows in proportion.

Measured on healthy candidates: half of the guesses made with it lie between half and twice what it took, with medians
of 0.9 (odds) and 1.3 times (means) that.
"""


def number(value: float) -> str:
    """Three digits, without an exponent.

    >>> [number(x) for x in (1.9004, 0.000123, 12345.6, -0.0, math.inf, math.nan)]
    ['1.9', '0.000123', '12,346', '0', '∞', '?']
    """
    if not math.isfinite(value):
        return "?" if math.isnan(value) else ("∞" if value > 0 else "-∞")
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    text = f"{value:.3g}"
    text = f"{value:.12f}".rstrip("0").rstrip(".") if "e" in text else text
    return "0" if text in ("-0", "") else text


def when(at: datetime, now: datetime) -> str:
    """A moment, with its day only when that is another than that of ``now``."""
    return f"{at:%H:%M} UTC" if at.date() == now.date() else f"{at:%Y-%m-%d %H:%M} UTC"


def edge(rule: GuardrailRule) -> str:
    """The margin of a guardrail, on the scale that its estimate has."""
    scale, down = SCALES[rule.method], rule.harm == "down"
    if scale == "odds ratio":
        return number(1 / rule.margin if down else rule.margin)
    if scale == "difference":
        return f"{'-' if down else '+'}{number(rule.margin)}"
    return number(0.5 + rule.margin)


def harm(gathering: Gathering, now: datetime, void: bool = False) -> Reason:
    """A guardrail that says harm, or said it once."""
    since = when(gathering.harmed_at or now, now)
    said = f"{gathering.rule.name}: {_against(gathering)}: harm since {since}"
    return Reason("harm", said + (", void with the traffic split" if void else ""), gathering.rule.name)


def clear(gathering: Gathering, now: datetime) -> Reason:
    """A guardrail that lets the candidate pass."""
    since = when(gathering.cleared_at or now, now)
    said = f"{gathering.rule.name}: clear of {edge(gathering.rule)} since {since}: {_against(gathering)}"
    return Reason("clear", said, gathering.rule.name)


def waiting(gathering: Gathering) -> Reason:
    """A guardrail that does not let the candidate pass yet."""
    rule = gathering.rule
    if not gathering.looks:
        lag = rule.lag.total_seconds() / 3600
        late = f": a look waits {number(lag)} h for its labels" if rule.needs_labels and lag else ""
        return Reason("no data", f"{rule.name}: no look yet{late}", rule.name)
    if not gathering.canary:
        said = f"{rule.name}: nothing to compare in {gathering.looks:,} looks: an arm had no {_units(rule)}"
        return Reason("no data", said, rule.name)
    if gathering.canary < gathering.clear_from:
        done = f"{gathering.canary:,} of {gathering.clear_from:,} {_units(rule)} of the candidate"
        early = "; it says harm, too early to be believed" if gathering.early else ""
        return Reason("minimum", f"{rule.name}: {done} before it may be clear{early}", rule.name)
    now = gathering.evidence()
    interval = f"interval {number(now.low)} to {number(now.high)}"
    said = f"{rule.name}: not yet clear of {edge(rule)} ({interval}); {_more(gathering, now)}"
    return Reason("not yet", said, rule.name)


def split(traffic: Traffic, now: datetime) -> Reason:
    """A traffic split that is off."""
    test, since = traffic.test, when(traffic.off_at or now, now)
    counts = (
        "" if test is None else f"{test.canary:,} of {test.canary + test.control:,} {traffic.unit} are the candidate's"
    )
    share = "" if test is None else f", {number(100 * test.expected)} % should be"
    said = f"traffic split: {counts}{share}: off since {since}; what the guardrails say since then is void"
    return Reason("traffic split", said)


def shortfalls(rule: StageRule, rows: int, labelled: int, hours: float) -> tuple[Reason, ...]:
    """The minimums of a stage that are not met, each with what is missing, the farthest off first."""
    asked: tuple[tuple[ReasonKind, str, float, float], ...] = (
        ("minimum", "rows", rows, rule.minimum_rows),
        ("labels", "labels", labelled, rule.minimum_labels),
        ("minimum", "hours of data", hours, rule.minimum_hours),
    )
    short = [
        (there / least, Reason(kind, _short(what, there, least))) for kind, what, there, least in asked if there < least
    ]
    return tuple(reason for _, reason in sorted(short, key=lambda each: each[0]))


def wrong(name: str, gathering: Gathering | Traffic, now: datetime) -> Reason:
    """Looks that cannot be believed."""
    why, start = gathering.why_wrong or ("", now)
    looks = "a look" if gathering.wrong == 1 else f"{gathering.wrong:,} looks, the first"
    return Reason("no data", f"{name}: {looks} of {when(start, now)} cannot be believed: {why}", name)


def unknown(name: str, looks: int) -> Reason:
    """Looks of something that the rule of this stage does not judge."""
    return Reason("stage", f"{name}: not in this stage's rule, so its {looks:,} looks do not count", name)


def _against(gathering: Gathering) -> str:
    now = gathering.evidence()
    sides = f"{number(now.low)} to {number(now.high)}"
    return f"{now.scale} {number(now.estimate)} ({sides}) against {gathering.baseline}"


def _more(gathering: Gathering, now: Evidence) -> str:
    """How many more units it may take: evidence grows with them in proportion, after what the test pays at first."""
    if math.isnan(now.estimate):
        return "nothing that tells the arms apart yet"
    if gathering.beyond(now.estimate):
        return "as it stands it is at the margin or beyond"
    grown = now.log_promote + _COST
    factor = (now.promote_needed + _COST) / grown - 1 if grown > 0.3 else math.inf
    if not 0 < factor < 100:
        return "too early to say how many more rows it takes"
    more = gathering.canary * factor
    digits = 10 ** max(math.floor(math.log10(more)) - 1, 0) if more > 1 else 1
    return f"about {math.ceil(more / digits) * digits:,} more {_units(gathering.rule)} at this rate"


def _units(rule: GuardrailRule) -> str:
    return f"{'labelled ' if rule.needs_labels else ''}{rule.unit}s"


def _short(what: str, has: float, needs: float) -> str:
    return f"{what}: {number(has)} of {number(needs)}, {number(needs - has)} missing"
