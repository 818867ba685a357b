"""Pane 5: candidates on their way, what their gates say, what they wait for; charts and decisions behind each."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import RenderableType
from rich.text import Text

from core.incidents import from_alerts
from storage.errors import SourceError, UsageError
from storage.tables import models, rollouts
from tui import jobs
from tui.focus import Focus
from tui.present.columns import Column
from tui.screens.decisions import DecisionsLevel
from tui.widgets.pane import ListPane
from tui.widgets.rows import ListSource, Row, RowSource

if TYPE_CHECKING:
    from core.rollouts.candidates import CandidateDetail, CandidateLine

Stages = dict[str, tuple[str, ...]]
"""Names of a model's stages in order, by model."""

Read = tuple[Stages, "dict[str, CandidateLine]"]
"""Stages, and candidates by key."""


class StagesPane(ListPane):
    """One line a candidate; those a person is needed for come first, as the use case has them.

    Attributes:
        known: lines by key; ``seen`` what was read of one, by key.
    """

    columns = (
        Column("model", "MODEL", 9, grow=1),
        Column("version", "VER", 5, grow=1),
        Column("stage", "STAGE", 10, grow=1),
        Column("place", "AT", 3, rank=4, sortable=False),
        Column("age", "IN", 4, rank=3, right=True, sortable=False),
        Column("says", "GATE", 12),
        Column("promote", "PASS", 5, rank=2, sortable=False),
        Column("harm", "HARM", 5, rank=2, sortable=False),
        Column("waits", "WAITS FOR", 18, grow=6, sortable=False),
    )
    empty = "reading the candidates ..."

    def __init__(self) -> None:
        super().__init__()
        self.known: dict[str, CandidateLine] = {}
        self.stages: Stages = {}
        self.seen: dict[str, CandidateDetail] = {}
        self._read_once = False
        self._reading = False
        self._late = False

    # -- the list -----------------------------------------------------------------------------------------------

    def source(self) -> RowSource:
        """See ListPane."""
        return ListSource([column.id for column in self.columns], self._rows)

    def _rows(self) -> Sequence[Row]:
        from tui.present import stages as present

        wanted = self.shell.model
        if not self._read_once:
            now, names = self.shell.now(), _stages_of(self.db)
            return [
                Row(_key(one.model, one.version), present.unread_cells(one, names.get(one.model, ()), now))
                for one in sorted(rollouts.open_rollouts(self.db), key=lambda one: one.model)
                if wanted in ("", one.model)
            ]
        return [
            Row(key, present.cells(line, self.stages.get(line.model, ())))
            for key, line in self.known.items()
            if wanted in ("", line.model)
        ]

    def reload(self) -> None:
        """What was read stays until it is read again: gates are worked out in a thread, one reading at a time."""
        super().reload()
        self._late = self._reading
        if self._reading:
            return
        self._reading, now = True, self.shell.now()

        def work(db: sqlite3.Connection, tell: Callable[[Read], None]) -> Read:
            from core.rollouts.overview import candidates

            stages = _stages_of(db)
            by_looks = _by_key(candidates(db, now, wait=False))
            if not any(line.being_read for line in by_looks.values()):
                return stages, by_looks
            tell((stages, by_looks))
            return stages, _by_key(candidates(db, now))

        jobs.follow(
            self, "candidates", work, connect=self.shell.services.reader, first=self._show_first,
            then=self._show_last, instead=lambda _: self._read_on(),
        )  # fmt: skip

    def _show_first(self, found: Read) -> None:
        """What looks say is there at once. What was read before stays until all is, unless one turned to harm."""
        harmed = {key for key, line in found[1].items() if line.outcome == "roll back"}
        if not self._read_once or any(
            key not in self.known or self.known[key].outcome != "roll back" for key in harmed
        ):
            self._show_lines(found)

    def _show_last(self, found: Read) -> None:
        self._show_lines(found)
        self._read_on()

    def _read_on(self) -> None:
        self._reading = False
        if self._late:
            self.reload()

    def _show_lines(self, found: Read) -> None:
        self.stages, self.known = found
        self.seen, self._read_once = {}, True
        self.empty = "nothing is on its way: p in 7, or midwatch promote MODEL V"
        if self.top is self:
            self.renew()
            self._show(self.table.key)

    def line(self, key: str | None = None) -> CandidateLine:
        """The candidate of a row, by default of the one under the cursor.

        Raises:
            UsageError: there is none.
        """
        wanted = key or self.table.key
        if wanted is not None and not self._read_once:
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
        if not self._read_once:
            return key.replace("\x1f", " "), "reading what the gate says ..."
        line = self.line(key)
        if line.rollout_id is not None and not line.being_read and key not in self.seen:
            rollout_id, now = line.rollout_id, self.shell.now()

            def work(db: sqlite3.Connection) -> CandidateDetail:
                from core.rollouts.overview import candidate

                return candidate(db, rollout_id, now)

            self.read("candidate", work, lambda found: self._show_detail(key, found))
        return self._drawn(key)

    def _show_detail(self, key: str, found: CandidateDetail) -> None:
        self.seen[key] = found
        if self.table.key == key and self.top is self:
            self.detail.show(*self._drawn(key))

    def _drawn(self, key: str) -> tuple[str, Text]:
        from tui.present import stages as present

        line = self.line(key)
        names, found = self.stages.get(line.model, ()), self.seen.get(key)
        if found is None:
            return present.title(line), present.preview(line, names, self.shell.stamp)
        width = (self.detail.size.width or self.size.width) - 2
        body = present.detail(found, names, self.shell.stamp, width)
        if self.has_class("-drilled") and found.charts:
            from tui.present.stage_charts import charts

            body = Text(charts(found.charts, self.shell.stamp, width) + "\n\n").append_text(body)
        return present.title(line), body

    def do_open(self) -> None:
        """First the evidence over time, then what was decided and when."""
        super().do_open()
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
            from core.shadow.compare import compare
            from core.shadow.report import report
            from storage.reports import report_path, write_report

            rollout = rollouts.get(db, rollout_id)
            made = report(compare(db, models.get_by_id(db, rollout.model_id), rollout, now=now), now=now)
            try:
                return write_report(report_path(store, made.name), made.markdown)
            except SourceError:
                # Who may only read the store may still want a report.
                return write_report(dump / made.name, made.markdown)

        self.shell.say(f"writing the shadow report of {line.model} {line.version} ...")
        self.read("export", work, lambda path: self.shell.say(f"shadow report written: {path}"))


def _key(model: str, version: str) -> str:
    return f"{model}\x1f{version}"


def _by_key(lines: Iterable[CandidateLine]) -> dict[str, CandidateLine]:
    return {_key(line.model, line.version): line for line in lines}


def _stages_of(db: sqlite3.Connection) -> Stages:
    return {model.name: tuple(stage.name for stage in model.file.stages) for model in models.list_all(db)}
