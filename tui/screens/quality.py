"""``:quality``: what each check's alerts were worth, the ones that call most first."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.console import RenderableType
from rich.text import Text

from storage.errors import UsageError
from storage.records.models import Model
from storage.tables import alert_quality, models
from tui.present import quality as present
from tui.present.columns import Column
from tui.present.text import put_line
from tui.widgets.pane import ListPane
from tui.widgets.rows import ListSource, Row, RowSource

if TYPE_CHECKING:
    from core.quality.curve import Curve
    from core.quality.figures import Figures, Quality

JUDGED = 8
"""Judged alerts that the details list."""

ALL = "all"


class QualityPane(ListPane):
    """Volume, precision, recall and silence, check by check; the budget above them."""

    columns = (
        Column("check", "CHECK", 18, grow=1),
        Column("week", "A WEEK", 6, right=True, descending=True),
        Column("precision", "PRECISION %", 12),
        Column("judged", "JUDGED", 6, rank=2, right=True, descending=True),
        Column("told", "TOLD OF", 9, rank=1, sortable=False),
        Column("unanswered", "UNANSW.", 8, right=True),
        Column("trend", "TREND", 8, rank=3, sortable=False),
    )
    empty = "counting ..."

    def __init__(self) -> None:
        super().__init__()
        self.told: Quality | None = None
        self.curves: dict[str, Curve] = {}
        self.expected = ""

    def source(self) -> RowSource:
        """See ListPane."""
        return ListSource([column.id for column in self.columns], self._rows)

    def _rows(self) -> Sequence[Row]:
        told = self.told
        if told is None or not told.overall.alerts:
            return []
        return [Row(one.name or ALL, present.cells(one)) for one in (told.overall, *told.checks)]

    def heading(self) -> Text | None:
        """See ListPane: the budget, what was missed, and how much there is."""
        if self.told is None:
            return None
        text = Text()
        budget, *lines = present.short_heading(self.told)
        for line in (budget, *([self.expected] if self.expected else []), *lines)[:3]:
            put_line(text, line, "bold" if "OVER BUDGET" in line else "")
        text.rstrip()
        return text

    def reload(self) -> None:
        """What was counted last at once; it is counted anew in a thread."""
        super().reload()
        now, name = self.shell.now(), self.shell.model

        def work(db: sqlite3.Connection) -> Quality:
            from core.quality.figures import WEEK, WEEKS, quality

            return quality(db, models.get(db, name) if name else None, since=now - WEEKS * WEEK, now=now)

        self.read("quality", work, self._counted)

    def _counted(self, told: Quality) -> None:
        self.told, self.curves, self.expected = told, {}, ""
        self.empty = "no alert was raised in the last twelve weeks"
        self.renew()
        self._show(self.table.key)
        name = self.shell.model
        if not name:
            return

        def work(db: sqlite3.Connection) -> str:
            from core.quality.foreseen import expectation, expected_words

            return expected_words(expectation(db, models.get(db, name)))

        self.read("expected", work, self._foreseen)

    def _foreseen(self, words: str) -> None:
        self.expected = words
        self.retitle()

    def figures(self, key: str) -> Figures:
        """The row's figures.

        Raises:
            UsageError: it is not shown any more.
        """
        told = self.told
        found = (
            None if told is None else next((f for f in (told.overall, *told.checks) if (f.name or ALL) == key), None)
        )
        if found is None:
            raise UsageError("that check is not shown any more", "move to another with j and k")
        return found

    def details(self, key: str) -> tuple[str, RenderableType]:
        """See ListPane: the curve follows from a thread."""
        one = self.figures(key)
        judged = alert_quality.judged(self.db, self._model_id(), check=one.name or None, limit=JUDGED)
        if key not in self.curves:
            self._draw(key)
        width = self.detail.size.width or self.size.width
        return f"{key}  alerts by their worth", present.detail(one, judged, self.curves.get(key), width)

    def _draw(self, key: str) -> None:
        now, name = self.shell.now(), self.shell.model

        def work(db: sqlite3.Connection) -> tuple[str, Curve]:
            import plotext  # noqa: F401  -- in this thread, so that the first chart does not hold up a key

            from core.quality.curve import curve
            from core.quality.figures import WEEK, WEEKS

            found: Model | None = models.get(db, name) if name else None
            return key, curve(db, found, None if key == ALL else key, since=now - WEEKS * WEEK, now=now)

        self.read("curve", work, self._drawn)

    def _drawn(self, drawn: tuple[str, Curve]) -> None:
        self.curves[drawn[0]] = drawn[1]
        if self.table.key == drawn[0]:
            self._show(drawn[0])

    def _model_id(self) -> int | None:
        return models.get(self.db, self.shell.model).id if self.shell.model else None
