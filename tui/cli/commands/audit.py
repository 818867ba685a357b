"""``midwatch audit verify|list``: the hash chain of who did what."""

from __future__ import annotations

import click

from storage.tables import audit
from tui.cli import output
from tui.cli.options import reading, shared


@click.group("audit")
def command() -> None:
    """Verify or list the audit log."""


@command.command("verify")
@shared
def verify(store: str | None, as_json: bool) -> None:
    """Walk the chain; exit 1 when an entry was changed."""
    with reading(store) as session:
        verdict = audit.verify(session.db)
    if as_json:
        output.document(verdict)
    elif verdict.broken_at is None:
        output.text(f"{verdict.entries} entries, chain intact, head {verdict.head[:16]}")
    else:
        output.text(f"the chain breaks at entry {verdict.broken_at}: {verdict.reason}")
    click.get_current_context().exit(0 if verdict.broken_at is None else 1)


@command.command("list")
@click.option("--limit", help="Rows at most.", default=50, show_default=True, type=click.IntRange(1, 100_000))
@shared
def list_entries(limit: int, store: str | None, as_json: bool) -> None:
    """The latest entries, newest first."""
    with reading(store) as session:
        entries = list(audit.recent(session.db, limit))
    if as_json:
        output.document(entries)
        return
    output.table(
        ("AT", "WHO", "FROM", "ACTION", "OBJECT"),
        [
            (
                f"{e.at:%Y-%m-%d %H:%M:%SZ}",
                e.actor,
                e.ssh_client or e.tty or e.host,
                e.action,
                " ".join(filter(None, (e.object_kind, e.object_id))),
            )
            for e in entries
        ],
        empty="no entries yet",
    )
