"""A rollback's plan and outcome as lines of text: the same words for the command line and the sheet."""

from __future__ import annotations

import json

from storage.records.rollbacks import RollbackPlan

MARKS = {"green": "ok", "amber": "??", "red": "!!"}
"""Marks carry the meaning; colour may be added, never needed."""


def lines(plan: RollbackPlan) -> list[str]:
    """Everything a person should see before acting; the last line is how to undo it."""
    what = {"rollback": "roll back", "fallback": "fall back", "undo": "undo: put back"}[plan.kind]
    where = f"{plan.model} ({plan.stage}{', production' if plan.production else ''})"
    told = [
        f"{where}: {what} {plan.from_version or 'unknown'} -> {plan.to_version}",
        *(f"  {MARKS[item.light]}  {item.name:<10} {item.message}" for item in plan.preflight),
        f"  radius: {plan.blast_radius}",
    ]
    if plan.actuation is not None:
        told.append(f"  does: {plan.actuation.does}")
        told += [
            f"    {name}: {value if _plain(value) else json.dumps(value, ensure_ascii=False)}"
            for name, value in plan.actuation.detail.items()
            if value
        ]
        told.append(f"  then: reads it back for {plan.settle_seconds:g} s before saying so")
    told += [f"  or: {way}" for way in plan.ways_out]
    return [*told, f"  undo: {plan.undo_how}"]


def _plain(value: object) -> bool:
    """Whether a value can stand in a line as it is; a line end in it would be invisible."""
    return isinstance(value, str) and value.isprintable()
