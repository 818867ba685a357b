"""``midwatch alerts escalated``: pages that nobody answers, and who is called next; for a person or a cron job."""

from __future__ import annotations

import click

from core.escalation import escalate, escalated, sentence, told_of_all
from storage.db import store_path
from storage.file_system import why_unwritable
from tui.cli import diagnostics, output
from tui.cli.options import reading, shared, writing


@click.command("escalated")
@shared
def command(store: str | None, as_json: bool) -> None:
    """Pass on pages that nobody has answered in time, and list them; exit 1 when there are any."""
    path = store_path(store)
    refused = why_unwritable(path) if path.exists() else ""
    if refused:
        diagnostics.note(f"midwatch: {refused}: nothing is passed on now")
    with reading(store) if refused else writing(store) as session:
        fresh = [] if refused else escalate(session.db, session.now)
        found, now = escalated(session.db, session.now), session.now
        if not told_of_all(session.db):
            diagnostics.note("midwatch: more pages are open than are looked at: the oldest are left out")
    if as_json:
        output.document(
            [
                {
                    "alert": one.alert.id,
                    "model": one.alert.model,
                    "title": one.alert.title,
                    "since": one.since,
                    "called": [{"who": call.called, "at": call.at} for call in one.calls],
                    "now": any(call in fresh for call in one.calls),
                    "next_at": one.next_at,
                    "next_to": one.next_to if one.next_at else None,
                }
                for one in found
            ]
        )
    else:
        for one in found:
            again = f"; next {one.next_to or 'nobody'} at {one.next_at:%H:%MZ}" if one.next_at else ""
            output.text(f"{sentence(one, now)}: {one.alert.title}{again}")
        if not found:
            output.text("no page was passed on that still waits for an answer")
    click.get_current_context().exit(int(bool(found)))
