"""``midwatch demo``: a seeded store with three models in trouble, then the screen."""

from __future__ import annotations

import os
from pathlib import Path

import click

from storage.clock import utc_now
from storage.errors import UsageError
from tui.cli import diagnostics, output
from tui.cli.options import shared


@click.command("demo")
@click.option("--no-tui", is_flag=True, help="Only seed the store.")
@shared
def command(no_tui: bool, store: str | None, as_json: bool) -> None:
    """Seed a new store with sample data and open the screen on it; your own store is not touched.

    Without --store the new store lies in a directory of its own under the state directory.
    """
    from tui.demo import fresh_directory, seed

    if store and Path(store).exists():
        raise UsageError(f"{store} exists already", "the demo seeds a new store: name a file that is not there yet")
    now = utc_now()
    state = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "midwatch" / "demo"
    directory = fresh_directory(state, now)
    path = Path(store) if store else directory / "midwatch.db"
    scenario = seed(path, directory, now, diagnostics.note, wait=no_tui)
    os.environ["MIDWATCH_ROTATION"] = str(scenario.rotation_file)
    told = {"store": str(path), "directory": str(directory), "models": [m.name for m in scenario.models]}
    if as_json:
        output.document(told)
    else:
        diagnostics.note(f"store {path}\nlogs, model files and pointer files in {directory}")
    if not no_tui:
        from tui.launch import launch

        click.get_current_context().exit(launch(str(path)))
