"""``midwatch versions MODEL``: versions with their five hashes; ``versions add`` registers one."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Literal

import click

from core import versions
from core.version_overview import overview
from storage.clock import from_text
from storage.errors import UsageError
from storage.tables import models
from tui.cli import diagnostics, output
from tui.cli.options import ListByDefault, reading, shared, writing

PART = click.Path(path_type=Path)


@click.group("versions", cls=ListByDefault)
def command() -> None:
    """List the versions of a model (versions MODEL), or add one."""


@command.command("list")
@click.argument("model")
@shared
def list_versions(model: str, store: str | None, as_json: bool) -> None:
    """Every version: what is missing, where it is live, whether the fallback is ready."""
    with reading(store) as session:
        rows = overview(session.db, models.get(session.db, model), session.now)
    if as_json:
        output.document(
            [
                {
                    "version": row.version,
                    "registered": row.registered is not None,
                    "role": row.registered.role if row.registered else None,
                    "missing": row.missing,
                    "hashes": row.registered.hashes if row.registered else None,
                    "seed": row.registered.seed if row.registered else None,
                    "live": [{"stage": stage, "traffic": traffic} for stage, traffic in row.live],
                    "first_live": row.first_live,
                    "last_live": row.last_live,
                    "fallback": row.fallback,
                }
                for row in rows
            ]
        )
        return
    output.table(
        ("VERSION", "ROLE", "PARTS", "LIVE IN", "LAST ENTERED", "FALLBACK"),
        [
            (
                row.version,
                row.registered.role if row.registered else "unregistered",
                f"missing: {', '.join(row.missing)}" if row.missing else "complete",
                ", ".join(stage for stage, _ in row.live) or None,
                f"{row.last_live:%Y-%m-%d %H:%MZ}" if row.last_live else None,
                f"{row.fallback.light}: {row.fallback.reasons[0]}" if row.fallback else None,
            )
            for row in rows
        ],
        empty=f"no versions yet: midwatch versions add {model} V --artifact PATH ...",
    )


@command.command("add")
@click.argument("model")
@click.argument("version")
@click.option("--artifact", type=PART, help="The model itself: a file or directory.")
@click.option("--data", type=PART, help="What it was trained on.")
@click.option("--config", type=PART, help="Its configuration.")
@click.option("--code", help="A commit id, or the path of a source tree.")
@click.option("--environment", type=PART, help="A lock file, or what pip freeze printed.")
@click.option("--seed", help="The seed of its training.")
@click.option("--schema", type=PART, help='The columns it takes: a JSON file, {"column": "kind", ...}.')
@click.option(
    "--role",
    type=click.Choice(["normal", "fallback"]),
    default="normal",
    show_default=True,
    help="What it is kept for.",
)
@click.option("--note", help="Words of your own.")
@click.option("--trained-at", metavar="T", help="ISO 8601.")
@shared
def add(
    model: str,
    version: str,
    artifact: Path | None,
    data: Path | None,
    config: Path | None,
    code: str | None,
    environment: Path | None,
    seed: str | None,
    schema: Path | None,
    role: Literal["normal", "fallback"],
    note: str | None,
    trained_at: str | None,
    store: str | None,
    as_json: bool,
) -> None:
    """Hash the parts of a VERSION and register it; it never changes afterwards."""
    sources = versions.Sources(artifact, data, config, code, environment, seed, schema)
    trained = moment(trained_at)
    with writing(store) as session:
        added = versions.add(
            session.db, models.get(session.db, model), version, sources,
            role=role, note=note, trained_at=trained, actor=session.actor, now=session.now,
        )  # fmt: skip
    missing = added.version.missing
    if as_json:
        output.document(
            {
                "version": version,
                "changed": added.changed,
                "hashes": added.version.hashes,
                "seed": added.version.seed,
                "missing": missing,
            }
        )
    diagnostics.note(f"{model} {version}: {'registered' if added.changed else 'unchanged'}")
    if missing:
        diagnostics.note(f"  missing: {', '.join(missing)}")
    if "code" in missing and added.version.code_ref:
        diagnostics.note(f"  code {added.version.code_ref!r} is neither a commit id nor a path: a name can move")


def moment(text: str | None) -> datetime | None:
    """A moment from the command line; without an offset it is UTC.

    Raises:
        UsageError: it is none.
    """
    if text is None:
        return None
    try:
        return from_text(text)
    except (ValueError, OverflowError) as error:
        raise UsageError(f"{text!r} is no moment", "write it as 2026-11-23T03:01Z") from error
