"""``midwatch init M.toml``: register a model, or a new state of its model file."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING

import click

from core.registration import register
from storage import model_file
from storage.records.models import ModelFile
from storage.tables import models
from tui.cli import diagnostics, output
from tui.cli.options import shared, writing

if TYPE_CHECKING:
    from core.tuner.expected import Expectation


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
            expected = _expected(session.db, parsed)
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
            answers.append({"model": parsed.name, "changed": changed, "sha256": sha256, "expected": expected})
            diagnostics.note(f"{parsed.name}: {'registered' if changed else 'unchanged'}")
            if expected is not None:
                diagnostics.note(f"{parsed.name}: {expected.text(parsed.alerts.pages_per_week)}")
    if as_json:
        output.document(answers)


def _expected(db: sqlite3.Connection, parsed: ModelFile) -> Expectation | None:
    """What other checks than those in force would bring, from the stored history."""
    if models.file_in_force(db, parsed.name) is None:
        return None
    from core.tuner.expected import of_changed_file

    return of_changed_file(db, models.get(db, parsed.name), parsed)
