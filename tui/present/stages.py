"""Candidates on their way as a person reads them: a line, and the page of one."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from rich.text import Text

from core.rollouts.candidates import CandidateDetail, CandidateLine
from storage.records.rollouts import Condition, Decision, Evidence, GuardrailRule, Reason, Rollout, StageRule
from tui.present.moments import age
from tui.present.page import Page
from tui.present.text import visible

Stamp = Callable[[datetime], str]

MARKS = {"promote": "ok", "hold": "..", "roll back": "!!"}
"""What a gate says: beside the word, never instead of it."""

NARROW, BARS = 60, 4
"""Cells below which the page's two bars stand on two lines; cells of each bar in the list."""

SHOWN = 6
"""Decisions that the page shows; ``enter`` twice has all."""


def cells(line: CandidateLine, stages: Sequence[str], again: bool = False) -> tuple[str | Text, ...]:
    """Model, version, stage with its traffic, place, time in it, what the gate says, two bars, what it waits for.

    Args:
        stages: of the model, in order.
        again: its gate is being read again: what stands here is of before.
    """
    words = (
        line.model,
        line.version,
        f"{line.stage} {line.traffic:.0%}" if line.stage and 0 < line.traffic < 1 else line.stage or "-",
        place(line.stage, stages),
        age(line.in_stage) if line.entered_at else "-",
        says(line),
        bar(line.toward_promote, BARS) if line.guardrails else "",
        bar(line.toward_harm, BARS) if line.guardrails else "",
        f"{'reading again; ' if again else ''}{waits_shortly(line)}",
    )
    loud = "bold" if line.outcome != "hold" or line.overrides_open else ""
    return tuple(Text(visible(word), style=loud) for word in words)


def unread_cells(rollout: Rollout, stages: Sequence[str], now: datetime) -> tuple[str | Text, ...]:
    """The same of a candidate whose gate is still being read."""
    entered = age(now - rollout.entered_at) if rollout.entered_at else "-"
    where = rollout.stage or "-"
    words = (
        rollout.model,
        rollout.version,
        where,
        place(rollout.stage, stages),
        entered,
        "...",
        "",
        "",
        "reading the gate",
    )
    return tuple(Text(visible(word)) for word in words)


def says(line: CandidateLine) -> str:
    """What the gate says, with its mark; of one that is not armed ``dry`` comes first; else how it ended."""
    if line.state != "open":
        return line.state
    return f"{'dry' if line.dry_run else MARKS[line.outcome]} {line.outcome}"


def aged(line: CandidateLine, now: datetime) -> CandidateLine:
    """The same, in its stage for as long as it is by now."""
    return line if line.entered_at is None else replace(line, in_stage=max(now - line.entered_at, timedelta(0)))


def waits_shortly(line: CandidateLine) -> str:
    """The same as :func:`waits` in a few words, the telling ones first; the page has the sentence."""
    told = [f"{line.overrides_open} override{'s' * (line.overrides_open > 1)} to review"] if line.overrides_open else []
    told += ["ahead of its gate"] if line.entered_without_gate and line.rollout_id else []
    told += [line.short or line.waits_for] if line.state == "open" or not told else []
    return "; ".join(told)


def waits(line: CandidateLine) -> str:
    """What has to happen next; overrides that nobody has reviewed come first."""
    opened = f"{line.overrides_open} override{'s' * (line.overrides_open > 1)} to review (p, r); "
    opened = opened if line.overrides_open else ""
    ahead = "entered a later stage without a gate; " if line.entered_without_gate and line.rollout_id else ""
    return opened + ahead + line.waits_for


def place(stage: str | None, stages: Sequence[str]) -> str:
    """Which of how many.

    >>> place("canary", ["test", "canary", "full"]), place(None, ["full"]), place("gone", ["full"])
    ('2/3', '-', '?')
    """
    if stage is None:
        return "-"
    return f"{list(stages).index(stage) + 1}/{len(stages)}" if stage in stages else "?"


def way(stage: str | None, stages: Sequence[str]) -> str:
    """All stages in order, the one it is in in capitals.

    >>> way("canary", ["test", "canary", "full"])
    'test > CANARY > full'
    """
    return " > ".join(name.upper() if name == stage else name for name in stages)


