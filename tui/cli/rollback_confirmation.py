"""Asking for the confirmation that a plan demands, and saying how it ended; shared by rollback and undo."""

from __future__ import annotations

import sys

import click

from core.rollback.execution import ENTER, YES, Outcome
from storage.errors import RefusedError
from storage.records.rollbacks import RollbackPlan
from tui.cli import diagnostics, output
from tui.present.rollback_plan import lines

FAILED = 4


def confirmation(plan: RollbackPlan, yes: bool) -> str:
    """How this plan is confirmed: ``--yes``, or what a person types at the terminal.

    Raises:
        RefusedError: there is no terminal to ask at, or nothing was typed.
    """
    if yes:
        return YES
    if not sys.stdin.isatty():
        raise RefusedError("nobody is there to confirm it: nothing was done", "add --yes, or look first: --dry-run")
    for line in lines(plan):
        diagnostics.note(line)
    if plan.forbidden:
        raise RefusedError("; ".join(plan.forbidden), "no override helps against that")
    forget_typed_ahead()
    if not plan.must_type:
        click.prompt("enter executes, ctrl-c leaves", default="", show_default=False, err=True)
        return ENTER
    typed = str(click.prompt(f"type {plan.to_version} to execute", default="", show_default=False, err=True)).strip()
    if not typed:
        raise RefusedError("nothing was typed: nothing was done")
    return typed


def told(outcome: Outcome, as_json: bool) -> None:
    """Say how it ended and leave with its exit code: 0 only when the world was read back."""
    if as_json:
        output.document(outcome)
    said = ("undone" if outcome.kind == "undo" else "rolled back") if outcome.rolled_back else outcome.state
    again = " (an earlier call did it)" if outcome.repeated else ""
    diagnostics.note(f"{outcome.model} {outcome.from_version or 'unknown'} -> {outcome.to_version}: {said}{again}")
    diagnostics.note(f"  {outcome.message}")
    click.get_current_context().exit(0 if outcome.state in ("verified", "undone") else FAILED)


def forget_typed_ahead() -> None:
    """Keys typed before the question was shown don't answer it."""
    import termios

    termios.tcflush(sys.stdin.fileno(), termios.TCIFLUSH)
