"""``midwatch rollback MODEL``: put an earlier version in force, and read the world back."""

from __future__ import annotations

import click

from core import rollback
from core.rollback.execution import outcome as standing
from storage.clock import utc_now
from storage.errors import UsageError
from storage.records.models import Model
from storage.records.rollbacks import RollbackPlan
from storage.tables import models, rollback_evidence, rollbacks
from tui.cli import diagnostics, output
from tui.cli.options import Session, reading, shared, writing
from tui.cli.rollback_confirmation import confirmation, told
from tui.present.rollback_plan import lines

FOUND = 1


@click.command("rollback")
@click.argument("model")
@click.option("--to", metavar="V", help="The version to put in force; the best candidate by default.")
@click.option("--fallback", is_flag=True, help="Go to the model's fallback.")
@click.option("--reason", help="Why; goes into the record.")
@click.option("--yes", is_flag=True, help="Don't ask; refused when the preflight is red.")
@click.option("--override", metavar="TEXT", help="Why a red preflight, or an unknown earlier outcome, is overridden.")
@click.option("--dry-run", is_flag=True, help="Show the plan with the exact call; do nothing. Exit 1 when it is red.")
@click.option("--incident", metavar="KEY", help="The incident it belongs to.")
@click.option("--key", metavar="TEXT", help="Idempotency key: a second call with it does nothing.")
@shared
def command(
    model: str,
    to: str | None,
    fallback: bool,
    reason: str | None,
    yes: bool,
    override: str | None,
    dry_run: bool,
    incident: str | None,
    key: str | None,
    store: str | None,
    as_json: bool,
) -> None:
    """Put another version of MODEL in force. "Rolled back" is said only after the world was read back."""
    if dry_run:
        with reading(store) as session:
            plan = _plan(session, models.get(session.db, model), to, fallback, incident)
        output.document(plan) if as_json else output.text("\n".join(lines(plan)))
        click.get_current_context().exit(FOUND if plan.light == "red" else 0)
    if not (reason or "").strip():
        raise UsageError("a rollback needs a reason", "say why: --reason TEXT; or look first: --dry-run")
    with writing(store) as session:
        found = models.get(session.db, model)
        recovered(session)
        earlier = rollbacks.by_key(session.db, key) if key else None
        if earlier is not None:
            told(standing(earlier, repeated=True), as_json)
        _give_up(session, found, override)
        plan = _plan(session, found, to, fallback, incident)
        done = rollback.execute(
            session.db, plan, confirmed=confirmation(plan, yes), reason=reason or "", idempotency_key=key,
            override=override, actor=session.actor, now=utc_now(),
        )  # fmt: skip
    told(done, as_json)


def recovered(session: Session) -> None:
    """End what a killed process left open, and say so."""
    for ended in rollback.recover(session.db, now=session.now, actor=session.actor):
        diagnostics.note(f"found rollback {ended.rollback_id} unfinished; now {ended.state}: {ended.message}")


def _plan(session: Session, model: Model, to: str | None, fallback: bool, incident: str | None) -> RollbackPlan:
    incident_id = rollback_evidence.incident_id(session.db, incident) if incident else None
    if incident and incident_id is None:
        raise UsageError(f"there is no incident {incident!r}", "see midwatch incidents list")
    return rollback.plan(
        session.db, model, to=to, kind="fallback" if fallback else "rollback", now=utc_now(), actor=session.actor,
        incident_id=incident_id,
    )  # fmt: skip


def _give_up(session: Session, model: Model, override: str | None) -> None:
    """With --override a person ends an earlier rollback that nobody can read the outcome of."""
    stuck = rollbacks.in_flight(session.db, model.id)
    if override and stuck is not None and stuck.state == "unknown":
        rollback.abandon(session.db, stuck.id, reason=override, actor=session.actor, now=session.now)
        diagnostics.note(f"rollback {stuck.id} given up: its outcome stays unread")