def bar(share: float, width: int) -> str:
    """How far, in characters; anything above nothing shows, and only all of it is full.

    >>> bar(0.5, 6), bar(0.001, 6), bar(0.999, 6), bar(1.0, 6), bar(float("nan"), 6)
    ('###---', '#-----', '#####-', '######', '------')
    """
    if not share > 0:
        return "-" * width
    full = width if share >= 1 else min(width - 1, max(1, round(share * width)))
    return "#" * full + "-" * (width - full)


def title(line: CandidateLine) -> str:
    """Model, version and what it is held against."""
    production = "  PRODUCTION" if line.production else ""
    return f"{line.model} {line.version}" + (f" against {line.baseline}" if line.baseline else "") + production


def preview(line: CandidateLine, stages: Sequence[str], stamp: Stamp) -> Text:
    """What a line knows, until the rest is read, and all there is of one without a rollout."""
    page = Page()
    _head(page, line, stages, stamp)
    if line.being_read:
        page.line("by its looks alone: what else the gate asks is still being read from the files of batches")
    if line.rollout_id is None:
        page.line("no rollout was opened for it: p opens one; no gate says anything until then")
    return page.text


def detail(found: CandidateDetail, stages: Sequence[str], stamp: Stamp, width: int) -> Text:
    """Everything behind one candidate: what it waits for, reasons, evidence, conditions, people, what was said."""
    page, line, verdict = Page(), found.line, found.verdict
    _head(page, line, stages, stamp, width)
    reasons(page, [one for one in verdict.reasons if one.kind != "clear" and one.text not in line.waits_for])
    _people(page, found, stamp)
    _evidence(page, verdict.evidence, found.rule, stamp, width)
    conditions(page, verdict.conditions)
    if found.waiting:
        page.lines("looks that wait", found.waiting)
    page.lines("planner", found.planner)
    _past(page, found.history, stamp)
    return page.text


def _head(page: Page, line: CandidateLine, stages: Sequence[str], stamp: Stamp, width: int = 0) -> None:
    since = f" since {stamp(line.at)} of the data" if line.at else ""
    page.line(f"{says(line).upper() if line.state == 'open' else line.state}{since}: {waits(line)}", "bold")
    if line.state == "open" and line.dry_run:
        page.line(f"dry run: the gate is not armed; it would say {line.outcome} and holds nobody up")
    entered = f", {age(line.in_stage)} in it" if line.entered_at else ""
    share = f", {line.traffic:.0%} of the traffic" if line.stage else ""
    page.line(f"{way(line.stage, stages)}{share}{entered}")
    page.line(
        f"{_count(line.looks, 'look')}, {_count(line.rows, 'row')} of the candidate, {line.labelled:,} with labels"
    )
    if not line.guardrails:
        page.line("no guardrail counts in this stage" if line.rollout_id else "no gate reads it")
        return
    promote = f"toward promote {bar(line.toward_promote, 10)} {_share(line.toward_promote)}"
    harm = f"toward harm {bar(line.toward_harm, 10)} {_share(line.toward_harm)}"
    for told in (f"{promote:<31} {harm}",) if width >= NARROW else (promote, harm):
        page.line(told)
    if line.guardrails > 1:
        page.line(f"of {line.guardrails} guardrails: least toward promote {line.slowest}; nearest harm {line.nearest}")


def reasons(page: Page, found: Sequence[Reason]) -> None:
    """Why else the gate says so, beside what the candidate waits for."""
    page.lines("why", [reason.text for reason in found])


def conditions(page: Page, found: Sequence[Condition]) -> None:
    """What else the gate asks for, what is not met first."""
    unmet = sum(not one.met for one in found)
    told = [f"{'ok' if one.met else '!!'} {one.text}" for one in sorted(found, key=lambda one: one.met)]
    page.lines(f"conditions, {unmet} not met" if unmet else "conditions, all met", told)


