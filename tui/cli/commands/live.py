"""``midwatch live MODEL [--at T]``: what was live, stage by stage, at any minute."""

from __future__ import annotations

import click

from core import versions
from storage.tables import models
from tui.cli import output
from tui.cli.commands.versions import moment
from tui.cli.options import reading, shared


@click.command("live")
@click.argument("model")
@click.option("--at", metavar="T", help="ISO 8601; now by default, UTC without an offset.")
@shared
def command(model: str, at: str | None, store: str | None, as_json: bool) -> None:
    """Show which version was live in every stage."""
    asked = moment(at)
    with reading(store) as session:
        rows = versions.live(session.db, models.get(session.db, model), asked or session.now)
    if as_json:
        output.document(
            [
                {"stage": d.stage, "version": d.version, "traffic": d.traffic, "since": d.at, "source": d.source}
                for d in rows
            ]
        )
        return
    output.table(
        ("STAGE", "VERSION", "TRAFFIC", "SINCE", "BY", "SOURCE"),
        [
            (
                d.stage,
                d.version,
                None if d.traffic is None else f"{d.traffic:.0%}",
                f"{d.at:%Y-%m-%d %H:%M:%SZ}",
                d.by,
                d.source,
            )
            for d in rows
        ],
        empty="nothing is known to have been live",
    )
