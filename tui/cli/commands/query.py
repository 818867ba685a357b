"""``midwatch query MODEL|FILE "SELECT ... FROM log"``: read-only SQL over the rows of a batch."""

from __future__ import annotations

import click

from tui.cli import diagnostics, output

CELL = 60


@click.command("query")
@click.argument("source", metavar="MODEL|FILE")
@click.argument("statement", metavar="SELECT")
@click.option("--batch", type=click.IntRange(1, 2**63 - 1), metavar="ID", help="This batch of MODEL, not its newest.")
@click.option("--window", metavar="START..END", help="Rows scored in this span: two moments, or 6h..now.")
@click.option("--limit", type=click.IntRange(1, 1_000_000), default=1000, show_default=True, help="Most rows.")
@click.option("--timeout", type=click.FloatRange(0.1, 3600), default=10.0, show_default=True, help="Most seconds.")
@click.option("--store", metavar="PATH", help="The store; else $MIDWATCH_STORE, else the user's own.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
@click.pass_context
def command(
    ctx: click.Context,
    source: str,
    statement: str,
    batch: int | None,
    window: str | None,
    limit: int,
    timeout: float,
    store: str | None,
    as_json: bool,
) -> None:
    """Run one SELECT over the relation `log`: the rows of a FILE, or of the newest batch of a registered MODEL.

    Redacted columns hold [redacted]; files, network and settings can't be reached.
    """
    from contextlib import ExitStack

    from core.query import query
    from core.slices.request import SliceRequest
    from storage.clock import utc_now
    from tui.cli.options import reading
    from tui.cli.sources import is_file
    from tui.typed_moments import span

    with ExitStack() as stack:
        of_file = is_file(source)
        db = None if of_file else stack.enter_context(reading(store or ctx.find_root().params.get("store"))).db
        now = utc_now()
        request = SliceRequest(
            files=(source,) if of_file else (),
            model=None if of_file else source,
            batch=batch,
            window=span(window, now) if window else None,
        )
        found = query(db, request, statement, now=now, limit=limit, seconds=timeout)
    for note in found.notes:
        diagnostics.note(note)
    if as_json:
        rows = [dict(zip(found.columns, row, strict=True)) for row in found.rows]
        answer = {"what": found.what, "columns": found.columns, "rows": rows, "truncated": found.truncated}
        output.document({**answer, "notes": found.notes})
        return
    output.table(found.columns, [[_cell(value) for value in row] for row in found.rows], empty="no rows")
    if found.truncated:
        diagnostics.note(f"only the first {limit:,} rows: --limit takes more")


def _cell(value: object) -> str | None:
    return None if value is None else f"{value:.6g}" if isinstance(value, float) else str(value)[:CELL]
