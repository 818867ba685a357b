"""The promotion sheet as a person reads it: from where to where, what the gate says and asks, what will be done."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from core.rollouts.candidates import CandidateDetail
from storage.records.gates import Override
from storage.records.promotions import Promoted, PromotionPlan
from storage.records.rollouts import Condition, Evidence
from tui.present.stages import MARKS, estimate
from tui.present.text import visible

Stamp = Callable[[datetime], str]
Lines = list[str | Text]


def head(plan: PromotionPlan) -> str:
    """The first line: what, from where, to where; production says so in capitals."""
    production = ", PRODUCTION" if plan.production else ""
    return f"PROMOTE {plan.model} {plan.version}  {plan.from_stage or 'start'} -> {plan.to_stage}{production}"


def body(
    plan: PromotionPlan,
    found: CandidateDetail | None,
    stamp: Stamp,
    overrides: Sequence[Override] = (),
    who: str = "",
) -> RenderableType:
    """Everything a person should see before acting.

    Args:
        found: the candidate; None while no rollout of it is open.
        overrides: of the version, that nobody has reviewed.
        who: the person at the keys: what is left to others says so.
    """
    grid = Table.grid(padding=(0, 1, 0, 0), expand=True)
    grid.add_column(width=9, no_wrap=True)
    grid.add_column(ratio=1, overflow="fold")

    def row(label: str, told: Sequence[str | Text]) -> None:
        lines = [line if isinstance(line, Text) else Text(visible(line)) for line in told]
        if lines:
            grid.add_row(Text(label, style="bold"), Text("\n").join(lines))

    row("gate", _gate(plan, stamp))
    row("why", [*plan.reasons, *(f"{reason} (no override helps)" for reason in plan.forbidden)])
    verdict = plan.verdict
    row("asks", _asks([one for one in verdict.conditions if one.text not in plan.reasons] if verdict else []))
    row("evidence", [_evidence(one) for one in verdict.evidence] if verdict else [])
    row("people", [*_open(overrides, who, stamp), *(_people(found, who) if found else [])])
    row("does", [plan.does, *_against(plan)])
    row("undo", [plan.undo_how])
    return grid


def _gate(plan: PromotionPlan, stamp: Stamp) -> Lines:
    verdict = plan.verdict
    if verdict is None:
        return [f"there is no gate in front of {plan.to_stage}"]
    since = f" since {stamp(verdict.at)} of the data" if verdict.at else ""
    told = Text()
    told.append(f"{MARKS[plan.outcome]} {plan.outcome.upper()}", "bold reverse" if plan.needs_override else "bold")
    told.append(visible(f"{since}, behind {plan.from_stage}: {verdict.looks:,} looks, {verdict.rows:,} rows"))
    dry = "dry run: nobody armed this gate, so it holds nobody up; going on needs a reason"
    return [told, *([dry] if plan.dry_run else [])]


def _asks(found: Sequence[Condition]) -> Lines:
    """What is not met, each on its own line; what is met together on the last."""
    lines: Lines = [Text.assemble(("!!", "bold"), " ", visible(one.text)) for one in found if not one.met]
    met = "; ".join(one.text for one in found if one.met)
    return [*lines, *([f"ok {met}"] if met else [])]


def _evidence(one: Evidence) -> str:
    mark = "!!" if one.harmed_at else "ok" if one.cleared_at else ".."
    return f"{mark} {one.guardrail}: {estimate(one)}"


def _open(overrides: Sequence[Override], who: str, stamp: Stamp) -> Lines:
    """Overrides that nobody has reviewed, and who must."""
    return [
        Text.assemble(
            ("!! override open", "bold"),
            visible(f": {one.by} {stamp(one.at)}: {one.reason}"),
            " (yours: somebody else reviews it)" if one.by == who else "",
        )
        for one in overrides
    ]


def _people(found: CandidateDetail, who: str) -> Lines:
    """Who has to say something."""
    lines: Lines = []
    for item in found.items:
        asked = f"asked of {item.owner}" if item.owner else "of nobody in particular"
        lines.append(f"item {item.item}: {f'{item.verdict}, {item.by}' if item.verdict else f'no answer yet, {asked}'}")
    counting = list(dict.fromkeys(one.approval.by for one in found.approvals if one.counts))
    if found.approvals_needed:
        named = f": {', '.join(counting)}" if counting else ""
        missing = len(counting) < found.approvals_needed
        more = "; yours is there, somebody else approves" if missing and who in counting else ""
        lines.append(f"approvals: {len(counting)} of {found.approvals_needed} different people{named}{more}")
    return lines


def _against(plan: PromotionPlan) -> Lines:
    return [f"held against {plan.baseline}; {plan.traffic:.0%} of the traffic then"] if plan.baseline else []


def ending(done: Promoted) -> str:
    """How it ended, in one sentence."""
    moved = f"{done.model} {done.version}"
    if done.moved:
        left = "; the override stays in sight until somebody reviews it" if done.override_id is not None else ""
        return f"{done.model}: {done.message}{left}"
    words = {"unknown": "UNKNOWN whether it moved", "not verified": "NOT VERIFIED", "failed": "FAILED"}
    return f"{words.get(done.state, done.state)}, {moved} to {done.to_stage}: {done.message}"
