"""``midwatch diff MODEL A B``: which parts of two versions differ, key by key and package by package."""

from __future__ import annotations

import click

from core import versions
from storage.tables import models
from tui.cli import output
from tui.cli.options import reading, shared


@click.command("diff")
@click.argument("model")
@click.argument("before")
@click.argument("after")
@shared
def command(model: str, before: str, after: str, store: str | None, as_json: bool) -> None:
    """Compare two registered versions."""
    with reading(store) as session:
        found = versions.diff(session.db, models.get(session.db, model), before, after)
    if as_json:
        output.document(found)
        return
    output.table(("PART", "IS"), list(found.parts.items()))
    if found.parts["seed"] == "different":
        output.text(f"seed: {found.seed_before} -> {found.seed_after}")
    for title, changes in (("config", found.config), ("environment", found.packages)):
        if changes:
            output.text("")
            output.table(
                (title.upper(), before, after),
                [(c.key if hasattr(c, "key") else c.name, c.before, c.after) for c in changes],
            )
    if found.config_lines:
        output.text("\n".join(["", "CONFIG (neither TOML nor JSON: line by line)", *found.config_lines]))
