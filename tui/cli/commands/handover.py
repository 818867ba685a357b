"""``midwatch handover show|write|accept|list|watch``: the page of a watch, passed on."""

from __future__ import annotations

import click

from core import handover, handover_page, watch
from storage.rotation_file import read, read_if_there, rotation_path
from storage.tables import handovers
from tui.cli import output
from tui.cli.options import ROW_ID, DefaultGroup, reading, shared, writing
from tui.typed_moments import ago

ROTATION = click.option("--rotation", metavar="PATH", help="The rotation; else $MIDWATCH_ROTATION, else your own.")
SINCE = click.option("--since", help="When the watch began: a moment, or a duration such as 12h.")


@click.group("handover", cls=DefaultGroup, default="show")
def command() -> None:
    """The page of the watch that is passed on at its end. Without a subcommand: show."""


@command.command("show")
@click.argument("number", required=False, type=ROW_ID)
@SINCE
@ROTATION
@shared
def show(
    store: str | None = None,
    as_json: bool = False,
    number: int | None = None,
    since: str | None = None,
    rotation: str | None = None,
) -> None:
    """Show the page as it would be written now, or handover NUMBER as it was written."""
    with reading(store) as session:
        if number is not None:
            written = handovers.get(session.db, number)
            output.document(written) if as_json else output.text(written.body)
            return
        turns = read_if_there(rotation_path(rotation)) if rotation is None else read(rotation_path(rotation))
        began = ago(since, session.now) if since else None
        start, end = handover.window(session.db, turns, since=began, now=session.now)
        page = handover.build(session.db, start=start, end=end, rotation=turns)
    if as_json:
        output.document({**handover_page.snapshot(page), "open_items": page.open_items})
    else:
        output.text(handover_page.markdown(page))


@command.command("write")
@click.option("--to", "to_person", help="The next person; else the rotation's, when there is one.")
@click.option("--note", help="Words of your own at the top of the page.")
@SINCE
@ROTATION
@shared
def write(
    store: str | None,
    as_json: bool,
    to_person: str | None,
    note: str | None,
    since: str | None,
    rotation: str | None,
) -> None:
    """Write the page down with what it was made from; the next person accepts it."""
    turns = read_if_there(rotation_path(rotation)) if rotation is None else read(rotation_path(rotation))
    with writing(store) as session:
        began = ago(since, session.now) if since else None
        start, end = handover.window(session.db, turns, since=began, now=session.now)
        written = handover.write_handover(
            session.db,
            start=start,
            end=end,
            to_person=to_person or (handover.next_person(turns, session.actor.name, session.now) if turns else None),
            rotation=turns,
            note=note,
            actor=session.actor,
            now=session.now,
        )
    if as_json:
        output.document(written)
    else:
        output.text(f"handover {written.id} to {written.to_person or 'whoever accepts it'}\n\n{written.body}")


@command.command("accept")
@click.argument("number", required=False, type=ROW_ID)
@click.option("--note", help="What you ask or add.")
@shared
def accept(store: str | None, as_json: bool, number: int | None, note: str | None) -> None:
    """Take the watch over: handover NUMBER, else the latest that waits."""
    with writing(store) as session:
        taken = handover.accept_handover(session.db, number, note=note, actor=session.actor, now=session.now)
    if as_json:
        output.document(taken)
    else:
        output.text(f"handover {taken.id} of {taken.from_person} accepted by {taken.accepted_by}")


@command.command("list")
@click.option("--limit", help="Rows at most.", default=50, show_default=True, type=click.IntRange(1, 100_000))
@shared
def list_handovers(store: str | None, as_json: bool, limit: int) -> None:
    """List handovers, the latest first."""
    with reading(store) as session:
        rows = handovers.list_page(session.db, limit=limit)
    if as_json:
        output.document(rows)
        return
    output.table(
        ("ID", "FROM", "TO", "WATCH", "WRITTEN BY", "FOR", "ACCEPTED"),
        [
            (
                h.id,
                f"{h.watch_start:%m-%d %H:%MZ}",
                f"{h.watch_end:%m-%d %H:%MZ}",
                f"{(h.watch_end - h.watch_start).total_seconds() / 3600:.0f} h",
                h.from_person,
                h.to_person or "anyone",
                f"{h.accepted_by} {h.accepted_at:%m-%d %H:%MZ}" if h.accepted_at else "not yet",
            )
            for h in rows
        ],
        empty="no handovers yet",
    )


@command.command("watch")
@ROTATION
@click.option("--days", default=14, show_default=True, type=click.IntRange(1, 365), help="How far to look ahead.")
@shared
def who(store: str | None, as_json: bool, rotation: str | None, days: int) -> None:
    """Who is on watch now and in the days to come; exit 1 when there is a gap. No store is opened."""
    del store
    from datetime import timedelta

    from storage.clock import utc_now

    now = utc_now()
    turns = watch.watches(read(rotation_path(rotation)), now, now + timedelta(days=days))
    if as_json:
        output.document({"now": turns[0].who, "watches": turns, "gaps": [t for t in turns if t.who is None]})
    else:
        output.table(
            ("FROM", "TO", "WHO", ""),
            [
                (
                    f"{t.start:%Y-%m-%d %H:%MZ}",
                    f"{t.end:%Y-%m-%d %H:%MZ}",
                    t.who or "NOBODY",
                    "override" if t.override else "",
                )
                for t in turns
            ],
        )
    click.get_current_context().exit(1 if any(t.who is None for t in turns) else 0)