def _evidence(page: Page, found: Sequence[Evidence], rule: StageRule | None, stamp: Stamp, width: int) -> None:
    if not found:
        return
    page.head(f"guardrails ({len(found)}), intervals hold at every look")
    rules = {one.name: one for one in rule.guardrails} if rule else {}
    for one in found:
        known = rules.get(one.guardrail)
        where = f" in {known.slice}" if known and known.slice else ""
        floored = ", critical" if known and known.floored else ""
        state = "HARM since" if one.harmed_at else "may pass since" if one.cleared_at else "open"
        moment = one.harmed_at or one.cleared_at
        page.line(
            f"  {'!!' if one.harmed_at else 'ok' if one.cleared_at else '..'} {one.guardrail}{where}{floored}: "
            f"{state}{f' {stamp(moment)}' if moment else ''}",
            "bold" if one.harmed_at else "",
        )
        page.line(f"     {estimate(one)}{_margin(known)}")
        unit = known.unit if known else "row"
        counted = f"{one.looks} looks, {one.canary:,} and {one.control:,} {unit}s"
        needed = f"promote {_log(one.log_promote)} of {one.promote_needed:.1f}, harm {_log(one.log_harm)} of "
        told = f"{counted}; evidence: {needed}{one.harm_needed:.1f}"
        if len(told) + 5 <= width:
            page.line(f"     {told}")
        else:
            page.line(f"     {counted}")
            page.line(f"     evidence: {needed}{one.harm_needed:.1f}")


def estimate(one: Evidence) -> str:
    """The estimate with its interval, on its scale; "no data" instead of a number without one."""
    if math.isnan(one.estimate):
        return f"{one.scale}: no data"
    return f"{one.scale} {number(one.estimate)} [{number(one.low)}, {number(one.high)}]"


def number(value: float) -> str:
    """A number of three digits.

    >>> number(1.2345), number(float("inf")), number(float("nan")), number(-0.000123)
    ('1.23', 'no bound', '?', '-0.000123')
    """
    if math.isnan(value):
        return "?"
    return f"{value:.3g}" if math.isfinite(value) else "no bound"


def _margin(rule: GuardrailRule | None) -> str:
    return f", margin {number(rule.margin)}, harm is {rule.harm}" if rule else ""


def _log(value: float) -> str:
    return "-" if math.isnan(value) or math.isinf(value) else f"{value:.1f}"


def _people(page: Page, found: CandidateDetail, stamp: Stamp) -> None:
    """Overrides, items, approvals: what only people can say."""
    page.lines(
        "overrides",
        [
            f"{'OPEN, nobody has reviewed it' if one.open else f'reviewed by {one.reviewed_by}'}: {one.from_stage} -> "
            f"{one.to_stage} by {one.by} {stamp(one.at)}: {one.reason}"
            for one in found.overrides
        ],
    )
    page.lines(
        "items",
        [
            f"{ {'yes': 'ok', 'no': '!!'}.get(one.verdict or '', '..') } {one.item}: "
            + (f"{one.verdict}, {one.by}" if one.verdict else "no answer yet")
            + (f", asked of {one.owner}" if one.owner and not one.verdict else "")
            + (f": {one.note}" if one.note else "")
            for one in found.items
        ],
    )
    if found.approvals_needed or found.approvals:
        counting = len({one.approval.by for one in found.approvals if one.counts})
        page.head(f"approvals: {counting} of {found.approvals_needed}")
        for one in found.approvals:
            void = "" if one.counts else " (void: the gate shows something else by now)"
            note = f": {one.approval.note}" if one.approval.note else ""
            page.line(f"  {one.approval.by} {stamp(one.approval.at)}{note}{void}")


def _past(page: Page, history: Sequence[Decision], stamp: Stamp) -> None:
    newest = list(reversed(history))[:SHOWN]
    page.lines("decisions, newest first", [decision(one, stamp) for one in newest])
    if len(history) > SHOWN:
        page.line(f"  and {len(history) - SHOWN} more: enter, and enter again")


def decision(one: Decision, stamp: Stamp) -> str:
    """One decision in a line."""
    moved = f"{one.from_stage or 'start'} -> {one.to_stage}" if one.to_stage else one.from_stage
    dry = "dry run, " if one.dry_run else ""
    return f"{stamp(one.at or one.recorded_at)} {MARKS[one.outcome]} {dry}{one.kind}: {one.outcome}, {moved}, {one.by}"


def _share(share: float) -> str:
    return "?" if math.isnan(share) else f"{min(1.0, max(0.0, share)):.0%}"


def _count(number_of: int, word: str) -> str:
    return f"{number_of:,} {word}{'' if number_of == 1 else 's'}"
