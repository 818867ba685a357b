"""Pane 9: the watch: its page as of now, who is on it, how fast people answer, and past handovers."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import RenderableType
from rich.text import Text

from storage.errors import UsageError
from storage.records.watches import Rotation, Watch
from storage.tables import handovers, models
from tui.present.columns import Column
from tui.present.page import short
from tui.present.text import counted
from tui.rotation import RotationFile
from tui.widgets.pane import ListPane
from tui.widgets.rows import Row, RowSource, View

if TYPE_CHECKING:
    from core.handover_page import HandoverPage
    from core.response_times import ResponseTime

FIXED = ("now", "turns", "times")


@dataclass(frozen=True, slots=True)
class Seen:
    """What the pane read last; ``trouble`` says why there is no page."""

    page: HandoverPage | None
    trouble: str
    times: tuple[ResponseTime, ...]


class WatchRows:
    """Three rows that are always there, then the handovers, newest first."""

    def __init__(self, pane: WatchPane) -> None:
        self.pane = pane

    def _fixed(self, view: View) -> Sequence[Row]:
        wanted = view.filter.casefold()
        return [r for r in self.pane.fixed_rows() if not wanted or any(wanted in str(c).casefold() for c in r.cells)]

    def count(self, view: View) -> int:
        """See RowSource."""
        return len(self._fixed(view)) + handovers.count_heads(self.pane.db, like=view.filter or None)

    def window(self, view: View, offset: int, limit: int) -> Sequence[Row]:
        """See RowSource."""
        from tui.present.watch import head_cells

        fixed = self._fixed(view)
        first = list(fixed[offset : offset + limit])
        found = handovers.heads(
            self.pane.db,
            like=view.filter or None,
            offset=max(0, offset - len(fixed)),
            limit=limit - len(first),
        )
        return [*first, *(Row(str(h.id), head_cells(h, self.pane.shell.stamp)) for h in found)]

    def place(self, view: View, key: str) -> int | None:
        """See RowSource."""
        fixed = [row.key for row in self._fixed(view)]
        if key in FIXED:
            return fixed.index(key) if key in fixed else None
        like, at = view.filter or None, int(key)
        above = handovers.count_heads(self.pane.db, like=like, above=at)
        inside = handovers.count_heads(self.pane.db, like=like, above=at - 1) > above
        return len(fixed) + above if inside else None


class WatchPane(ListPane):
    """Pass the watch on, and take it over."""

    columns = (
        Column("what", "WATCH", 14, sortable=False),
        Column("from", "FROM", 9, grow=1, sortable=False),
        Column("to", "NEXT", 9, grow=1, rank=1, sortable=False),
        Column("until", "UNTIL", 14, rank=2, sortable=False),
        Column("accepted", "ACCEPTED", 10, sortable=False),
    )

    def __init__(self) -> None:
        super().__init__()
        self.seen: Seen | None = None
        self.turns_file = RotationFile()

    def source(self) -> RowSource:
        """See ListPane."""
        return WatchRows(self)

    # -- who is on watch ----------------------------------------------------------------------------------------

    def watches(self) -> tuple[list[Watch], str]:
        """The next two weeks, empty without a rotation, and what is wrong with the rotation file."""
        from core import watch
        from core.handover import AHEAD

        now = self.shell.now()
        try:
            rotation = self.turns_file.read()
        except UsageError as error:
            return [], str(error)
        if rotation is None:
            return [], ""
        # From the beginning of the turn that holds: its end is cut nowhere, its beginning is told.
        begun = watch.who_is_on_watch(rotation, now).start
        return watch.watches(rotation, min(begun, now), now + AHEAD), ""

    def fixed_rows(self) -> list[Row]:
        """The page as of now, the turns, the response times."""
        ahead, trouble = self.watches()
        now = self.shell.now()
        current = next((w for w in ahead if w.start <= now < w.end), None)
        following = next((w for w in ahead if current and w.start >= current.end and w.who), None)
        holes = sum(w.who is None for w in ahead)
        who = (current.who or "NOBODY") if current else "file broken" if trouble else "no rotation"
        after = (following.who or "-") if following else "-"
        until = short(self.shell.stamp(current.end)) if current else "-"
        page = self.seen.page if self.seen else None
        items = f"{page.open_items} open" if page else "-"
        gaps = counted(holes, "gap") if ahead else "-"
        rows = (("now", "this watch", who, after, until, items), ("turns", "who, when", who, after, until, gaps))
        told = [Row(key, tuple(Text(cell) for cell in cells)) for key, *cells in rows]
        return [*told, Row("times", tuple(Text(c) for c in ("response times", "-", "-", "-", "-")))]

    # -- reading ------------------------------------------------------------------------------------------------

    def reload(self) -> None:
        """The rows at once; the page, which looks into every open incident, follows from a thread."""
        super().reload()
        now, name = self.shell.now(), self.shell.model
        try:
            rotation = self.turns_file.read()
        except UsageError:
            rotation = None

        self.read("watch", lambda db: _seen(db, rotation, name, now), self._show_seen)

    def _show_seen(self, found: Seen) -> None:
        if found != self.seen:
            self.seen = found
            self.table.reload()

    def details(self, key: str) -> tuple[str, RenderableType]:
        """See ListPane."""
        from tui.present import watch as present

        stamp = self.shell.stamp
        if key == "turns":
            ahead, trouble = self.watches()
            path = str(self.turns_file.path)
            return "who is on watch", trouble or present.turns(ahead, self.shell.now(), path, stamp)
        if key not in FIXED:
            return f"handover {key}", present.handover(handovers.get(self.db, int(key)), stamp)
        title = "the watch as of now" if key == "now" else f"response times  {self.shell.model or 'all models'}"
        if self.seen is None:
            return title, "reading ..."
        if key == "times":
            return title, present.times(self.seen.times)
        return title, present.current(self.seen.page, stamp) if self.seen.page else self.seen.trouble

    # -- passing on ---------------------------------------------------------------------------------------------

    def do_note(self) -> None:
        """Ask for a note, then write the page down for the next person."""
        self.shell.ask("hand over, with a note (may stay empty): ", self._write)

    def _write(self, note: str) -> None:
        actor, now, rotation = self.shell.services.actor(), self.shell.now(), self.turns_file.read()

        def work(db: sqlite3.Connection) -> tuple[int, str | None]:
            from core import handover

            start, end = handover.window(db, rotation, now=now)
            to = handover.next_person(rotation, actor.name, now) if rotation else None
            written = handover.write_handover(
                db,
                start=start,
                end=end,
                to_person=to,
                rotation=rotation,
                note=note.strip() or None,
                actor=actor,
                now=now,
            )
            return written.id, written.to_person

        self.record(
            "handover",
            work,
            lambda done: self.shell.say(
                f"handover {done[0]} written for {done[1] or 'whoever follows'}; a there accepts"
            ),
        )

    def do_accept(self) -> None:
        """Accept the handover under the cursor, else the latest that waits."""
        actor, now, key = self.shell.services.actor(), self.shell.now(), self.table.key
        chosen = None if key is None or key in FIXED else int(key)

        def work(db: sqlite3.Connection) -> int:
            from core.handover import accept_handover

            return accept_handover(db, chosen, actor=actor, now=now).id

        self.record("accept", work, lambda done: self.shell.say(f"handover {done} accepted: the watch is yours"))

    def do_export(self) -> None:
        """The handover under the cursor, else the page as of now, as Markdown."""
        key, folder, now = self.table.key, self.shell.services.dump, self.shell.now()
        page = self.seen.page if self.seen else None

        def work(db: sqlite3.Connection) -> Path:
            from core.handover_page import markdown
            from storage.reports import write_report

            if key is not None and key not in FIXED:
                return write_report(folder / f"handover-{key}.md", handovers.get(db, int(key)).body)
            if page is None:
                raise UsageError("the page of the watch is not read yet", "in a moment again")
            return write_report(folder / f"watch-{now:%Y%m%dT%H%M%S}.md", markdown(page))

        self.read("export", work, lambda path: self.shell.say(f"written: {path}"))


def _seen(db: sqlite3.Connection, rotation: Rotation | None, name: str, now: datetime) -> Seen:
    from core import handover
    from core.response_times import measured

    model_id = models.get(db, name).id if name else None
    times = measured(db, now=now, model_id=model_id)
    try:
        start, end = handover.window(db, rotation, now=now)
    except UsageError as error:
        return Seen(None, str(error), times)
    return Seen(handover.build(db, start=start, end=end, rotation=rotation), "", times)
