"""``midwatch kept list|add|retire``: slices that are kept with a name and watched on every batch."""

from __future__ import annotations

from typing import Any, cast

import click

from core.kept import slices as kept_slices
from storage.logs.predicates import words
from storage.records.kept_slices import KINDS, SliceKind
from storage.tables import models
from tui.cli import diagnostics, output
from tui.cli.conditions import batch_of, condition
from tui.cli.options import ListByDefault, reading, shared, writing


@click.group("kept", cls=ListByDefault)
def command() -> None:
    """Slices kept with a name (kept MODEL lists them); each is watched on every batch against its own past."""


@command.command("list")
@click.argument("model")
@click.option("--retired", is_flag=True, help="Those that are watched no more, too.")
@shared
def list_kept(model: str, retired: bool, store: str | None, as_json: bool) -> None:
    """List the kept slices of MODEL with what they read last, critical ones first."""
    with reading(store) as session:
        lines = kept_slices.listing(session.db, models.get(session.db, model), retired=retired)
    if as_json:
        output.document({"kept": [document(line) for line in lines]})
        return
    output.table(
        ("NAME", "KIND", "WHERE", "OF BATCH", "ROWS", "SHARE", "METRIC", "INTERVAL", "FLOOR", "BATCHES", "KEPT BY"),
        [
            (
                line.slice.name + (" (retired)" if line.slice.retired_at else ""),
                line.slice.kind,
                words(line.slice.predicates),
                line.rows.batch_id if line.rows else None,
                f"{line.rows.reading.rows:,}" if line.rows else None,
                f"{line.rows.reading.share:.1%}" if line.rows else None,
                f"{line.metric.reading.metric} {line.metric.reading.value:.4g}" if line.metric else None,
                _interval(line.metric.reading.low, line.metric.reading.high) if line.metric else None,
                f"{line.slice.floor:g}" if line.slice.floor is not None else None,
                line.readings,
                line.slice.by,
            )
            for line in lines
        ],
        empty=f"no slice is kept: midwatch kept add {model} NAME 'column = value'",
    )


@command.command("add")
@click.argument("model")
@click.argument("name")
@click.argument("where")
@click.option("--kind", type=click.Choice(KINDS), default="user", show_default=True, help="critical alarms louder.")
@click.option("--floor", type=float, help="Of the primary metric: worse than this is told whatever the past was.")
@click.option("--note", help="Why it matters.")
@click.option(
    "--look-back",
    type=click.IntRange(0, 60),
    default=kept_slices.LOOK_BACK,
    show_default=True,
    help="Accepted batches read now, so that it has a past.",
)
@shared
def add(
    model: str,
    name: str,
    where: str,
    kind: str,
    floor: float | None,
    note: str | None,
    look_back: int,
    store: str | None,
    as_json: bool,
) -> None:
    """Keep the slice WHERE of MODEL under NAME, as in: kept add churn jfk "origin = JFK and hour > 17"."""
    with writing(store) as session:
        found = models.get(session.db, model)
        predicates = condition(where, batch_of(session.db, found), found)
        kept = kept_slices.keep(
            session.db, found, name, predicates, kind=cast("SliceKind", kind), floor=floor, note=note,
            look_back=look_back, actor=session.actor, now=session.now,
        )  # fmt: skip
    for failure in kept.failures:
        diagnostics.note(f"midwatch: not read: {failure}")
    if as_json:
        output.document({**_slice(kept.slice), "read": kept.read, "failures": kept.failures})
    else:
        output.text(f"{kept.slice.name} is kept: {words(predicates)}; read in {kept.read} batches of the past")


@command.command("retire")
@click.argument("model")
@click.argument("name")
@click.option("--reason", help="Why it is watched no more.")
@shared
def retire(model: str, name: str, reason: str | None, store: str | None, as_json: bool) -> None:
    """Watch the slice NAME of MODEL no more; what it read stays."""
    with writing(store) as session:
        found = models.get(session.db, model)
        kept = kept_slices.retire(session.db, found, name, reason=reason, actor=session.actor, now=session.now)
    output.document({"retired": kept.name}) if as_json else output.text(f"{kept.name} is watched no more")


def document(line: kept_slices.SliceStatus) -> dict[str, Any]:
    """A kept slice as scripts read it."""
    rows, metric = line.rows, line.metric
    return {
        **_slice(line.slice),
        "batches": line.readings,
        "batch": rows.batch_id if rows else None,
        "rows": rows.reading.rows if rows else None,
        "support": rows.reading.share if rows else None,
        "metric": None
        if metric is None
        else {
            "name": metric.reading.metric,
            "batch": metric.batch_id,
            "value": metric.reading.value,
            "interval": [metric.reading.low, metric.reading.high],
            "labelled": metric.labelled,
        },
    }


def _slice(kept: Any) -> dict[str, Any]:
    return {
        "name": kept.name,
        "kind": kept.kind,
        "predicates": [p.document() for p in kept.predicates],
        "words": words(kept.predicates),
        "floor": kept.floor,
        "note": kept.note,
        "by": kept.by,
        "at": kept.at,
        "retired_at": kept.retired_at,
    }


def _interval(low: float | None, high: float | None) -> str | None:
    return None if low is None or high is None else f"{low:.4g} to {high:.4g}"
