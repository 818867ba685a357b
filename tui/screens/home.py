"""Pane 1: one line a model, those in trouble first."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.console import RenderableType

from core.escalation import escalated, sentence
from core.home import Health, ModelLine, health, lines
from core.quality.budget import over
from storage.errors import UsageError
from storage.records.rollouts import Rollout
from storage.tables import gates, models, rollouts
from tui.focus import Focus
from tui.present import home as present
from tui.present.columns import Column
from tui.widgets.pane import ListPane
from tui.widgets.rows import ListSource, Row, RowSource

if TYPE_CHECKING:
    from core.suites.held_to import HeldTo


class HomePane(ListPane):
    """What is live, whether it is well, what is open."""

    columns = (
        Column("model", " MODEL", 11, grow=1),
        Column("live", "LIVE", 6),
        Column("stage", "STAGE", 7, rank=2),
        Column("objective", "OBJECTIVE", 22, grow=1),
        Column("batch", "BATCH", 10, rank=1, sortable=False),
        Column("labels", "LABELS", 6, rank=4, right=True),
        Column("trend", "TREND", 8, rank=3, sortable=False),
        Column("open", "OPEN", present.OPEN, sortable=False),
    )
    empty = "no models yet: midwatch init MODEL.toml"

    def __init__(self) -> None:
        super().__init__()
        self.known: dict[int, ModelLine] = {}
        self.healths: dict[int, Health] = {}
        self.ways: dict[int, list[Rollout]] = {}
        self.held: dict[int, HeldTo] = {}

    def source(self) -> RowSource:
        """See ListPane."""
        return ListSource([column.id for column in self.columns], self._rows)

    def _rows(self) -> Sequence[Row]:
        found = lines(self.db, self.shell.now())
        self.known = {line.model.id: line for line in found}
        wanted = self.shell.model
        now = self.shell.now()
        self.ways = {}
        for rollout in rollouts.open_rollouts(self.db):
            self.ways.setdefault(rollout.model_id, []).append(rollout)
        return [
            Row(
                str(line.model.id),
                present.cells(line, self.healths.get(line.model.id), now, len(self.ways.get(line.model.id, ()))),
            )
            for line in found
            if wanted in ("", line.model.name)
        ]

    def reload(self) -> None:
        """The lines at once; what needs the metrics follows from a thread."""
        super().reload()
        self.read("health", self._read_health, self._show_health)

    def _read_health(self, db: sqlite3.Connection) -> dict[int, Health]:
        import plotext  # noqa: F401  -- in this thread, so that the first chart does not hold up a key

        now = self.shell.now()
        return {model.id: health(db, model, now) for model in models.list_all(db)}

    def _show_health(self, found: dict[int, Health]) -> None:
        if found != self.healths:
            self.healths = found
            self.table.reload()
        self.read("held to", self._read_held, self._show_held)

    def _read_held(self, db: sqlite3.Connection) -> dict[int, HeldTo]:
        from core.suites.held_to import held_to

        now = self.shell.now()
        return {model.id: held_to(db, model, now=now) for model in models.list_all(db)}

    def _show_held(self, found: dict[int, HeldTo]) -> None:
        if found != self.held:
            self.held = found
            self._show(self.table.key)

    def line(self, key: str | None = None) -> ModelLine:
        """The model under the cursor."""
        wanted = key or self.table.key
        if wanted is None or int(wanted) not in self.known:
            raise UsageError("there is no model under the cursor", "register one: midwatch init MODEL.toml")
        return self.known[int(wanted)]

    def details(self, key: str) -> tuple[str, RenderableType]:
        """See ListPane."""
        line = self.line(key)
        width = self.detail.size.width or self.size.width
        overrides = sum(one.model == line.model.name for one in gates.overrides(self.db, only_open=True))
        told = present.candidates_line(self.ways.get(int(key), ()), overrides)
        now, held = self.shell.now(), self.held.get(int(key))
        spent = over(self.db, line.model, now=now)
        calls = [sentence(one, now) for one in escalated(self.db, now) if one.alert.model_id == line.model.id]
        body = present.detail(
            line,
            self.healths.get(int(key)),
            self.shell.stamp,
            width,
            now,
            told,
            held,
            spent.words if spent else "",
            calls,
        )
        return f"{line.model.name}  owner {line.model.file.owner or 'nobody'}", body

    def focus_on(self) -> Focus | None:
        """The model under the cursor."""
        return Focus(self.line().model.name) if self.table.key is not None else None

    def do_why(self) -> None:
        """Why the model under the cursor is as it is."""
        from tui.screens.why import open_why

        open_why(self, self.line().model.name)

    def do_rollback(self) -> None:
        """The rollback sheet of the model under the cursor."""
        from tui.screens.rollback import open_rollback

        open_rollback(self, self.line().model.name)

    def do_undo(self) -> None:
        """The sheet that undoes its last rollback."""
        from tui.screens.rollback import open_undo

        open_undo(self, self.line().model.name)

    def do_incident(self) -> None:
        """Open one incident of everything that fires on the model, or link it to a live one."""
        from tui.screens.open_incident import of_model

        model = self.line().model
        of_model(self, model.id, model.name)
