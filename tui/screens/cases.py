"""``:cases``: failure cases, the latest first; those without a verdict wait in the queue."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any, cast

from rich.console import RenderableType

from core.evaluation.case_lives import life
from core.evaluation.export import shown
from storage.errors import UsageError
from storage.records.failure_cases import CaseFilter, CaseVerdict, FailureCase
from storage.records.incidents import LIVE_STATES, IncidentFilter
from storage.tables import failure_cases, incidents, models
from tui.present import cases as present
from tui.present.columns import Column
from tui.present.text import counted
from tui.screens import failure_cases as steps
from tui.screens.dialogs import Choice
from tui.widgets.pane import ListPane
from tui.widgets.rows import Row, RowSource, View

VERDICTS = [
    ("a", "accepted", "accepted: the model must get this right"),
    ("r", "rejected", "rejected: no failure, or a row that can't be judged"),
    ("e", "expected", "no verdict yet: say what the right answer is"),
]


class CaseRows:
    """Cases straight from the store, a window at a time."""

    def __init__(self, pane: CasesPane) -> None:
        self.pane = pane

    def _where(self, view: View) -> CaseFilter:
        name = self.pane.shell.model
        return CaseFilter(models.get(self.pane.db, name).id if name else None, text=view.filter or None)

    def _order(self, view: View) -> dict[str, Any]:
        return {"order": view.sort or "reported", "descending": view.descending or not view.sort}

    def count(self, view: View) -> int:
        """See RowSource."""
        return failure_cases.count(self.pane.db, self._where(view))

    def window(self, view: View, offset: int, limit: int) -> Sequence[Row]:
        """See RowSource."""
        db, now = self.pane.db, self.pane.shell.now()
        found = failure_cases.page(db, self._where(view), **self._order(view), offset=offset, limit=limit)
        files = {case.model_id: models.get_by_id(db, case.model_id).file for case in found}
        return [Row(str(c.id), present.case_cells(shown(c, files[c.model_id]), now)) for c in found]

    def place(self, view: View, key: str) -> int | None:
        """See RowSource."""
        return failure_cases.place(self.pane.db, int(key), self._where(view), **self._order(view))


class CasesPane(ListPane):
    """Rows that a model got wrong: judge them, link them to an incident, freeze them into a set."""

    columns = (
        Column("row", "ROW", 12, grow=1, sortable=False),
        Column("model", "MODEL", 8, rank=3),
        Column("verdict", "VERDICT", 9),
        Column("expected", "EXPECTED", 8, sortable=False),
        Column("got", "GOT", 8, sortable=False),
        Column("category", "CATEGORY", 11, rank=2),
        Column("incident", "INCIDENT", 8, rank=4, sortable=False),
        Column("reported", "AGE", 5, rank=1, right=True, descending=True),
    )
    empty = "no failure cases yet: e in Alerts or Slices, or midwatch cases add MODEL --where ..."

    def source(self) -> RowSource:
        """See ListPane."""
        return CaseRows(self)

    def case(self, key: str | None = None) -> FailureCase:
        """The case of a row, by default of the one under the cursor."""
        wanted = key or self.table.key
        if wanted is None:
            raise UsageError("there is no case under the cursor", "take rows first: e in Alerts")
        return failure_cases.get(self.db, int(wanted))

    def chosen(self) -> list[FailureCase]:
        """The marked cases, else the one under the cursor."""
        found = [self.case(key) for key in self.table.chosen()]
        if not found:
            raise UsageError("there is no case under the cursor", "e in Alerts, Data or Slices makes rows cases")
        return found

    def details(self, key: str) -> tuple[str, RenderableType]:
        """See ListPane."""
        case = self.case(key)
        file = models.get_by_id(self.db, case.model_id).file
        told = life(self.db, shown(case, file), file)
        body = present.case_detail(told, failure_cases.events(self.db, case.id), self.shell.stamp)
        return f"case {case.id}  {case.model}", body

    def do_verdict(self) -> None:
        """Say what the chosen cases are worth, or what the right answer is."""
        ids = [case.id for case in self.chosen()]

        def picked(verdict: str) -> None:
            if verdict == "expected":
                self.shell.call_later(self.shell.ask, "right answer: ", lambda line: self._judge(ids, None, line))
            else:
                self._judge(ids, cast("CaseVerdict", verdict), None)

        self.shell.open_sheet(Choice(f"{counted(len(ids), 'case')}: what are they worth?", VERDICTS), picked)

    def _judge(self, ids: Sequence[int], verdict: CaseVerdict | None, expected: str | None) -> None:
        actor, now = self.shell.services.actor(), self.shell.now()
        right = expected.strip() or None if expected is not None else None

        def work(db: sqlite3.Connection) -> int:
            from core.evaluation.failure_cases import judge

            return len(judge(db, ids, verdict, expected=right, actor=actor, now=now))

        said = verdict or f"with {right} as the right answer"
        self.record("verdict", work, lambda n: self.shell.say(f"{counted(n, 'case')} {said}"))

    def do_incident(self) -> None:
        """Make the chosen cases part of an incident; a live one of their model is proposed."""
        chosen = self.chosen()
        ids, where = [case.id for case in chosen], IncidentFilter(model_id=chosen[0].model_id, states=LIVE_STATES)
        live = incidents.list_page(self.db, now=self.shell.now(), where=where, limit=1)
        actor, now = self.shell.services.actor(), self.shell.now()

        def answered(line: str) -> None:
            key = incidents.get(self.db, line.strip()).key

            def work(db: sqlite3.Connection) -> int:
                from core.evaluation.failure_cases import judge

                return len(judge(db, ids, incident=key, actor=actor, now=now))

            self.record(
                "incident",
                work,
                lambda n: self.shell.say(f"{key} has {counted(n, 'case')} more"),
            )

        self.shell.ask("incident of these cases: ", answered, value=live[0].key if live else "")

    def do_freeze(self) -> None:
        """Freeze an evaluation set: of the marked cases, else of every open one of the model under the cursor."""
        marked = self.chosen() if self.table.marks else []
        if len({case.model_id for case in marked}) > 1:
            raise UsageError("the marked cases are of several models", "one set, one model: space unmarks")
        model = marked[0].model if marked else self.case().model
        steps.freeze(self, model, cases=[case.id for case in marked] or None)
