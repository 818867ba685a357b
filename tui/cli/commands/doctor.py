"""``midwatch doctor``: what may be wrong with the store, the host and the set-up."""

from __future__ import annotations

import os

import click

from core.doctor import examine
from storage.integrity import versions
from tui.cli import output
from tui.cli.options import reading, shared


@click.command("doctor")
@shared
def command(store: str | None, as_json: bool) -> None:
    """Look at store, audit chain, disk, models and terminal; exit 1 when something is red."""
    with reading(store) as session:
        found = examine(session.db, session.path, os.environ)
    if as_json:
        output.document({"diagnoses": found, "versions": versions()})
    else:
        output.table(("", "SUBJECT", "FOUND", "WHAT TO DO"), [(d.light, d.subject, d.found, d.remedy) for d in found])
        output.text("\n" + ", ".join(f"{name} {version}" for name, version in versions().items()))
    click.get_current_context().exit(int(any(d.light == "red" for d in found)))
