"""What the gates said of one candidate and what people did, laid over pane 5."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING

from rich.console import RenderableType
from rich.text import Text

from tui.present.columns import Column
from tui.present.page import Page, short
from tui.present.stages import MARKS
from tui.present.text import visible
from tui.widgets.level import Level
from tui.widgets.rows import ListSource, Row, RowSource

if TYPE_CHECKING:
    from core.rollouts.candidates import CandidateDetail
    from tui.widgets.pane import ListPane


class DecisionsLevel(Level):
    """Decisions, newest first; the details of one are the document whose hash is written down with it."""

    name = "decisions"
    empty = "nothing was decided yet: a decision is written down when looks change what the gate says"

    def __init__(self, pane: ListPane, found: CandidateDetail) -> None:
        # Replayed data may be years old: the year is told where it is another one than that of the writing.
        self.dated = any(one.at is not None and one.at.year != one.recorded_at.year for one in found.history)
        wide = 19 if self.dated else 14
        super().__init__(
            pane,
            (
                Column("at", "IN THE DATA", wide),
                Column("recorded", "WRITTEN DOWN", wide, rank=2),
                Column("says", "GATE", 12),
                Column("kind", "WHAT", 8),
                Column("move", "STAGE", 10, grow=1),
                Column("by", "BY", 8, rank=1),
            ),
        )
        self.found = found

    def heading(self) -> Text | None:
        """See Level."""
        line = self.found.line
        return Text(visible(f"decisions on {line.model} {line.version}; each can be worked out again from its looks"))

    def source(self) -> RowSource:
        """See Level."""
        return ListSource([column.id for column in self.columns], self._rows)

    def _rows(self) -> list[Row]:
        return [
            Row(
                str(one.id),
                (
                    self._moment(one.at) if one.at else "-",
                    self._moment(one.recorded_at),
                    f"{'dry' if one.dry_run else MARKS[one.outcome]} {one.outcome}",
                    one.kind,
                    f"{one.from_stage or 'start'} -> {one.to_stage}" if one.to_stage else one.from_stage,
                    one.by,
                ),
            )
            for one in reversed(self.found.history)
        ]

    def _moment(self, at: datetime) -> str:
        told = self.shell.stamp(at)
        return told if self.dated else short(told)

    def details(self, key: str) -> tuple[str, RenderableType]:
        """See Level."""
        one = next(decision for decision in self.found.history if str(decision.id) == key)
        page = Page()
        page.line(f"{one.kind}: {one.outcome}{', dry run' if one.dry_run else ''}", "bold")
        page.line(f"in the time of the data: {self.shell.stamp(one.at) if one.at else 'no look said so yet'}")
        page.line(f"written down {self.shell.stamp(one.recorded_at)} by {one.by}")
        page.line(f"sha256 {one.sha256}")
        page.head("document")
        for line in json.dumps(json.loads(one.document), indent=1, ensure_ascii=False).splitlines():
            page.line(line)
        return f"decision {one.id}", page.text
