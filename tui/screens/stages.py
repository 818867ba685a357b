"""Pane 5: candidates on their way, what their gates say, what they wait for; charts and decisions behind each."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import RenderableType
from rich.text import Text

from core.incidents import from_alerts
from storage.errors import UsageError
from storage.tables import models, rollouts
from tui import jobs
from tui.focus import Focus
from tui.present import stages as present
from tui.present.columns import Column
from tui.screens.decisions import DecisionsLevel
from tui.screens.stage_reading import Lines, Place, Read, Stages, key_of, read_all, read_some, stages_of
from tui.widgets.pane import ListPane
from tui.widgets.rows import ListSource, Row, RowSource

if TYPE_CHECKING:
    from core.rollouts.candidates import CandidateDetail, CandidateLine
    from storage.records.rollouts import Rollout


class StagesPane(ListPane):
    """One line a candidate; those a person is needed for come first, as the use case has them.

    Attributes:
        known: lines by key; ``seen`` what was read of one, by key, and ``fresh`` the keys where it is not of before.
        moved: candidates that are elsewhere than when their gate was read: what it said there is not shown any more.
    """

    columns = (
        Column("model", "MODEL", 9, grow=1),
        Column("version", "VER", 5, grow=1),
        Column("stage", "STAGE", 10, grow=1),
        Column("place", "AT", 3, rank=4, sortable=False),
        Column("age", "FOR", 4, rank=3, right=True, sortable=False),
        Column("says", "GATE", 12),
        Column("promote", "PASS", present.BARS, rank=2, sortable=False),
        Column("harm", "HARM", present.BARS, rank=2, sortable=False),
        Column("waits", "WAITS FOR", 23, grow=6, sortable=False),
    )
    empty = "reading the candidates ..."

    def __init__(self) -> None:
        super().__init__()
        self.known: Lines = {}
        self.stages: Stages = {}
        self.seen: dict[str, CandidateDetail] = {}
        self.fresh: set[str] = set()
        self.moved: dict[str, Rollout] = {}
        self._where: dict[str, Place] = {}
        self._read_once = False
        self._reading = False
        self._late = False

    # -- the list -----------------------------------------------------------------------------------------------

    def source(self) -> RowSource:
        """See ListPane."""
        return ListSource([column.id for column in self.columns], self._rows)

    def on_mount(self) -> None:
        """How long a candidate has been where it is goes on without any change of the store."""
        self.set_interval(60, self._minute)

    def _minute(self) -> None:
        if self.top is self:
            self.renew()

    def _rows(self) -> Sequence[Row]:
        wanted, now = self.shell.model, self.shell.now()
        there = {key_of(one.model, one.version): one for one in rollouts.open_rollouts(self.db)}
        self.moved = {key: one for key, one in there.items() if self._where.get(key) != (one.id, one.stage)}
        names = self.stages if self._read_once else stages_of(self.db)
        rows = {
            key: present.unread_cells(one, names.get(one.model, ()), now)
            for key, one in sorted(self.moved.items(), key=lambda item: item[1].model)
            if wanted in ("", one.model)
        }
        for key, line in self.known.items():
            if wanted in ("", line.model) and key not in rows:
                rows[key] = present.cells(present.aged(line, now), names.get(line.model, ()), self._reading)
        return [Row(key, told) for key, told in rows.items()]

    def reload(self) -> None:
        """What was read stays, and says so, until it is read again: in a thread, one reading at a time."""
        self._late, begins = self._reading, not self._reading
        self._reading = True
        super().reload()
        if not begins:
            return
        if not self._read_once or not self.moved:
            self._read_all()
            return
        asked, now = {key: (one.id, one.stage) for key, one in self.moved.items()}, self.shell.now()

        def then(found: Lines) -> None:
            self.known = {**found, **{key: line for key, line in self.known.items() if key not in found}}
            self._where |= {key: (asked[key][0], line.stage) for key, line in found.items()}
            self._draw_lines()
            self._read_all()

        self.read(
            "candidate that moved", lambda db: read_some(db, asked, now), then, instead=lambda _: self._read_all()
        )

    def _read_all(self) -> None:
        now = self.shell.now()
        jobs.follow(
            self, "candidates", lambda db, tell: read_all(db, now, tell), connect=self.shell.services.reader,
            first=self._show_first, then=self._show_last, instead=lambda _: self._read_on(),
        )  # fmt: skip

    def _show_first(self, found: Read) -> None:
        """What looks say is there at once. What was read before stays until all is, unless one turned to harm."""
        harmed = {key for key, line in found[2].items() if line.outcome == "roll back"}
        known = {key for key, line in self.known.items() if line.outcome == "roll back"}
        if not self._read_once or harmed - known:
            self._show_lines(found)
            self._draw_lines()

    def _read_on(self) -> None:
        self._reading = False
        self._draw_lines()
        if self._late:
            self.reload()

    def _draw_lines(self) -> None:
        if self.top is self:
            self.renew()
            self._show(self.table.key)

    def _show_last(self, found: Read) -> None:
        self._show_lines(found)
        self._read_on()

    def _show_lines(self, found: Read) -> None:
        self._where, self.stages, self.known = found
        self.fresh, self._read_once = set(), True
        self.empty = "nothing is on its way: p in 7, or midwatch promote MODEL V"

    def line(self, key: str | None = None) -> CandidateLine:
        """The candidate of a row, by default of the one under the cursor.

        Raises:
            UsageError: there is none.
        """
        wanted = key or self.table.key
        if wanted is not None and (not self._read_once or wanted in self.moved):
            raise UsageError("the gates are still being read", "wait a moment")
        if wanted is None or wanted not in self.known:
            raise UsageError("there is no candidate under the cursor", "p on a version in 7 starts one")
        return self.known[wanted]

    def focus_on(self) -> Focus | None:
        """The model under the cursor, and in it the rows of the candidate."""
        line = self.known.get(self.table.key or "")
        if line is None:
            return None
        column = models.get(self.db, line.model).file.columns.version
        return Focus(line.model, slices=(f"{column}={line.version}",) if column else ())

    # -- details ------------------------------------------------------------------------------------------------

    def details(self, key: str) -> tuple[str, RenderableType]:
        """The line at once; evidence, people and past decisions follow from a thread."""
        if not self._read_once or key in self.moved:
            return key.replace("\x1f", " "), "reading what the gate says ..."
        line = self.line(key)
        if line.rollout_id is not None and not line.being_read and key not in self.fresh:
            rollout_id, now = line.rollout_id, self.shell.now()

            def work(db: sqlite3.Connection) -> CandidateDetail:
                from core.rollouts.overview import candidate

                return candidate(db, rollout_id, now)

            self.read("candidate", work, lambda found: self._show_detail(key, found))
        return self._drawn(key)

    def _show_detail(self, key: str, found: CandidateDetail) -> None:
        self.seen[key] = found
        self.fresh.add(key)
        if self.table.key == key and self.top is self and key not in self.moved:
            self.detail.show(*self._drawn(key))

    def _drawn(self, key: str) -> tuple[str, Text]:
        now, line = self.shell.now(), self.line(key)
        names, found = self.stages.get(line.model, ()), self.seen.get(key)
        if found is None or (found.rollout.id, found.rollout.stage) != (line.rollout_id, line.stage):
            return present.title(line), present.preview(present.aged(line, now), names, self.shell.stamp)
        width = (self.detail.size.width or self.size.width) - 2
        shown = replace(found, line=present.aged(found.line, now))
        body = present.detail(shown, names, self.shell.stamp, width)
        if self.has_class("-drilled") and found.charts:
            from tui.present.stage_charts import charts

            body = Text(charts(found.charts, self.shell.stamp, width) + "\n\n").append_text(body)
        again = "" if key in self.fresh and not self._reading else "  READING AGAIN"
        return f"{present.title(line)}{again}", body

    def do_open(self) -> None:
        """First the evidence over time, then what was decided and when."""
        super().do_open()
        self.detail.scroll_home(animate=False)
        self._again()

    def back(self) -> bool:
        """See :meth:`Pane.back`."""
        went = super().back()
        self._again()
        return went

    def _again(self) -> None:
        """Charts are drawn where the details fill the pane, so they are drawn anew when that changes."""
        if self.top is self and self.table.key in self.known:
            self.call_after_refresh(self._show, self.table.key)

    def enter_details(self, key: str) -> bool:
        """Every decision, with what it rested on."""
        if key not in self.seen:
            return False
        self.lay(DecisionsLevel(self, self.seen[key]))
        return True

    # -- actions ------------------------------------------------------------------------------------------------

    def do_promote(self) -> None:
        """The promotion sheet of the candidate under the cursor."""
        from tui.screens.promotion import open_promotion

        line = self.line()
        open_promotion(self, line.model, line.version)

    def do_rollback(self) -> None:
        """The rollback sheet of the model under the cursor."""
        from tui.screens.rollback import open_rollback

        open_rollback(self, self.line().model)

    def do_why(self) -> None:
        """Why the model under the cursor is as it is."""
        from tui.screens.why import open_why

        open_why(self, self.line().model)

    def do_incident(self) -> None:
        """Open one incident of everything that fires on the model, or link it to a live one."""
        from tui.screens.open_incident import of_model

        name = self.line().model
        of_model(self, models.get(self.db, name).id, name)

    def do_note(self) -> None:
        """A note on the candidate, in the live incident of its model."""
        line, now = self.line(), self.shell.now()
        live = from_alerts.live_of(self.db, models.get(self.db, line.model).id, now, 1)
        if not live:
            raise UsageError(f"no incident of {line.model} is live to write a note in", "i opens one")
        key, about = live[0].key, f"{line.version} in {line.stage or 'no stage yet'}"

        def write(text: str) -> None:
            from core.incidents.writing import note

            actor = self.shell.services.actor()
            self.record(
                "note",
                lambda db: note(db, key, f"{about}: {text}", actor=actor, now=now),
                lambda _: self.shell.say(f"noted on {key}"),
            )

        self.shell.ask(f"note on {about}, in {key}: ", write)

    def do_export(self) -> None:
        """The shadow report of a candidate in shadow on one page; of any other the list."""
        key = self.table.key
        line = self.known.get(key) if key is not None else None
        if line is None or line.rollout_id is None or line.kind != "shadow":
            super().do_export()
            return
        rollout_id, now, dump = line.rollout_id, self.shell.now(), self.shell.services.dump
        store = Path(self.shell.header_state().store)

        def work(db: sqlite3.Connection) -> Path:
            from tui.screens.shadow_page import write

            return write(db, rollout_id, store=store, dump=dump, now=now)

        self.shell.say(f"writing the shadow report of {line.model} {line.version} ...")
        self.read("export", work, lambda path: self.shell.say(f"shadow report written: {path}"))
