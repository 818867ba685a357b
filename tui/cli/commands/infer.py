"""``midwatch infer MODEL FILE``: checks proposed from a reference, to be edited and pasted into the model file."""

from __future__ import annotations

from pathlib import Path

import click

from tui.cli import diagnostics, output
from tui.cli.options import reading, shared


@click.command("infer")
@click.argument("model")
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@shared
def command(model: str, files: tuple[str, ...], store: str | None, as_json: bool) -> None:
    """Propose checks for MODEL (a registered name, or a model file) from the reference FILE..."""
    from core.infer import as_toml, infer_file
    from core.validate import roles_of
    from storage import model_file
    from storage.tables import models

    path = Path(model)
    if path.suffix == ".toml":
        parsed = model_file.read(path)[0]
    else:
        with reading(store) as session:
            parsed = models.get(session.db, model).file
    specs = infer_file(files, roles_of(parsed), parsed.columns.calendar)
    known = {(spec.check, spec.column) for spec in parsed.checks}
    fresh = [spec for spec in specs if (spec.check, spec.column) not in known]
    if as_json:
        output.document([{k: v for k, v in output.plain(spec).items() if v is not None} for spec in fresh])
        return
    if len(fresh) < len(specs):
        diagnostics.note(f"{len(specs) - len(fresh)} left out: the model file has them")
    output.text(as_toml(fresh))
