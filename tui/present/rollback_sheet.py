"""The rollback sheet as a person reads it, half asleep, on 80 by 24."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from core.rollback.execution import Outcome
from core.rollback.looking import Look
from storage.records.rollbacks import PreflightItem, RollbackEvent, RollbackPlan
from tui.present.rollback_plan import MARKS
from tui.present.text import visible

Stamp = Callable[[datetime], str]

STEP_WORDS = {
    "planned": "planned",
    "started": "started",
    "actuated": "actuated",
    "verified": "VERIFIED",
    "not verified": "NOT VERIFIED",
    "failed": "FAILED",
    "unknown": "UNKNOWN",
    "undone": "undone",
}

_GOOD = {
    "suspect": "not suspect",
    "rollout": "no held candidate",
    "in flight": "none in flight",
    "undo": "nothing moved since",
}
"""Names of items that would read wrong beside "ok"."""


def head(plan: RollbackPlan) -> str:
    """The first line: what, from where, to where; production says so in capitals."""
    what = {"rollback": "ROLLBACK", "fallback": "FALL BACK", "undo": "UNDO"}[plan.kind]
    where = f"{plan.stage}{', PRODUCTION' if plan.production else ''}"
    return f"{what} {plan.model}  {plan.from_version or 'unknown'} -> {plan.to_version}  ({where})"


def body(look: Look, stamp: Stamp, steps: Text | None = None) -> RenderableType:
    """Everything a person should see before acting; ``steps`` come first once it has begun."""
    plan = look.plan
    grid = Table.grid(padding=(0, 1, 0, 0), expand=True)
    grid.add_column(width=9, no_wrap=True)
    grid.add_column(ratio=1, overflow="fold")

    def row(label: str, *told: str | Text) -> None:
        lines = [line if isinstance(line, Text) else Text(visible(line)) for line in told]
        grid.add_row(Text(label, style="bold"), Text("\n").join(lines))

    since = f"; {plan.from_version} is live since {stamp(look.since)}" if look.since else ""
    linked = look.incident if look.incident and look.incident[0] not in look.reason else None
    row("why", f"{look.reason}{since}", *([f"recorded with {linked[0]} {linked[1]}"] if linked else []))
    row("target", *_target(plan))
    row("preflight", *_preflight(plan.preflight))
    row("does", *_does(plan))
    row("radius", plan.blast_radius)
    row("other", *_others(plan))
    row("undo", plan.undo_how)
    return grid if steps is None else Group(steps, Text(""), grid)


def steps(events: Sequence[RollbackEvent], plan: RollbackPlan, stamp: Stamp) -> Text:
    """The states it went through so far, as the journal has them."""
    text = Text()
    for event in events:
        said = str(event.detail.get("message") or "")
        words = STEP_WORDS[event.state]
        text.append(f"{stamp(event.at):<13}", "dim")
        text.append(f"{words:<13}", "bold" if words.isupper() else "")
        text.append(visible("" if said == event.state else said) + "\n")
    if not events:
        text.append("writing the journal ...")
    elif events[-1].state in ("planned", "started"):
        text.append("acting ...")
    elif events[-1].state in ("actuated", "unknown"):
        text.append(f"verifying: reads the world back for {plan.settle_seconds:g} s ...")
    return text


def ending(outcome: Outcome) -> str:
    """How it ended, in one sentence; "rolled back" and "undone" only after the world was read back."""
    name, target = outcome.model, outcome.to_version
    again = " (an earlier press did it)" if outcome.repeated else ""
    said = {
        "verified": f"{'Undone' if outcome.kind == 'undo' else 'Rolled back'}: {name} is {target}; {outcome.message}",
        "undone": f"{name}: this rollback was undone meanwhile; {outcome.message}",
        "not verified": f"NOT VERIFIED that {name} is {target}: {outcome.message}",
        "failed": f"FAILED, {name} is not {target}: {outcome.message}",
        "unknown": f"UNKNOWN whether {name} is {target}: {outcome.message}; the next start asks the world again",
    }
    return said.get(outcome.state, f"{name} to {target} is {outcome.state} elsewhere: {outcome.message}") + again


def _target(plan: RollbackPlan) -> list[str | Text]:
    known = next((c for c in plan.candidates if c.version == plan.to_version), None)
    kind = "the state before" if plan.kind == "undo" else known.kind if known else "named"
    history = next((item for item in plan.preflight if item.name == "history" and item.light == "green"), None)
    first = Text()
    first.append(visible(plan.to_version), "bold")
    first.append(visible(f"  {kind}" + (f": {history.message}" if history else "")))
    return [first]


def _preflight(items: Sequence[PreflightItem]) -> list[str | Text]:
    """The worst first, each on its own line with its sentence; the good ones together on the last."""
    bad = sorted((item for item in items if item.light != "green"), key=lambda item: item.light, reverse=True)
    lines: list[str | Text] = []
    for item in bad:
        final = " (no override helps)" if item.final else ""
        lines.append(
            Text.assemble((MARKS[item.light], "bold reverse" if item.light == "red" else "bold"), " ",
                          (item.name, "bold"), visible(f": {item.message}{final}"))
        )  # fmt: skip
    good = ", ".join(_GOOD.get(item.name, item.name) for item in items if item.light == "green")
    return [*lines, *([f"{MARKS['green']} {good}"] if good else [])]


def _does(plan: RollbackPlan) -> list[str | Text]:
    if plan.actuation is None:
        return ["nothing: the actuator can't be reached"]
    after = f"then reads it back for {plan.settle_seconds:g} s before saying so"
    return [plan.actuation.does, after if plan.actuation.verifiable else "nothing can read it back but a log"]


def _others(plan: RollbackPlan) -> list[str | Text]:
    """The other candidates with what speaks against them, then the ways out that are no version."""
    lines: list[str | Text] = [
        f"{MARKS[other.light]} {other.kind} {other.version}: {other.reasons[0] if other.reasons else ''}"
        for other in plan.candidates
        if other.version != plan.to_version
    ]
    ways = [way for way in plan.ways_out if "--to " not in way]
    return [*lines, "; ".join(ways)] if ways else lines
