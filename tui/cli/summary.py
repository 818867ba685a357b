"""What Home shows, as lines on stdout: for TERM=dumb, a pipe, or ``midwatch --json``."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from core.home import Health, ModelLine, health, lines
from tui.cli import output
from tui.cli.options import reading
from tui.present.home import last_batch, no_data, objective

EMPTY = "no models yet: midwatch init MODEL.toml"


def show(store: str | None, *, as_json: bool) -> int:
    """Print one line a model, those in trouble first; 1 when a page is open, else 0.

    Raises:
        StoreError: there is no store, or it can't be read.
    """
    with reading(store) as session:
        found = [(line, health(session.db, line.model, session.now)) for line in lines(session.db, session.now)]
        now = session.now
    if as_json:
        output.document([_document(line, state) for line, state in found])
    else:
        header = ("MODEL", "LIVE", "OBJECTIVE", "LAST BATCH", "PAGES", "TICKETS")
        output.table(header, [_row(line, state, now) for line, state in found], empty=EMPTY)
    return int(any(line.firing.get("page", 0) for line, _ in found))


def _row(line: ModelLine, state: Health, now: datetime) -> tuple[object, ...]:
    live = f"{line.live[0]} in {line.live[1]}" if line.live else "-"
    pages, tickets = line.firing.get("page", 0), line.firing.get("ticket", 0)
    return (
        line.model.name,
        live,
        no_data(state) if line.silent else objective(state),
        last_batch(line, now),
        pages,
        tickets,
    )


def _document(line: ModelLine, state: Health) -> dict[str, Any]:
    newest = line.newest
    return {
        "model": line.model.name,
        "live": None if line.live is None else {"version": line.live[0], "stage": line.live[1]},
        "objective": state.objective,
        "last_batch": None if newest is None else (newest.window_end or newest.arrived_at),
        "silent": line.silent,
        "status": line.status,
        "firing": line.firing,
        "not_monitored": line.gaps,
    }
