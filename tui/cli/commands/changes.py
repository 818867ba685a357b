"""``midwatch changes list|show|git|add``: the change feed."""

from __future__ import annotations

import sys
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import click

from core.changes import deployed as deployed_changes
from core.changes import feed
from storage.records.changes import LAYERS, Change, ChangeFilter, ChangeSort, Layer
from storage.tables import changes, models
from tui.cli import diagnostics, output
from tui.cli.options import DefaultGroup, reading, shared, writing
from tui.present.changes import detail, size
from tui.typed_moments import ago

FUTURE = timedelta(days=1)
"""A change that lies further ahead than clocks and time zones differ is noted."""


@click.group("changes", cls=DefaultGroup)
def command() -> None:
    """The change feed: everything that was altered, deployments and rollbacks included. Without a subcommand: list."""


@command.command("list")
@click.option("--model", help="Changes of this model and those that concern every model.")
@click.option("--layer", type=click.Choice(LAYERS), help="Only this layer.")
@click.option("--since", help="A moment, or a duration such as 2h.")
@click.option("--until", help="A moment, or a duration such as 2h.")
@click.option("--text", help="Only lines that hold this text.")
@click.option("--unreviewed", is_flag=True, help="Only those that nobody is named to have reviewed.")
@click.option(
    "--sort",
    help="What it is sorted by.",
    default="at",
    show_default=True,
    type=click.Choice(["at", "layer", "kind", "subject", "model", "size"]),
)
@click.option("--limit", help="Rows at most.", default=50, show_default=True, type=click.IntRange(1, 100_000))
@click.option("--offset", help="Rows to pass over.", default=0, type=click.IntRange(0))
@shared
def list_changes(
    store: str | None = None,
    as_json: bool = False,
    model: str | None = None,
    layer: str | None = None,
    since: str | None = None,
    until: str | None = None,
    text: str | None = None,
    unreviewed: bool = False,
    sort: str = "at",
    limit: int = 50,
    offset: int = 0,
) -> None:
    """List changes, the latest first."""
    with reading(store) as session:
        where = ChangeFilter(
            model_id=models.get(session.db, model).id if model else None,
            layer=cast("Layer | None", layer),
            since=ago(since, session.now) if since else None,
            until=ago(until, session.now) if until else None,
            text=text,
            unreviewed=unreviewed,
        )
        rows = changes.feed(
            session.db,
            offset=offset,
            limit=limit,
            sort=cast("ChangeSort", sort),
            descending=sort in ("at", "size"),
            where=where,
        )
        total = changes.count(session.db, where)
    if as_json:
        output.document({"total": total, "changes": [_document(c) for c in rows]})
        return
    output.table(
        ("AT", "LAYER", "KIND", "SUBJECT", "MODEL", "BEFORE -> AFTER", "SIZE", "BY", "REVIEW", "ROW"),
        [
            (
                f"{c.at:%Y-%m-%d %H:%M:%SZ}",
                c.layer,
                c.kind,
                c.subject,
                c.model or "all",
                "-" if c.before is None and c.after is None else f"{c.before or '-'} -> {c.after or '-'}",
                size(c),
                c.by,
                "none" if c.unreviewed else (c.reviewed_by or "-"),
                c.reference,
            )
            for c in rows
        ],
        empty="no changes",
    )
    if offset + len(rows) < total:
        diagnostics.note(f"{len(rows)} of {total}; the next: --offset {offset + len(rows)}")


@command.command("show")
@click.argument("change_id", metavar="ID")
@shared
def show_change(change_id: str, store: str | None, as_json: bool) -> None:
    """Show one change: ID is its number, or its row as in deployments:9 or rollbacks:1."""
    with reading(store) as session:
        change = feed.find(session.db, change_id)
        found = deployed_changes.details(session.db, change)
        related = changes.related(session.db, change)
    if as_json:
        output.document({**_document(change), "details": found, "related": related})
        return
    page = detail(change, lambda moment: f"{moment:%Y-%m-%d %H:%M:%SZ}", found, related)
    output.text(page.plain.rstrip("\n"))


