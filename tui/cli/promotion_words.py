"""Candidates, gates and promotions as lines of text on a command line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta

from core.rollouts.candidates import CandidateDetail, CandidateLine
from storage.records.gates import Override
from storage.records.promotions import PromotionPlan
from storage.records.rollouts import Evidence
from tui.cli import output
from tui.cli.numbers import number

HEADER = ("MODEL", "VERSION", "STAGE", "TRAFFIC", "FOR", "SAYS", "PROMOTE", "HARM", "ROWS", "WAITS FOR")


def listing(lines: Sequence[CandidateLine], unreviewed: Sequence[Override]) -> None:
    """One line a candidate, and every override that nobody has reviewed."""
    output.table(HEADER, [_cells(line) for line in lines], empty="no candidate is on its way")
    for text in overrides(unreviewed):
        output.text(text)


def overrides(found: Sequence[Override]) -> Iterator[str]:
    """Overrides, one a line."""
    for one in found:
        seen = f"reviewed by {one.reviewed_by}" if one.reviewed_by else f"NOT REVIEWED: midwatch gate --review {one.id}"
        where = f"{one.model} {one.version} {one.from_stage} -> {one.to_stage}"
        yield f"override {one.id}: {where} by {one.by} {one.at:%Y-%m-%d %H:%MZ}: {one.reason} ({seen})"


def detail(found: CandidateDetail) -> None:
    """Verdict, reasons, evidence, conditions, what people said, and what was decided."""
    line, said = found.line, found.verdict
    output.text("\n".join(_head(found)))
    for reason in said.reasons:
        output.text(f"  {reason.text}")
    if said.evidence:
        output.text("")
        output.table(
            ("GUARDRAIL", "LOOKS", "CANDIDATE", "CONTROL", "ESTIMATE", "INTERVAL", "ON", "PROMOTE", "HARM"),
            [_evidence(one) for one in said.evidence],
        )
    for one in said.conditions:
        output.text(f"  {'ok' if one.met else '!!'}  {one.kind}: {one.text}")
    for shown in found.approvals:
        void = "" if shown.counts else " (void: the gate shows something else by now)"
        output.text(f"  approved by {shown.approval.by} {shown.approval.at:%Y-%m-%d %H:%MZ}{void}")
    for text in (*found.planner, *found.waiting, *overrides(found.overrides)):
        output.text(f"  {text}")
    _history(found)
    if line.entered_without_gate:
        output.text(f"  {line.version} is live in a later stage that no decision let it into")


def finished(found: CandidateDetail, live: str | None) -> None:
    """A rollout that is over: how it ended and who decided; no gate says anything of it.

    Args:
        live: the version that is live in the last stage now.
    """
    line, last = found.line, found.history[-1] if found.history else None
    decided = f", decided {last.recorded_at:%Y-%m-%d %H:%MZ} by {last.by}" if last is not None else ""
    if line.state == "done":
        at = f"{line.entered_at:%Y-%m-%d %H:%MZ}" if line.entered_at else None
        since, on = (f" since {at}", f" on {at}") if at else ("", "")
        there = f"live in {line.stage}{since}" if live == line.version else f"it went live in {line.stage}{on}"
        gone = "" if live == line.version else f"; {live or 'nothing'} is live there now"
        output.text(f"{line.model} {line.version} is done: {there}{decided}{gone}")
    else:
        output.text(f"{line.model} {line.version} was {line.state} in {line.stage or 'no stage yet'}{decided}")
    output.text(f"against {line.baseline}; no gate stands before it any more")
    for text in overrides(found.overrides):
        output.text(f"  {text}")
    _history(found)


def _history(found: CandidateDetail) -> None:
    if found.history:
        output.text("")
        output.table(
            ("DECISION", "AT", "FROM", "TO", "SAYS", "BY", "RECORDED", "SHA256"),
            [
                (
                    d.kind, f"{d.at:%m-%d %H:%MZ}" if d.at else None, d.from_stage or None, d.to_stage,
                    f"would {d.outcome}" if d.dry_run else d.outcome, d.by, f"{d.recorded_at:%m-%d %H:%MZ}",
                    d.sha256[:12],
                )
                for d in found.history
            ],
        )  # fmt: skip


def plan_lines(plan: PromotionPlan) -> list[str]:
    """Everything a person should see before confirming; the last line is how to take it back."""
    where = f"{plan.model}{', production' if plan.production else ''}"
    says = "no gate stands before it" if plan.from_stage is None else f"the gate says {plan.outcome}"
    if plan.dry_run and plan.outcome != "promote":
        says = f"the gate would say {plan.outcome}, it is in dry run"
    step = f"{plan.from_stage or 'not begun'} -> {plan.to_stage}, {plan.traffic:.0%} of traffic"
    lines = [
        f"{where}: promote {plan.version}: {step}, against {plan.baseline or 'nothing'}",
        f"  {says}",
        *(f"  !!  {text}" for text in plan.forbidden),
        *(f"  ??  {text}" for text in plan.reasons),
        f"  does: {plan.does}",
    ]
    return [*lines, f"  back: {plan.undo_how}"]


def span(time: timedelta) -> str:
    """A stretch of time, as short as it says something.

    >>> span(timedelta(minutes=5)), span(timedelta(hours=30)), span(timedelta(days=9))
    ('5 min', '30 h', '9 d')
    """
    minutes = int(time.total_seconds() // 60)
    if minutes < 100:
        return f"{minutes} min"
    return f"{minutes // 60} h" if minutes < 72 * 60 else f"{minutes // 1440} d"


def _head(found: CandidateDetail) -> Iterator[str]:
    line, said = found.line, found.verdict
    stage = f"{line.stage} ({line.traffic:.0%}) for {span(line.in_stage)}" if line.stage else "no stage yet"
    yield f"{line.model} {line.version} against {line.baseline}: {stage}"
    what = f"would {said.outcome} (dry run)" if line.dry_run else said.outcome
    since = f" since {said.at:%Y-%m-%d %H:%MZ} of the data" if said.at else ""
    windows = max((one.looks for one in said.evidence), default=said.looks)
    yield f"{what}{since}: {windows} windows, {said.rows:,} rows, {said.labelled:,} labelled, {said.hours:.1f} h"


def _cells(line: CandidateLine) -> tuple[object, ...]:
    says = line.state if line.state != "open" else f"would {line.outcome}" if line.dry_run else line.outcome
    waits = f"{line.waits_for}{' [entered without a gate]' if line.entered_without_gate and line.rollout_id else ''}"
    return (
        line.model, line.version, line.stage, f"{line.traffic:.0%}", span(line.in_stage), says,
        f"{line.toward_promote:.0%}", f"{line.toward_harm:.0%}", f"{line.rows:,}", waits,
    )  # fmt: skip


def _evidence(one: Evidence) -> tuple[object, ...]:
    return (
        one.guardrail, one.looks, f"{one.canary:,}", f"{one.control:,}", number(one.estimate),
        f"[{number(one.low)} {number(one.high)}]", one.scale, f"{one.log_promote:.1f}/{one.promote_needed:.1f}",
        f"{one.log_harm:.1f}/{one.harm_needed:.1f}",
    )  # fmt: skip
