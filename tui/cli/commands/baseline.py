"""``midwatch baseline list|exclude|admit``: which batches later ones are compared with."""

from __future__ import annotations

from typing import Any

import click

from core.reference_period import decide
from storage.tables import batches, models
from tui.cli import diagnostics, output
from tui.cli.options import reading, shared, writing
from tui.typed_moments import ago


@click.group("baseline")
def command() -> None:
    """The batches that later ones are compared with; a period that is no measure can be left out."""


@command.command("list")
@click.argument("model")
@click.option("--limit", help="Rows at most.", default=60, show_default=True, type=click.IntRange(1, 100_000))
@shared
def list_baseline(model: str, limit: int, store: str | None, as_json: bool) -> None:
    """List the batches that are compared with, the latest last."""
    with reading(store) as session:
        found = batches.admitted(session.db, models.get(session.db, model).id, limit=limit)
    if as_json:
        output.document(found)
        return
    output.table(
        ("BATCH", "ROLE", "FROM", "TO", "ROWS", "PATH"),
        [(b.id, b.role, _moment(b.window_start), _moment(b.window_end), b.rows, b.path) for b in found],
        empty="nothing yet: midwatch ingest MODEL FILES --role reference",
    )


@command.command("exclude")
@click.argument("model")
@click.option("--since", required=True, help="Its start: a moment, or a duration such as 3d.")
@click.option("--until", help="Its end, now by default.")
@click.option("--reason", required=True, help="Why it is no measure; stands in the change feed.")
@shared
def exclude(model: str, store: str | None, as_json: bool, **said: str | None) -> None:
    """Leave a period out of the reference, and mark it in the change feed as external."""
    _decide(store, model, said, as_json=as_json, admit=False)


@command.command("admit")
@click.argument("model")
@click.option("--since", required=True, help="Its start: a moment, or a duration such as 3d.")
@click.option("--until", help="Its end, now by default.")
@click.option("--reason", required=True, help="Why it is a measure again.")
@shared
def admit(model: str, store: str | None, as_json: bool, **said: str | None) -> None:
    """Take a period into the reference, also what raised a page or a ticket."""
    _decide(store, model, said, as_json=as_json, admit=True)


def _decide(store: str | None, model: str, said: dict[str, str | None], *, as_json: bool, admit: bool) -> None:
    with writing(store) as session:
        start = ago(said["since"] or "", session.now)
        end = ago(said["until"], session.now) if said["until"] else session.now
        done = decide(
            session.db,
            models.get(session.db, model),
            start,
            end,
            admit=admit,
            reason=said["reason"] or "",
            actor=session.actor,
            now=session.now,
        )
    if as_json:
        document: dict[str, Any] = {"batches": [b.id for b in done.batches], "admitted": done.admitted}
        output.document(document)
        return
    word = "taken in" if admit else "left out"
    output.text(f"{len(done.batches)} batches {word}; {done.admitted} are compared with now")
    if not done.batches:
        diagnostics.note("no batch of that period stood on the other side")


def _moment(moment: Any) -> str | None:
    return None if moment is None else f"{moment:%Y-%m-%d %H:%MZ}"
