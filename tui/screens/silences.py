"""``:silences``: what is kept quiet, by whom, why and until when; ``z`` ends one."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import RenderableType

from core import alert_answers
from storage.errors import UsageError
from storage.records.alerts import Silence
from storage.tables import alerts, models, silences
from tui.focus import Focus
from tui.present import silences as present
from tui.present.columns import Column
from tui.present.text import counted
from tui.widgets.pane import ListPane
from tui.widgets.rows import ListSource, Row, RowSource


class SilencesPane(ListPane):
    """Silences in force first, those that are over behind them."""

    columns = (
        Column("where", "QUIET", 16, grow=2, sortable=False),
        Column("until", "UNTIL", 17),
        Column("by", "BY", 8, rank=2),
        Column("hides", "HIDES", 5, rank=1, right=True, descending=True),
        Column("reason", "WHY", 12, grow=1, rank=3, sortable=False),
    )
    empty = "nothing is silenced: z and then s on an alert makes a silence"

    def __init__(self) -> None:
        super().__init__()
        self.known: dict[str, Silence] = {}

    def source(self) -> RowSource:
        """See ListPane."""
        return ListSource([column.id for column in self.columns], self._rows)

    def _rows(self) -> Sequence[Row]:
        now, names = self.shell.now(), models.names(self.db)
        found = silences.page(self.db, now, ended=True)
        wanted = self.shell.model
        found = [s for s in found if not wanted or s.model_id is None or names.get(s.model_id) == wanted]
        found.sort(key=lambda s: not s.active(now))
        self.known = {str(one.id): one for one in found}
        return [
            Row(key, present.cells(s, names, now, self.shell.stamp, self._hides(s))) for key, s in self.known.items()
        ]

    def _hides(self, silence: Silence) -> int:
        return len(silences.hushed(self.db, silence_id=silence.id)) if silence.active(self.shell.now()) else 0

    def silence(self, key: str | None = None) -> Silence:
        """The silence under the cursor."""
        wanted = key or self.table.key
        if wanted is None or wanted not in self.known:
            raise UsageError("there is no silence under the cursor", "z and then s on an alert makes one")
        return self.known[wanted]

    def details(self, key: str) -> tuple[str, RenderableType]:
        """See ListPane."""
        silence, now = self.silence(key), self.shell.now()
        ids = silences.hushed(self.db, silence_id=silence.id) if silence.active(now) else []
        hidden = [alerts.get(self.db, alert_id) for alert_id in ids]
        body = present.detail(silence, models.names(self.db), hidden, now, self.shell.stamp)
        return f"silence {silence.id}  {silence.by}", body

    def focus_on(self) -> Focus | None:
        """The model of the silence under the cursor."""
        if self.table.key is None or (model_id := self.silence().model_id) is None:
            return None
        return Focus(models.names(self.db)[model_id])

    def do_unsilence(self) -> None:
        """End the silence under the cursor: what it hides fires again."""
        silence, actor, now = self.silence(), self.shell.services.actor(), self.shell.now()
        self.record(
            "end",
            lambda db: alert_answers.end_silence(db, silence.id, actor=actor, now=now),
            lambda woken: self.shell.say(
                f"silence {silence.id} is over; {counted(len(woken), 'alert fires', 'alerts fire')} again"
            ),
        )
