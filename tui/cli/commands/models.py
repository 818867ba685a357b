"""``midwatch models``: what is registered."""

from __future__ import annotations

import click

from storage.tables import models
from tui.cli import output
from tui.cli.options import reading, shared


@click.command("models")
@shared
def command(store: str | None, as_json: bool) -> None:
    """List the registered models."""
    with reading(store) as session:
        rows = models.list_all(session.db)
    if as_json:
        output.document(
            [
                {
                    "name": m.name,
                    "task": m.file.task,
                    "owner": m.file.owner,
                    "production": m.file.production,
                    "primary_metric": m.file.primary_metric.name if m.file.primary_metric else None,
                    "path": m.path,
                    "sha256": m.sha256,
                }
                for m in rows
            ]
        )
        return
    output.table(
        ("MODEL", "TASK", "OWNER", "PRODUCTION", "PRIMARY", "FILE"),
        [
            (
                m.name,
                m.file.task,
                m.file.owner,
                "yes" if m.file.production else "no",
                m.file.primary_metric.name if m.file.primary_metric else None,
                m.path,
            )
            for m in rows
        ],
        empty="no models yet: midwatch init MODEL.toml",
    )