@command.command("git")
@click.argument("directory", type=click.Path(path_type=Path))
@click.option("--model", help="The model it concerns; without it, every model.")
@click.option("--layer", type=click.Choice(LAYERS), default="component", show_default=True, help="Its layer.")
@click.option("--since", help="Only what came into the branch since: a moment, or a duration such as 30d.")
@click.option("--path", help="Only commits that altered this file or directory below DIRECTORY.")
@click.option("--limit", help="Commits at most.", default=1000, show_default=True, type=click.IntRange(1, 100_000))
@shared
def git_changes(
    directory: Path,
    model: str | None,
    layer: str,
    since: str | None,
    path: str | None,
    limit: int,
    store: str | None,
    as_json: bool,
) -> None:
    """Take in the git log of a directory: subject, author, lines altered, reviewer, hashes before and after.

    Reviewers are named by the trailers Reviewed-by, Acked-by and Approved-by, else by whoever merged it; never by its
    author. Nothing that the repository names is run.
    """
    from core.changes.git import take

    with writing(store) as session:
        taken = take(
            session.db,
            directory,
            model=models.get(session.db, model) if model else None,
            layer=cast("Layer", layer),
            since=ago(since, session.now) if since else None,
            path=path,
            limit=limit,
            actor=session.actor,
            now=session.now,
        )
    if taken.cut:
        diagnostics.note(f"stopped at {limit} commits; the rest: --limit, or --since")
    if as_json:
        output.document(taken)
    else:
        output.text(f"{taken.added} added, {taken.known} known already, of {taken.read} commits")


@command.command("add")
@click.option("--layer", type=click.Choice(LAYERS), help="Where it was altered.")
@click.option("--kind", help="What sort of change: deploy, config, schema, flag, ...")
@click.option("--subject", help="What was altered.")
@click.option("--model", help="The model it concerns; without it, every model.")
@click.option("--at", help="When; now by default. A moment, or a duration such as 2h.")
@click.option("--by", help="Who did it; you by default.")
@click.option("--size", type=click.IntRange(0), help="How much: lines, rows, files.")
@click.option("--reviewed-by", help="Who reviewed it; without it the change is marked as not reviewed.")
@click.option("--before", help="The value before.")
@click.option("--after", help="The value after.")
@click.option("--source", help="Where it is known from; 'manual' by default, 'stdin' for lines.")
@click.option("--source-ref", help="Its name there: the same source and name are recorded once.")
@shared
def add_changes(store: str | None, as_json: bool, **options: Any) -> None:
    """Record one change from options, or one a line from JSON lines on standard input.

    Without options standard input is read: one JSON object a line with layer, kind, subject and at, and where known
    model, by, size, reviewed_by, before, after, source and source_ref. Good lines are kept; bad ones are reported by
    number, and the exit code is 2.
    """
    given = {key: value for key, value in options.items() if value is not None}
    source = given.pop("source", None)
    if not given:
        if sys.stdin.isatty():
            raise click.UsageError("name --layer, --kind and --subject, or feed JSON lines on standard input")
        with writing(store) as session:
            lines = (raw.decode("utf-8", "surrogateescape") for raw in sys.stdin.buffer)
            taken = feed.add_lines(session.db, lines, source=source or "stdin", actor=session.actor, now=session.now)
        for number, what in taken.bad:
            diagnostics.note(f"line {number}: {what}")
        if as_json:
            output.document(taken)
        else:
            output.text(f"{taken.added} added, {taken.known} known already, {len(taken.bad)} bad")
        click.get_current_context().exit(2 if taken.bad else 0)
    with writing(store) as session:
        fields = {
            **given,
            "at": ago(given["at"], session.now) if "at" in given else None,
            "by": given.get("by", session.actor.name),
        }
        added = feed.add(session.db, fields, source=source or "manual", actor=session.actor, now=session.now)
    if fields["at"] is not None and fields["at"] > session.now + FUTURE:
        diagnostics.note(f"{fields['at']:%Y-%m-%d %H:%M}Z is in the future: it is suspected of nothing before then")
    if as_json:
        output.document({"added": added})
    else:
        output.text("added" if added else "known already")


def _document(change: Change) -> dict[str, Any]:
    plain: dict[str, Any] = output.plain(change)
    return {**plain, "reference": change.reference, "unreviewed": change.unreviewed, "large": change.large}
