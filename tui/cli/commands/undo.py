"""``midwatch undo MODEL``: the exact state before the last rollback, once, if the world has not moved since."""

from __future__ import annotations

import click

from core import rollback
from storage.clock import utc_now
from storage.tables import models
from tui.cli.commands.rollback import recovered
from tui.cli.options import shared, writing
from tui.cli.rollback_confirmation import confirmation, told


@click.command("undo")
@click.argument("model")
@click.option("--reason", default="undo", show_default=True, help="Why; goes into the record.")
@click.option("--yes", is_flag=True, help="Don't ask; refused when the preflight is red.")
@click.option("--override", metavar="TEXT", help="Why a red preflight is overridden.")
@shared
def command(model: str, reason: str, yes: bool, override: str | None, store: str | None, as_json: bool) -> None:
    """Undo the last rollback of MODEL, byte for byte; refused if the world moved since."""
    with writing(store) as session:
        found = models.get(session.db, model)
        recovered(session)
        plan = rollback.plan_undo(session.db, found, now=utc_now(), actor=session.actor)
        done = rollback.execute(
            session.db, plan, confirmed=confirmation(plan, yes), reason=reason, override=override,
            actor=session.actor, now=utc_now(),
        )  # fmt: skip
    told(done, as_json)
