"""``midwatch init M.toml``: register a model, or a new state of its model file."""

from __future__ import annotations

from pathlib import Path

import click

from core.registration import register
from storage import model_file
from tui.cli import diagnostics, output
from tui.cli.options import shared, writing


@click.command("init")
@click.argument("model_files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--reviewed-by", help="Who reviewed the new state; without it the change is marked as not reviewed.")
@shared
def command(model_files: tuple[Path, ...], reviewed_by: str | None, store: str | None, as_json: bool) -> None:
    """Register each MODEL.toml, or a new state of it; the keys that differ go into the change feed."""
    read = [(path, *model_file.read(path)) for path in model_files]  # all are checked before one is recorded
    with writing(store, create=True) as session:
        answers = []
        for path, parsed, text, sha256 in read:
            changed = register(
                session.db,
                parsed.name,
                path=str(path.absolute()),
                text=text,
                sha256=sha256,
                reviewed_by=reviewed_by,
                actor=session.actor,
                now=session.now,
            )
            answers.append({"model": parsed.name, "changed": changed, "sha256": sha256})
            diagnostics.note(f"{parsed.name}: {'registered' if changed else 'unchanged'}")
    if as_json:
        output.document(answers)
