"""Pane 6: where the model under the cursor fails, and slice and dice by hand from there."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import replace

from rich.console import RenderableType
from rich.text import Text
from textual.timer import Timer
from textual.worker import Worker

from core.slices.page import SliceLine, SlicePage
from core.slices.request import SliceRequest
from storage.errors import MidwatchError, UsageError
from storage.logs.predicates import words
from storage.records.slices import Predicate
from storage.tables import models
from tui import jobs
from tui.focus import Focus
from tui.present import slice_detail as in_full
from tui.present import slices as present
from tui.screens import slice_buckets as buckets
from tui.screens import slice_lists as lists
from tui.screens import slice_reads as reads
from tui.screens import slice_steps as steps
from tui.widgets.pane import ListPane
from tui.widgets.rows import ListSource, Row, RowSource

AGAIN = "r searches again"
"""What is said where there is no answer."""
SETTLED = 0.15
"""Seconds the cursor rests on a slice before its rows are read."""


class SlicesPane(ListPane):
    """The slices that stand out, best first; those that an alert's findings name stand above them, all rows below.

    Attributes:
        subject: the model and batch that were asked for last.
        question: what is asked of them now; ``past`` are the questions before it, with their answers.
        page: the answer, None before the first one.
        named: slices that findings name, by key, with their own numbers once those are known.
    """

    follows = True
    columns = present.COLUMNS
    empty = "no model to search: put the cursor on a model, alert or batch, then 6"

    def __init__(self) -> None:
        super().__init__()
        self.subject: Focus | None = None
        self.question: SliceRequest | None = None
        self.past: list[tuple[SliceRequest, SlicePage]] = []
        self.page: SlicePage | None = None
        self.named: dict[str, tuple[tuple[Predicate, ...], SlicePage | None]] = {}
        self.seen: dict[str, reads.Seen] = {}
        self.state = ""
        self.beside: tuple[str, Text] | None = None
        self._search: Worker[None] | None = None
        self._rest: Timer | None = None

    # -- what it is about ---------------------------------------------------------------------------------------

    def reload(self) -> None:
        """Another model or batch is searched; the same one stays as it was read."""
        wanted = self.shell.subject
        if wanted is None and self.subject is None:
            known = models.names(self.db)
            wanted = Focus(min(known.values())) if known else None
        if wanted is not None and wanted != self.subject:
            while self.lift():
                pass
            self.subject, self.past, self.page = wanted, [], None
            self.named = {f"named {told}": (reads.named_predicates(told), None) for told in wanted.slices}
            self.ask(SliceRequest(model=wanted.model, batch=wanted.batch_id))
        else:
            super().reload()

    def focus_on(self) -> Focus | None:
        """What is searched is what the cursor stands on."""
        return self.subject

    def ask(self, question: SliceRequest, *, keep: bool = False) -> None:
        """Search in a thread; a first answer is refined in place.

        Args:
            keep: ``esc`` comes back to the question before.
        """
        if keep and self.question is not None and self.page is not None:
            self.past.append((self.question, self.page))
        self.question, self.page, self.seen, self.state = question, None, {}, "searching ... (esc stops)"
        now = self.shell.now()

        def work(db: sqlite3.Connection, tell: Callable[[SlicePage], None]) -> SlicePage:
            return reads.search_in_steps(db, question, now, tell)

        self.empty = "searching ..."
        self._search = jobs.follow(
            self, "slices", work, connect=self.shell.services.reader, first=self._first, then=self._last,
            instead=self._failed,
        )  # fmt: skip
        self.table.marks.clear()
        self.renew()

    def _first(self, page: SlicePage) -> None:
        self._answered(page, "first answer, refining ...")

    def _last(self, page: SlicePage) -> None:
        self._search, self.empty = None, "not answered: see above"
        self._answered(page, "")
        question, now = self.question, self.shell.now()
        named = {key: told for key, (told, known) in self.named.items() if known is None}
        if named and question is not None and not question.where:
            self.read("named slices", lambda db: reads.measure_named(db, question, named, now), self._show_named)

    def _failed(self, error: MidwatchError) -> None:
        self._search, self.empty = None, f"not searched: {error}; {AGAIN}"
        self._answered(self.page, self.empty)
        self._show(self.table.key)

    def _answered(self, page: SlicePage | None, state: str) -> None:
        """Show it; the cursor stays on its slice, but not on all rows when those were all there was."""
        alone = not self.named and (self.page is None or not self.page.slices)
        self.page, self.state = page, state
        if self.top is self:
            self.renew()
            if alone:
                self.table.move_to(0)
        self.shell.refresh_footer()

    def _show_named(self, found: dict[str, SlicePage | None]) -> None:
        self.named = {key: (told, found.get(key, known)) for key, (told, known) in self.named.items()}
        if self.top is self:
            self.renew()

    def back(self) -> bool:
        """First stop a search, then as every list, then to the question before."""
        if self._search is not None and self.top is self:
            self._search.cancel()
            self._search = None
            if self.page is None and self.past:
                self.question, self.page = self.past.pop()
            self.empty = f"stopped; {AGAIN}"
            self.state = self.empty if self.page is None else "stopped: the first answer stays"
            self.renew()
            self._show(self.table.key)
            return True
        if self.beside is not None and self.top is self and self.table.key is not None:
            self.beside = None
            self._show(self.table.key)
            return True
        if super().back():
            return True
        if not self.past:
            return False
        self.question, self.page = self.past.pop()
        self.state, self.seen = "", {}
        self.renew()
        return True

    @property
    def is_unanswered(self) -> bool:
        """Whether a search was stopped before its first answer, or failed."""
        return self._search is None and self.page is None

    # -- the list -----------------------------------------------------------------------------------------------

    def heading(self) -> Text | None:
        """See ListPane."""
        if self.question is None:
            return None
        return present.heading(self.page, present.asked(self.question, self.page), self.state)

    def source(self) -> RowSource:
        """See ListPane."""
        return ListSource([column.id for column in self.columns], self._rows)

    def _rows(self) -> Sequence[Row]:
        return [] if self.question is None else reads.listed(self.question, self.named, self.page)

    def line(self, key: str | None) -> SliceLine | None:
        """The slice of a row, None for all rows and for a slice that a finding names."""
        return next((line for line in self.page.slices if line.words == key), None) if self.page else None

    def conditions(self, key: str | None = None) -> tuple[Predicate, ...]:
        """Every condition of a row of the list, by default the one under the cursor, the question's among them.

        Raises:
            UsageError: there is nothing to go into yet.
        """
        wanted = key or self.table.key
        if self.question is None or wanted is None:
            raise UsageError(
                "there is no slice under the cursor", "wait for the search, or name a model: : and its name"
            )
        if wanted in self.named:
            return (*self.question.where, *self.named[wanted][0])
        line = self.line(wanted)
        return (*self.question.where, *(line.predicates if line is not None else ()))

    def within(self, key: str | None = None) -> SliceRequest:
        """The question of the rows of one line alone."""
        conditions = self.conditions(key)
        assert self.question is not None  # noqa: S101 - conditions() refuses that
        return replace(self.question, where=tuple(dict.fromkeys(conditions)))

    def details(self, key: str) -> tuple[str, RenderableType]:
        """What the search told at once; distribution and worst rows follow when the cursor rests."""
        if self._rest is not None:
            self._rest.stop()
        if key not in self.seen and self._search is None and self.page is not None:
            self._rest = self.set_timer(SETTLED, lambda: self._look_into(key))
        return self._drawn(key)

    def _drawn(self, key: str) -> tuple[str, Text]:
        if self.beside is not None and self.beside[0] == key:
            return "differences", self.beside[1]
        self.beside = None
        width = self.detail.size.width or self.size.width
        own = self.named[key][1] if key in self.named else None
        body = in_full.detail(
            self.line(key), self.page, self.seen.get(key), width, named=key in self.named, own=own, state=self.state,
        )  # fmt: skip
        return words(self.conditions(key)), body

    def _look_into(self, key: str) -> None:
        if key != self.table.key or self.top is not self or self.question is None:
            return
        asked, inside, now = self.question, self.within(key), self.shell.now()

        def show(seen: reads.Seen) -> None:
            if self.question is asked:
                self.seen[key] = seen
                if self.table.key == key and self.top is self:
                    self.detail.show(*self._drawn(key))

        self.read("slice", lambda db: reads.look_into(db, asked, inside, now), show)

    def enter(self, key: str) -> bool:
        """The rows of the slice, worst first."""
        lists.rows_of(self, self.within(key), self.page)
        return True

    def copy_choices(self) -> Sequence[tuple[str, str, str]]:
        """The predicate in words, SQL and pandas."""
        if self.top is not self or self.table.key is None or self.question is None:
            return super().copy_choices()
        return steps.languages(self.conditions())

    def do_narrow(self) -> None:
        """Search inside the slice under the cursor."""
        steps.narrow(self, self.conditions())

    def do_widen(self) -> None:
        """Ask which condition to drop."""
        steps.widen(self)

    def do_split(self) -> None:
        """Ask by which column."""
        buckets.split(self, self.within())

    def do_compare(self) -> None:
        """Ask between which sides."""
        lists.compare(self, self.within())

    def do_ranking(self) -> None:
        """The other ranking; where a search has no answer, the same search again."""
        steps.ranking(self)

    def do_signal(self) -> None:
        """Ask what is measured."""
        steps.signal(self)

    def do_keep(self) -> None:
        """Keep the slice with a name and a kind: it is watched on every batch."""
        steps.keep(self, self.conditions())

    def do_cases(self) -> None:
        """The rows of the slice become failure cases."""
        steps.cases(self, self.within())

    def do_freeze(self) -> None:
        """Freeze an evaluation set of the model."""
        steps.freeze(self)

    def do_diff(self) -> None:
        """The two marked slices side by side."""
        steps.differences(self)

    def do_why(self) -> None:
        """Why the batch in question is as it is."""
        steps.why(self)

    def do_export(self) -> None:
        """Ask: the list, or the rows of the slice."""
        lists.export(self, super().do_export)
