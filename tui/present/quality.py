"""What alerts were worth, as a person reads it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from rich.text import Text

from core.quality.curve import Curve
from core.quality.figures import Figures, Quality
from core.quality.shares import Share
from storage.records.alert_quality import JudgedAlert
from tui.present.charts import Series, line_chart, spark
from tui.present.page import Page, span
from tui.present.text import counted, visible

Stamp = Callable[[datetime], str]

BUDGETS = 3
"""Budgets that stand above the list; the others are told by the command."""


def heading(told: Quality) -> list[str]:
    """Budget, recall and delay in a few lines, what is over its budget first."""
    every, linked, near, missed = told.incidents
    marked = sum(one.incident is None for one in told.missed)
    lines = [budget.words for budget in told.budgets[:BUDGETS]]
    if len(told.budgets) > BUDGETS:
        lines.append(f"and {len(told.budgets) - BUDGETS} more models: midwatch alerts quality --model NAME")
    near_words = f", {near} with one near that nobody linked" if near else ""
    recall = (
        f"recall {told.overall.recall.words}: {every} incidents, {linked} with an alert{near_words}, {missed} missed"
    )
    lines.append(f"{recall}{f'; {marked} more marked as missed' if marked else ''}")
    delay = f"; onset to alert {span(told.delay)} (median of {told.delays})" if told.delay is not None else ""
    whose = f"{told.model} " if told.model else ""
    lines.append(
        f"{whose}{length(told)}, {counted(told.overall.alerts, 'alert')}, {counted(told.overall.calls, 'call')} "
        f"({_often(told)}){delay}"
        if told.recorded
        else f"{whose}no record yet: no batch has come"
    )
    return lines


def short_heading(told: Quality) -> list[str]:
    """The same in three lines of a narrow screen: the worst budget, recall, volume."""
    worst = sorted(told.budgets, key=lambda b: (not b.exceeded, -b.last_week))
    recall, (_, _, near, _) = told.overall.recall, told.incidents
    near_words = f", {near} near but unlinked" if near else ""
    return [
        *(budget.words for budget in worst[:1]),
        f"recall {percent(recall)} %: told of {recall.hits} of {recall.n}, missed {len(told.missed)}{near_words}"
        if recall.value is not None
        else f"recall: told of {recall.hits} of {recall.n} incidents, too few for a rate{near_words}",
        f"{length(told)}, {counted(told.overall.calls, 'call')}: {_often(told)}"
        if told.recorded
        else "no record yet: no batch has come",
    ]


def length(told: Quality) -> str:
    """How long the record is: in days below a fortnight."""
    return f"{told.weeks:.0f} weeks" if told.weeks >= 2 else counted(max(1, round(7 * told.weeks)), "day")


def _often(told: Quality) -> str:
    """Calls of each tier: a week, or in all where the record is shorter than a week."""
    if told.weeks >= 1:
        return f"{volume(told.overall)} a week"
    return ", ".join(f"{n} {tier}" for tier, rate in told.overall.tiers.items() if (n := round(rate * told.weeks)))


def volume(one: Figures) -> str:
    """Calls per week and tier."""
    return ", ".join(f"{rate:.1f} {tier}" for tier, rate in one.tiers.items() if rate) or "none"


def percent(share: Share) -> str:
    """A share in few characters: ``78 [62 88]``; of too few how many there are."""
    if share.value is None or share.low is None or share.high is None:
        return f"n={share.n}"
    return f"{100 * share.value:.0f} [{100 * share.low:.0f} {100 * share.high:.0f}]"


def told_of(one: Figures) -> str:
    """Of how many known problems it told."""
    share = one.recall
    told = f"{share.hits} of {share.n}"
    return told if share.value is None else f"{told}, {100 * share.value:.0f} %"


def unanswered(one: Figures) -> str:
    """Share of calls that nobody answered; of few calls how many."""
    share = one.unanswered
    return f"{share.hits} of {share.n}" if share.value is None else f"{100 * share.value:.0f} %"


def trend(one: Figures) -> str:
    """Precision by month, newest last; a blank for a month with fewer than three judged."""
    return spark(one.trend, low=0.0, high=1.0, width=8).rstrip() if any(v is not None for v in one.trend) else "-"


def cells(one: Figures) -> tuple[str | Text, ...]:
    """Name, calls a week, precision, recall, unanswered, trend."""
    style = "bold" if not one.name else ""
    words = (
        one.name or "all",
        f"{one.per_week:.1f}",
        percent(one.precision),
        str(one.precision.n),
        told_of(one).partition(",")[0],
        unanswered(one),
        trend(one),
    )
    return tuple(Text(visible(word), style=style) for word in words)


def detail(one: Figures, judged: Sequence[JudgedAlert], drawn: Curve | None, width: int) -> Text:
    """Volume and verdicts in words, the curve once it is read, and what was judged last."""
    page = Page()
    page.line(f"precision {one.precision.words}", "bold")
    page.line(
        f"told of {one.recall.hits} of {one.recall.n} incidents and misses; unanswered {unanswered(one)} of calls"
    )
    page.line(f"{one.alerts:,} alerts, {one.calls:,} calls: {volume(one)} a week")
    said = ", ".join(f"{count} {verdict}" for verdict, count in sorted(one.verdicts.items(), key=lambda v: -v[1]))
    page.line(f"people said: {said or 'nothing yet (f in Alerts)'}")
    if one.months:
        by = ", ".join(f"{month} {right} of {right + wrong}" for month, right, wrong in one.months[-4:])
        page.line(f"right by month: {by}")
    if one.scope != "cause":
        page.head("another cut of the score")
        for line in ["reading ..."] if drawn is None else curve_lines(drawn, width):
            page.line(line)
    page.lines("judged last", [judged_line(alert) for alert in judged], empty="nobody has judged one yet: f in Alerts")
    return page.text


def judged_line(alert: JudgedAlert) -> str:
    """One judged alert on a line."""
    return f"{alert.at[5:10]} {alert.verdict} {alert.by}: {alert.id} {alert.tier} {alert.score:.2f} {alert.title}"


def curve_lines(found: Curve, width: int | None = None) -> list[str]:
    """The curve as a chart (with a width), as a table, and what is not known of it."""
    if found.note:
        return [found.note]
    lines = _chart(found, width).split("\n") if width else []
    lines.append("   cut right wrong  none  precision (bounds)   recall  quiet, recall with them")
    step = max(1, len(found.points) // 8)
    for p in (p for n, p in enumerate(found.points) if n % step == 0 or n == len(found.points) - 1):
        precision = "   -" if p.precision is None else f"{100 * p.precision:3.0f} %"
        recall = "   -" if p.recall is None else f"{100 * p.recall:3.0f} %"
        more = "-" if p.recall_with_quiet is None else f"{100 * p.recall_with_quiet:.0f} %"
        bounds = f"({100 * p.low:.0f} to {100 * p.high:.0f})"
        counted = f"{p.cut:6.2f} {p.right:5} {p.wrong:5} {p.unjudged:5}"
        lines.append(f"{counted}      {precision} {bounds:11}   {recall}   {p.quiet:4}, {more}")
    lines.append(
        f"{found.problems} known problems, {found.missed} missed, {found.never_seen} of these without any finding; "
        f"{found.unjudged} alerts nobody judged: the bounds take them all as wrong, or right"
    )
    return lines


def _chart(found: Curve, width: int) -> str:
    points = found.points[::-1]
    cuts = [p.cut for p in points]
    return line_chart(
        [
            Series("precision", "p", cuts, [p.precision for p in points]),
            Series("recall", "r", cuts, [p.recall for p in points]),
        ],
        width=min(width - 2, 76),
        height=9,
        ticks=[(cuts[0], f"{cuts[0]:.2f}"), (cuts[-1], f"{cuts[-1]:.2f}")],
    )
