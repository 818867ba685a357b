"""``midwatch promote MODEL V``: take a candidate into its next stage, or off."""

from __future__ import annotations

import sys
from datetime import datetime

import click

from core.rollback.execution import ENTER, YES
from core.rollouts import acting, deciding, opening, promotion
from storage.clock import utc_now
from storage.errors import RefusedError, UsageError
from storage.records.models import Model
from storage.records.promotions import Promoted, PromotionPlan
from storage.tables import models
from tui.cli import diagnostics, output
from tui.cli.commands.versions import moment
from tui.cli.options import Session, reading, shared, writing
from tui.cli.promotion_words import plan_lines
from tui.cli.rollback_confirmation import forget_typed_ahead

HELD, FAILED = 1, 4


@click.command("promote")
@click.argument("model")
@click.argument("version")
@click.option("--reason", default="", help="Why; needed with --stop, --override, and past a gate in dry run.")
@click.option("--yes", is_flag=True, help="Don't ask.")
@click.option("--dry-run", is_flag=True, help="Show the plan; do nothing. Exit 1 when the gate or the plan refuses.")
@click.option("--stop", is_flag=True, help="Take the candidate off: its rollout ends.")
@click.option("--override", is_flag=True, help="Go past an armed gate; stays in sight until somebody else reviewed it.")
@click.option("--at", metavar="T", help="When it happened, ISO 8601; now by default.")
@shared
def command(
    model: str,
    version: str,
    reason: str,
    yes: bool,
    dry_run: bool,
    stop: bool,
    override: bool,
    at: str | None,
    store: str | None,
    as_json: bool,
) -> None:
    """Take VERSION into its next stage, if its gate says so; the first call opens its rollout. No stage is skipped.

    Rolling back never comes this way: midwatch rollback waits for no gate.
    """
    when = moment(at)
    if stop and (dry_run or override or when is not None):
        raise UsageError("--stop goes with --reason and --yes alone", "look first: midwatch gate MODEL VERSION")
    if dry_run:
        with reading(store) as session:
            plan = promotion.plan(
                session.db, models.get(session.db, model), version, now=session.now, actor=session.actor
            )
        output.document(plan) if as_json else output.text("\n".join(plan_lines(plan)))
        click.get_current_context().exit(HELD if plan.forbidden or plan.needs_override else 0)
    with writing(store) as session:
        found = models.get(session.db, model)
        recovered(session)
        if stop:
            _confirm_stop(found, version, yes)
            done = promotion.stop(session.db, found, version, reason=reason, actor=session.actor, now=utc_now())
        else:
            done = _promoted(session, found, version, reason, yes, override, at=when)
    _told(done, as_json)


def recovered(session: Session) -> None:
    """End what a killed process left open, and say so."""
    for ended in acting.recover(session.db, now=session.now, actor=session.actor):
        diagnostics.note(f"found a promotion of {ended.model} {ended.version} unfinished; now {ended.state}")


def _promoted(
    session: Session, model: Model, version: str, reason: str, yes: bool, override: bool, *, at: datetime | None
) -> Promoted:
    there = opening.find(session.db, model, version)
    if there is not None and there.state == "open":
        deciding.gate(session.db, model, there, now=session.now)
    plan = promotion.plan(session.db, model, version, now=utc_now(), actor=session.actor)
    promotion.permitted(plan, reason=reason, override=override)
    confirmed = _confirmation(plan, yes)
    return promotion.promote(
        session.db, model, plan, reason=reason, confirmed=confirmed, override=override, at=at, actor=session.actor,
        now=utc_now(),
    )  # fmt: skip


def _confirmation(plan: PromotionPlan, yes: bool) -> str:
    if yes:
        return YES
    _somebody_there()
    for line in plan_lines(plan):
        diagnostics.note(line)
    forget_typed_ahead()
    if not plan.must_type:
        click.prompt("enter promotes, ctrl-c leaves", default="", show_default=False, err=True)
        return ENTER
    return _typed(plan.version, "promote")


def _confirm_stop(model: Model, version: str, yes: bool) -> None:
    if yes:
        return
    _somebody_there()
    forget_typed_ahead()
    if not model.file.production:
        click.prompt(f"enter takes {version} off, ctrl-c leaves", default="", show_default=False, err=True)
    elif _typed(version, "take it off") != version:
        raise RefusedError(f"something else than {version} was typed", "nothing was done")


def _somebody_there() -> None:
    if not sys.stdin.isatty():
        raise RefusedError("nobody is there to confirm it: nothing was done", "add --yes, or look first: --dry-run")


def _typed(version: str, what: str) -> str:
    typed = str(click.prompt(f"type {version} to {what}", default="", show_default=False, err=True)).strip()
    if not typed:
        raise RefusedError("nothing was typed: nothing was done")
    return typed


def _told(done: Promoted, as_json: bool) -> None:
    """Say how it ended; 0 only when the candidate is where it was to go."""
    if as_json:
        output.document({**output.plain(done), "moved": done.moved})
    diagnostics.note(f"{done.model} {done.version} {done.from_stage or '-'} -> {done.to_stage or 'off'}: {done.state}")
    diagnostics.note(f"  {done.message}")
    if done.override_id is not None:
        diagnostics.note(f"  override {done.override_id} stays open until somebody else has reviewed it")
    click.get_current_context().exit(0 if done.moved else FAILED)
