"""``:experiments``: what was expected, what came of it, and which should be killed by what history says."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import RenderableType

from core.experiments import running
from core.experiments.lives import Life, lives
from storage.errors import SourceError, UsageError
from storage.records.experiments import EXPERIMENT_STATES, Experiment, ExperimentEventKind
from storage.tables import experiments, models
from tui.present import experiments as present
from tui.present.columns import Column
from tui.screens.dialogs import Choice
from tui.widgets.pane import ListPane
from tui.widgets.rows import ListSource, Row, RowSource

if TYPE_CHECKING:
    from core.experiments.predicting import Outlook
    from core.experiments.readings import Reread

STEPS: tuple[tuple[str, ExperimentEventKind, str], ...] = (
    ("s", "start", "start it"),
    ("h", "hold", "hold it: stop for now"),
    ("k", "kill", "kill it: not worth going on"),
    ("l", "launch", "launch: users get it for the first time"),
    ("d", "drop", "drop it for a reason that is no metric"),
)
_KEYS = "123456789"

Learned = tuple["dict[int, Outlook]", "dict[int, Reread]"]


class ExperimentsPane(ListPane):
    """What a team tries."""

    columns = (
        Column("id", "ID", 3, right=True),
        Column("title", "EXPERIMENT", 14, grow=1),
        Column("model", "MODEL", 8, rank=3),
        Column("state", "STATE", 10),
        Column("stage", "STAGE", 6, rank=1),
        Column("age", "AGE", 4, rank=2, right=True, sortable=False),
        Column("predicted", "PREDICTED", 12, rank=1, sortable=False),
        Column("got", "GOT", 9, right=True, descending=True),
        Column("end", "AT END", 9, right=True, descending=True),
    )
    empty = "no experiment is registered: midwatch experiments add MODEL TITLE --hypothesis TEXT ..."

    def __init__(self) -> None:
        super().__init__()
        self.known: dict[str, Life] = {}
        self.outlooks: dict[int, Outlook] = {}
        self.rereads: dict[int, Reread] = {}

    def source(self) -> RowSource:
        """See ListPane."""
        return ListSource([column.id for column in self.columns], self._rows)

    def _rows(self) -> Sequence[Row]:
        name, now = self.shell.model, self.shell.now()
        every = lives(self.db, models.get(self.db, name).id if name else None, now=now)
        every.sort(key=lambda one: (EXPERIMENT_STATES.index(one.experiment.state), -one.experiment.id))
        self.known = {str(one.experiment.id): one for one in every}
        return [
            Row(key, present.cells(one, self.outlooks.get(one.experiment.id), now)) for key, one in self.known.items()
        ]

    def reload(self) -> None:
        """See :meth:`ListPane.reload`; what history says follows from a thread."""
        super().reload()
        now = self.shell.now()

        def work(db: sqlite3.Connection) -> Learned:
            from core.experiments.predicting import outlooks
            from core.experiments.readings import reread

            again = {one.experiment.id: told for one in lives(db, now=now) if (told := reread(db, one, now=now))}
            return outlooks(db, now=now), again

        self.read("outlook", work, self._learned)

    def _learned(self, told: Learned) -> None:
        if told != (self.outlooks, self.rereads):
            self.outlooks, self.rereads = told
            self.table.reload()
            self._show(self.table.key)

    def chosen(self) -> Experiment:
        """The experiment under the cursor."""
        if self.table.key is None:
            raise UsageError("there is no experiment under the cursor", "register one: midwatch experiments add")
        return experiments.get(self.db, int(self.table.key))

    def details(self, key: str) -> tuple[str, RenderableType]:
        """See ListPane."""
        if key not in self.known:
            raise UsageError("that experiment is not shown any more", "move to another with j and k")
        one = self.known[key]
        number = one.experiment.id
        children = [x.experiment.id for x in self.known.values() if x.experiment.registration.parent_id == number]
        body = present.detail(
            one, self.outlooks.get(number), self.rereads.get(number), sorted(children), self.shell.stamp
        )
        return f"{number} {one.experiment.registration.title}  {one.experiment.model}  {one.experiment.state}", body

    # -- what people do -----------------------------------------------------------------------------------------

    def do_verdict(self) -> None:
        """Start, hold, kill, launch or drop the experiment under the cursor."""
        found = self.chosen()
        options = [step for step in STEPS if found.state in running.WAYS[step[1]]]
        if not options:
            raise UsageError(f"experiment {found.id} is {found.state}: there is no step from there", "")
        self.shell.open_sheet(
            Choice(f"{found.id} {found.registration.title} is {found.state}. What now?", options),
            lambda step: self.shell.call_later(self._step, found, step),
        )

    def _step(self, found: Experiment, step: str) -> None:
        if step == "start":
            self.shell.attempt(lambda: self._start(found))
            return
        needed = "" if step in ("kill", "drop") else " (may stay empty)"
        self.shell.ask(f"{step} {found.id}: why{needed}: ", lambda words: self._record(found, step, words))

    def _start(self, found: Experiment) -> None:
        over = [(limit, others) for limit, others in running.limits_on(self.db, found) if len(others) >= limit.most]
        if not over:
            self._record(found, "start", None)
            return
        limit, others = over[0]
        if not others:
            raise UsageError(f"none may run of the {limit.scope} {limit.name}", "midwatch experiments limit raises it")
        kills = {number for number, told in self.outlooks.items() if told.kill}
        others = sorted(others, key=lambda one: one.id not in kills)  # what should be killed anyway stands first
        options = [
            (key, str(one.id), f"hold {one.id} {one.registration.title}{'  KILL?' if one.id in kills else ''}")
            for key, one in zip(_KEYS, others, strict=False)
        ]
        self.shell.open_sheet(
            Choice(f"{len(others)} of {limit.name} run and {limit.most} may. Which makes room?", options),
            lambda stop: self._record(found, "start", None, stop=int(stop)),
        )

    def _record(self, found: Experiment, step: str, words: str | None, *, stop: int | None = None) -> None:
        actor, now = self.shell.services.actor(), self.shell.now()
        steps: dict[str, Callable[..., Experiment]] = {
            "start": partial(running.start, stop=stop),
            "hold": partial(running.hold, reason=words),
            "kill": partial(running.kill, reason=words or ""),
            "launch": partial(running.launch, note=words),
            "drop": partial(running.drop, reason=words or ""),
        }

        def work(db: sqlite3.Connection) -> Experiment:
            return steps[step](db, found.id, actor=actor, now=now)

        self.record(step, work, lambda done: self.shell.say(f"experiment {done.id} is {done.state}"))

    def do_note(self) -> None:
        """Add an explanation to the experiment under the cursor."""
        found = self.chosen()
        self.shell.ask(f"explain {found.id}: ", lambda words: self._explain(found, words))

    def _explain(self, found: Experiment, words: str) -> None:
        actor, now = self.shell.services.actor(), self.shell.now()

        def work(db: sqlite3.Connection) -> bool:
            return running.explain(db, found.id, words, actor=actor, now=now).retrofitted

        self.record(
            "explanation",
            work,
            lambda later: self.shell.say(f"written down{', marked retrofitted' if later else ''}"),
        )

    def do_export(self) -> None:
        """The list as CSV, or the report of the experiment under the cursor."""
        if self.table.key is None:
            super().do_export()
            return
        options = [("r", "report", "the report of this one: known, conjecture, not known"), ("l", "list", "the list")]
        self.shell.open_sheet(Choice("Export what?", options), self._export)

    def _export(self, what: str) -> None:
        if what == "list":
            super().do_export()
            return
        found, now = self.chosen(), self.shell.now()
        store, dump = Path(self.shell.header_state().store), self.shell.services.dump
        write = partial(_written, number=found.id, store=store, dump=dump, now=now)
        self.read("report", write, lambda path: self.shell.say(f"report written: {path}"))


def _written(db: sqlite3.Connection, *, number: int, store: Path, dump: Path, now: datetime) -> Path:
    from core.experiments.report import report_of
    from storage.reports import report_path, write_report

    name, text = f"experiment-{number}.md", report_of(db, number, now=now)
    try:
        return write_report(report_path(store, name), text)
    except SourceError:
        # Who may only read the store may still want a report.
        return write_report(dump / name, text)
