"""``midwatch slices FILE|MODEL``: where a model fails, and the rows there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from tui.cli import diagnostics, output
from tui.cli.error_buckets import print_buckets
from tui.cli.numbers import cell, interval_text, number

if TYPE_CHECKING:
    import sqlite3
    from datetime import datetime

    from core.slices.page import SlicePage, SliceRows
    from core.slices.request import SliceRequest

ROWS = 20


@click.command("slices")
@click.argument("source", metavar="FILE|MODEL")
@click.option("--like", multiple=True, metavar="REF", help="Files that FILE is compared with; may be repeated.")
@click.option("--batch", type=click.IntRange(1, 2**63 - 1), metavar="ID", help="This batch of MODEL, not its newest.")
@click.option("--window", metavar="START..END", help="Rows scored in this span: two moments, or 6h..now.")
@click.option("--version", "version_", metavar="V", help="Rows of this version against the others (or --against).")
@click.option("--stage", metavar="S", help="Rows of this stage against the others (or --against).")
@click.option("--host", metavar="H", help="Rows of this host against the others (or --against).")
@click.option("--against", metavar="X", help="The version, stage or host on the other side.")
@click.option("--label", metavar="C", help="The column of labels; guessed from its name without a model file.")
@click.option("--prediction", metavar="C", help="The column of predictions; guessed likewise.")
@click.option("--signal", metavar="S", help="error, loss, disagreement, shift, missing, latency or value[:METRIC].")
@click.option("--absolute", is_flag=True, help="Rank by how bad it is, not by how it changed.")
@click.option("--top", type=click.IntRange(1, 1000), default=10, show_default=True, metavar="K", help="Slices told.")
@click.option("--depth", type=click.IntRange(1, 6), default=3, show_default=True, metavar="D", help="Most predicates.")
@click.option("--min-support", type=float, default=0.01, show_default=True, metavar="F", help="Least share of rows.")
@click.option("--where", multiple=True, metavar="TEXT", help="Only these rows, as in 'origin = JFK and hour > 17'.")
@click.option("--include", multiple=True, metavar="C", help="Search this column although it would be left out.")
@click.option("--exclude", multiple=True, metavar="C", help="Do not search this column.")
@click.option("--buckets", is_flag=True, help="No search: the errors by kind; with --split, by kind and value.")
@click.option("--bucket", metavar="KIND", help="Only errors of this kind, as --buckets names it.")
@click.option("--split", metavar="COLUMN", help="No search: the rows per value of a column.")
@click.option(
    "--compare", type=click.Choice(["windows", "versions", "stages", "hosts"]), help="No search: these sides."
)
@click.option(
    "--rows", is_flag=False, flag_value=ROWS, type=click.IntRange(1, 1000), metavar="[N]",
    help="No search: the first N rows of --where, worst first (20).",
)  # fmt: skip
@click.option("--sql", "as_sql", is_flag=True, help="Print each slice as an SQL condition.")
@click.option("--pandas", "as_pandas", is_flag=True, help="Print each slice as pandas.")
@click.option("--store", metavar="PATH", help="The store; else $MIDWATCH_STORE, else the user's own.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
@click.pass_context
def command(ctx: click.Context, /, source: str, store: str | None, **given: Any) -> int:
    """Find the slices in which a model got worse: exit code 1 when one stands out against the reference.

    FILE (a directory, a pattern) is compared with --like, the newest batch of a registered MODEL with its baseline.
    Without a reference, and with --absolute, the worst slices are told and the exit code is 0; it is 2 when nothing
    could be searched, with the reason.
    """
    from storage.clock import utc_now
    from tui.cli.options import reading
    from tui.cli.sources import is_file

    if is_file(source):
        return _run(None, _request(source, given, None, utc_now()), utc_now(), given)
    with reading(store or ctx.find_root().params.get("store")) as session:
        return _run(session.db, _request(source, given, session.db, session.now), session.now, given)


def _request(source: str, given: dict[str, Any], db: sqlite3.Connection | None, now: datetime) -> SliceRequest:
    """The call as a request; conditions are read once the columns are known."""
    from core.slices.request import SIGNALS, SliceRequest
    from storage.errors import UsageError
    from tui.typed_moments import span

    signal, _, metric = (given["signal"] or "").partition(":")
    chosen = next((known for known in SIGNALS if known == signal), None)
    if signal and chosen is None:
        raise UsageError(f"there is no signal {signal!r}", f"one of {', '.join(SIGNALS)}")
    request = SliceRequest(
        files=(source,) if db is None else (),
        model=None if db is None else source,
        like=given["like"],
        batch=given["batch"],
        window=span(given["window"], now) if given["window"] else None,
        version=given["version_"],
        stage=given["stage"],
        host=given["host"],
        against=given["against"],
        label=given["label"],
        prediction=given["prediction"],
        signal=chosen or ("error" if given["bucket"] else None),
        metric=metric or None,
        ranking="absolute" if given["absolute"] else "change",
        k=given["top"],
        depth=given["depth"],
        support=given["min_support"],
        include=given["include"],
        exclude=given["exclude"],
        bucket=given["bucket"],
    )
    if not given["where"]:
        return request
    from core.slices.conditions import read_where

    return request.within(*read_where(db, request, " and ".join(given["where"]), now=now))


def _run(db: sqlite3.Connection | None, request: SliceRequest, now: datetime, given: dict[str, Any]) -> int:
    from storage.errors import UsageError

    asked = [option for option in ("split", "compare", "rows") if given[option]]
    if given["buckets"] and given["split"]:
        asked.remove("split")
    asked += ["buckets"] * given["buckets"]
    if len(asked) > 1:
        raise UsageError(f"--{asked[0]} and --{asked[1]} are two questions", "ask one after the other")
    if given["buckets"]:
        return print_buckets(db, request, by=given["split"], now=now, as_json=given["as_json"])
    if given["split"]:
        return _split(db, request, now, given)
    if given["compare"]:
        return _compare(db, request, now, given)
    if given["rows"]:
        return _rows(db, request, now, given)
    from core.slices.search import search

    page = search(db, request, now=now)
    if given["as_json"]:
        output.document(document(page))
    elif given["as_sql"] or given["as_pandas"]:
        for line in page.slices:
            output.text(line.sql if given["as_sql"] else line.pandas)
        for note in page.notes:
            diagnostics.note(note)
        if not page.slices:
            diagnostics.note(page.verdict)
    else:
        _print(page)
    if page.not_answered is not None:
        return 2
    return 1 if page.stands_out and page.ranking == "change" else 0


def document(page: SlicePage) -> dict[str, Any]:
    """The page as scripts read it."""
    return {
        "signal": page.signal,
        "unit": page.unit,
        "why_this_signal": page.why_this_signal,
        "ranking": page.ranking,
        "current": page.current,
        "reference": page.reference,
        "rows": page.rows,
        "reference_rows": page.reference_rows,
        "rows_without_signal": page.left_out_rows,
        "overall": page.overall,
        "reference_overall": page.reference_overall,
        "stands_out": page.stands_out,
        "verdict": page.verdict,
        "not_answered": page.not_answered,
        "candidates": page.candidates,
        "least_rows": page.least_rows[0] if page.least_rows else None,
        "least_reference_rows": page.least_rows[1] if page.least_rows else None,
        "least_effect": page.least_effect if page.least_rows else None,
        "slope": page.slope,
        "slices": [line.document() for line in page.slices],
        "columns": page.columns,
        "left_out": [{"column": column, "why": why} for column, why in page.left_out],
        "notes": page.notes,
    }


def _print(page: SlicePage) -> None:
    against = f" against {page.reference}" if page.reference else ""
    output.text(f"{page.current}{against}")
    for note in page.notes:
        output.text(note)
    if page.signal:
        output.text(f"measured: {page.signal} ({page.unit}): {page.why_this_signal}")
    if page.left_out_rows:
        output.text(f"{page.left_out_rows:,} rows have no {page.signal}")
    output.text("")
    if page.slices:
        rows = [
            (
                place,
                line.words,
                f"{line.rows:,}",
                f"{line.share:.1%}",
                number(line.error),
                number(line.reference_error),
                number(line.expected),
                f"{line.effect:+.3g} [{line.interval[0]:+.3g} {line.interval[1]:+.3g}]",
                f"{line.q_value:.2g}",
                "-" if line.explained is None else f"{line.explained:.0%}",
                "not known" if line.users is None else f"{line.users:,}",
                "not known" if line.money is None else f"{line.money:,.2f}",
            )
            for place, line in enumerate(page.slices, 1)
        ]
        header = (
            "#", "SLICE", "ROWS", "SHARE", "HERE", "REFERENCE", "EXPECTED", "EFFECT", "Q", "EXPLAINS", "USERS",
            "MONEY LOST",
        )  # fmt: skip
        output.table(header, rows)
        output.text("")
    output.text(page.verdict)
    if page.overall is not None:
        then = f", {number(page.reference_overall)} in the reference" if page.reference_overall is not None else ""
        output.text(f"over all {page.rows:,} rows: {number(page.overall)}{then}")
    if page.limits is not None:
        output.text(page.limits)
    if page.left_out:
        output.text("not searched: " + "; ".join(f"{column}: {why}" for column, why in page.left_out))


def _split(db: sqlite3.Connection | None, request: SliceRequest, now: datetime, given: dict[str, Any]) -> int:
    from core.slices.split import split

    found = split(db, request, by=given["split"], now=now)
    if given["as_json"]:
        output.document(found)
        return 0
    _noted(found.notes, found.signal, found.unit)
    rows = [
        (
            line.words,
            f"{line.rows:,}",
            f"{line.share:.1%}",
            "-" if line.reference_share is None else f"{line.reference_share:.1%}",
            number(line.error),
            interval_text(line.interval),
            number(line.reference_error),
        )
        for line in found.lines
    ]
    output.table(("VALUE", "ROWS", "SHARE", "THEN", "HERE", "INTERVAL", "REFERENCE"), rows, empty="no rows")
    return 0


def _compare(db: sqlite3.Connection | None, request: SliceRequest, now: datetime, given: dict[str, Any]) -> int:
    from core.slices.compare import compare

    found = compare(db, request, sides=given["compare"], now=now)
    if given["as_json"]:
        output.document(found)
        return 0
    _noted(found.notes, found.signal, found.unit)
    output.text(found.where)
    rows = [
        (line.name, f"{line.rows:,}", number(line.error), interval_text(line.interval), number(line.difference))
        for line in found.lines
    ]
    output.table((given["compare"].upper(), "ROWS", "HERE", "INTERVAL", "TO THE OTHERS"), rows, empty="no rows")
    for sample in found.samples:
        output.text(sample.verdict)
    return 0


def _rows(db: sqlite3.Connection | None, request: SliceRequest, now: datetime, given: dict[str, Any]) -> int:
    from core.slices.rows import rows

    found = rows(db, request, now=now, limit=given["rows"])
    if given["as_json"]:
        output.document(rows_document(found))
        return 0
    output.text(f"{found.total:,} row{'s' if found.total != 1 else ''} where {request.told}")
    cells = [
        (f"{row.path}:{row.line}", number(signal), *(cell(row.values[column]) for column in found.columns))
        for row, signal in zip(found.rows, found.signals, strict=True)
    ]
    output.table(("FILE:LINE", "SIGNAL", *found.columns), cells, empty="no rows")
    return 0


def rows_document(found: SliceRows) -> dict[str, Any]:
    """Rows as scripts read them."""
    return {
        "total": found.total,
        "rows": [
            {"path": row.path, "line": row.line, "signal": signal, "values": row.values}
            for row, signal in zip(found.rows, found.signals, strict=True)
        ],
    }


def _noted(notes: tuple[str, ...], signal: str, unit: str) -> None:
    for note in notes:
        output.text(note)
    if signal:
        output.text(f"measured: {signal} ({unit})")
