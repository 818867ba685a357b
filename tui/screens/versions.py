"""Pane 7: versions of the chosen model, or of all; what each is made of, where it was live, what differs."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from datetime import datetime

from rich.console import RenderableType
from rich.text import Text

from core import versions
from core.rollback.fallback import fallback_readiness
from core.version_overview import VersionStatus, statuses
from storage.errors import UsageError
from storage.records.models import Model
from storage.records.rollbacks import Candidate
from storage.tables import deployments, models, rollback_evidence
from tui.focus import Focus
from tui.present import versions as present
from tui.present.columns import Column
from tui.widgets.pane import ListPane
from tui.widgets.rows import ListSource, Row, RowSource

Facts = dict[int, tuple[Candidate | None, dict[str, float]]]
"""By model: its fallback, and the last primary metric of each version."""


class VersionsPane(ListPane):
    """What could be put in force, and what it is made of."""

    columns = (
        Column("version", "VERSION", 9, grow=1),
        Column("model", "MODEL", 8, rank=2),
        Column("role", "ROLE", 8, rank=4),
        Column("live", "LIVE IN", 8),
        Column("since", "ENTERED", 16, rank=1, descending=True),
        Column("ready", "FALLBACK", 9, rank=3),
        Column("metric", "METRIC", 6, rank=2, right=True, descending=True),
        Column("parts", "PARTS", 10, grow=2),
    )
    empty = "no versions yet: midwatch versions add MODEL VERSION --artifact PATH ..."

    def __init__(self) -> None:
        super().__init__()
        self.known: dict[str, tuple[Model, VersionStatus]] = {}
        self.facts: Facts = {}
        self.compared: tuple[str, Text, str] | None = None

    def source(self) -> RowSource:
        """See ListPane."""
        return ListSource([column.id for column in self.columns], self._rows)

    def _rows(self) -> Sequence[Row]:
        now, wanted = self.shell.now(), self.shell.model
        self.known = {}
        for model in models.list_all(self.db):
            if wanted in ("", model.name):
                ready = self.facts.get(model.id, (None, {}))[0]
                for status in statuses(self.db, model, now, ready):
                    self.known[f"{model.id}:{status.version}"] = model, status
        return [
            Row(
                key,
                present.cells(
                    model.name, status, self.facts.get(model.id, (None, {}))[1].get(status.version), self._when,
                    known=model.id in self.facts,
                ),
            )
            for key, (model, status) in self.known.items()
        ]  # fmt: skip

    def _when(self, moment: datetime) -> str:
        return self.shell.stamp(moment)[:16]

    def reload(self) -> None:
        """The lines at once; what hashes files or reads metrics follows from a thread."""
        super().reload()
        self.read("versions", self._read_facts, self._show_facts)

    def _read_facts(self, db: sqlite3.Connection) -> Facts:
        now = self.shell.now()
        found: Facts = {}
        for model in models.list_all(db):
            primary = model.file.primary_metric
            last = {}
            for status in statuses(db, model, now) if primary else ():
                metric = rollback_evidence.last_metric(db, model.id, primary.name, status.version) if primary else None
                if metric is not None and metric.value is not None:
                    last[status.version] = metric.value
            found[model.id] = fallback_readiness(db, model, now), last
        return found

    def _show_facts(self, found: Facts) -> None:
        if found != self.facts:
            self.facts = found
            self.table.reload()

    def chosen(self, key: str | None = None) -> tuple[Model, VersionStatus]:
        """Model and version of a row, by default of the one under the cursor."""
        wanted = key or self.table.key
        if wanted is None or wanted not in self.known:
            raise UsageError("there is no version under the cursor", "move to one with j and k")
        return self.known[wanted]

    # -- details ------------------------------------------------------------------------------------------------

    def details(self, key: str) -> tuple[str, RenderableType]:
        """The head at once; the rest, which compares configurations, follows from a thread."""
        if self.compared is not None and self.compared[0] == key:
            return self.compared[2], self.compared[1]
        self.compared = None
        model, status = self.chosen(key)
        stamp, ready = self.shell.stamp, self.facts.get(model.id, (None, {}))[0]

        def work(db: sqlite3.Connection) -> tuple[str, Text]:
            stage = model.file.full_stage
            live = next((d.version for d in versions.live(db, model, self.shell.now()) if d.stage == stage), None)
            registered = {status.version for status in statuses(db, model, self.shell.now()) if status.registered}
            pair = live is not None and live != status.version and {live, status.version} <= registered
            found = versions.diff(db, model, live or "", status.version) if pair else None
            return key, present.detail(status, ready, found, deployments.history(db, model.id), stamp)

        self.read("version", work, self._show_drawn)
        return self._titled(key), "reading ..."

    def _titled(self, key: str) -> str:
        model, status = self.chosen(key)
        return f"{model.name} {status.version}"

    def _show_drawn(self, drawn: tuple[str, Text]) -> None:
        key, body = drawn
        if self.table.key == key and self.compared is None:
            self.detail.show(self._titled(key), body)

    def back(self) -> bool:
        """See :meth:`Pane.back`: first from the differences to the version, then as every list."""
        if self.compared is not None and self.table.key is not None:
            self.compared = None
            self._show(self.table.key)
            return True
        return super().back()

    def focus_on(self) -> Focus | None:
        """The model under the cursor."""
        return Focus(self.chosen()[0].name) if self.table.key is not None else None

    # -- actions ------------------------------------------------------------------------------------------------

    def do_diff(self) -> None:
        """The differences of the two marked versions, older mark first; of one with the live one without marks."""
        picked = [self.chosen(key) for key in self.table.chosen()] or [self.chosen()]
        model, status = picked[-1]
        before = picked[0][1].version
        if len(picked) == 1:
            stage = model.file.full_stage
            live = next((d.version for d in versions.live(self.db, model, self.shell.now()) if d.stage == stage), None)
            if live is None or live == status.version:
                raise UsageError("there is nothing to compare it with", "mark two versions with space, then d")
            before = live
        elif len(picked) != 2 or picked[0][0].id != model.id:
            raise UsageError("two versions of one model are compared", "mark exactly two with space, then d")
        self.read(
            "diff",
            lambda db: versions.diff(db, model, before, status.version),
            lambda found: self._show_diff(model.name, found),
        )

    def _show_diff(self, name: str, found: versions.VersionDiff) -> None:
        if self.table.key is not None:
            title = f"{name} {found.before} -> {found.after}"
            self.compared = self.table.key, present.diff(found), title
            self.detail.show(title, self.compared[1])

    def do_freeze(self) -> None:
        """Freeze an evaluation set of the model under the cursor."""
        from tui.screens.failure_cases import freeze

        freeze(self, self.chosen()[0].name)

    def do_rollback(self) -> None:
        """The rollback sheet, to the version under the cursor."""
        from tui.screens.rollback import open_rollback

        model, status = self.chosen()
        open_rollback(self, model.name, to=status.version)

    def do_promote(self) -> None:
        """The promotion sheet of the version under the cursor."""
        from tui.screens.promotion import open_promotion

        model, status = self.chosen()
        open_promotion(self, model.name, status.version)

    def do_undo(self) -> None:
        """The sheet that undoes the model's last rollback."""
        from tui.screens.rollback import open_undo

        open_undo(self, self.chosen()[0].name)
