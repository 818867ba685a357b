"""The sheet behind ``T``: proposals for the check behind an alert, side by side, and the tunings that stand."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.text import Text
from textual import events
from textual.widgets import Static

from storage.errors import MidwatchError
from storage.records.alerts import Alert
from tui import jobs
from tui.present import tuning as present
from tui.present.text import visible
from tui.screens.sheet import Sheet

if TYPE_CHECKING:
    from core.tuner.of_alert import TuningOfAlert
    from core.tuner.proposals import Candidate
    from core.tuner.standing import Standing
    from tui.widgets.pane import Pane


def open_tuning(pane: Pane, alert: Alert) -> None:
    """Open the tuning sheet of an alert."""
    pane.shell.open_sheet(TuningSheet(alert))


@dataclass(frozen=True, slots=True)
class Way:
    """What is about to be recorded: ``name`` is accept, reject or revert."""

    name: str
    words: str
    chosen: Candidate | Standing


class TuningSheet(Sheet):
    """A number picks a proposal, a letter a tuning that stands; then a reason is typed. Reading needs no unlock."""

    def __init__(self, alert: Alert) -> None:
        super().__init__(
            f"Tune alert {alert.id}  {alert.model}",
            "walking the stored history; nothing is changed by that ...",
            command=f"midwatch alerts tune CHECK --model {alert.model}",
        )
        self.alert = alert
        self.seen: TuningOfAlert | None = None
        self.way: Way | None = None
        self.ended = False

    def on_mount(self) -> None:
        """Read the proposals; keys are off until they are painted."""
        self._draw()
        jobs.start(self, "tune", self.make, connect=self.shell.services.reader, then=self._read, instead=self._unread)

    def make(self, db: sqlite3.Connection) -> TuningOfAlert:
        """Proposals and what stands; runs in a thread and only reads."""
        from core.tuner.of_alert import tuning_of

        return tuning_of(db, self.alert)

    def _read(self, seen: TuningOfAlert) -> None:
        self.seen = seen
        self.show(present.page(seen, self.shell.stamp, self.size.width - 2))

    def _unread(self, error: MidwatchError) -> None:
        self.ended = True
        self.show(f"{error.message}\n\n{error.hint}" if error.hint else error.message)

    # -- what it says -------------------------------------------------------------------------------------------

    def _draw(self) -> None:
        asked = (
            f"{self.way.name} {self.way.words}\nreason > {self.typed}{'_' if self.armed else ''}" if self.way else ""
        )
        self.query_one("#sheet-answer", Static).update(Text("\n".join(visible(line) for line in asked.split("\n"))))
        self.query_one("#sheet-state", Static).update(Text(visible(self.note or self.state())))

    def state(self) -> str:
        """What the keys do now, in words."""
        if self.executed:
            return "under way; it is seen to its end"
        if self.ended or (self.seen is not None and not self.seen.candidates and not self.seen.standing):
            return "nothing to decide here; esc leaves"
        if self.seen is None:
            return "walking the stored history; esc leaves"
        if not self.armed:
            return super().state()
        if self.way is not None:
            other = "; tab rejects it instead" if self.way.name == "accept" else ""
            other = "; tab accepts it instead" if self.way.name == "reject" else other
            return f"armed: type a reason, then enter{other}; esc back"
        picks = f"1-{len(self.seen.candidates)} takes a proposal" if self.seen.candidates else ""
        letters = present.LETTERS[: len(self.seen.standing)]
        reverts = f"{letters[0]}{f'-{letters[-1]}' if len(letters) > 1 else ''} reverts what stands" if letters else ""
        return f"{'; '.join(part for part in (picks, reverts, 'esc leaves') if part)}"

    # -- keys ---------------------------------------------------------------------------------------------------

    def leave(self) -> None:
        """``esc``: back from a choice, else leave."""
        if self.way is not None and not self.executed and not self.ended:
            self.way, self.typed, self.note = None, "", ""
            self._draw()
        elif self.ended:
            self.dismiss(True)
        else:
            super().leave()

    def _typed(self, event: events.Key) -> None:
        if self.ended or self.seen is None:
            return
        self.note = ""
        if self.way is None:
            self.way = self._picked(event.character or "")
            if self.way is not None:
                self.arm_anew()
        elif event.key == "enter":
            self._confirm()
        elif event.key == "tab":
            other = {"accept": "reject", "reject": "accept"}.get(self.way.name)
            if other is not None:
                self.way = Way(other, self.way.words, self.way.chosen)
        elif event.key == "backspace":
            self.typed = self.typed[:-1]
        elif event.key == "ctrl+u":
            self.typed = ""
        elif event.character and event.is_printable:
            self.typed += event.character
        self._draw()

    def _picked(self, key: str) -> Way | None:
        if self.seen is None or not key:
            return None
        if key.isdecimal() and 0 < int(key) <= len(self.seen.candidates):
            candidate = self.seen.candidates[int(key) - 1]
            return Way("accept", f"{candidate.words}\n{present.sentence(candidate)}", candidate)
        place = present.LETTERS.find(key)
        if 0 <= place < len(self.seen.standing):
            standing = self.seen.standing[place]
            return Way("revert", present.what(standing.tuning), standing)
        return None

    def _confirm(self) -> None:
        refused = self.shell.writes.refusal(self.sheet_title, self.shell.now())
        if refused:
            self.note = refused
        elif not self.typed.strip():
            self.note = "a reason is needed: it is written down with your name"
        else:
            self.executed = True
            self.execute()

    # -- acting -------------------------------------------------------------------------------------------------

    def execute(self) -> None:
        """Record the answer; the back-test is made again first."""
        work = self._work()
        if work is not None:
            jobs.start(
                self, "tune", work, connect=self.shell.services.connect, then=self._done, instead=self._refused,
                records=True,
            )  # fmt: skip

    def _work(self) -> Callable[[sqlite3.Connection], str] | None:
        if self.way is None or self.seen is None:
            return None
        from core.tuner import answers
        from core.tuner.standing import Standing

        way, model, reason = self.way, self.seen.model, self.typed.strip()
        actor, now = self.shell.services.actor(), self.shell.now()

        def work(db: sqlite3.Connection) -> str:
            if isinstance(way.chosen, Standing):
                done = answers.revert(db, way.chosen.tuning.id, reason=reason, actor=actor, now=now)
            else:
                kept = answers.record(db, model, way.chosen, actor=actor, now=now)
                answer = answers.accept if way.name == "accept" else answers.reject
                done = answer(db, kept, reason=reason, actor=actor, now=now)
            return f"tuning {done.id} is {done.state}: {present.what(done)}"

        return work

    def _done(self, told: str) -> None:
        self._end(told)

    def _refused(self, error: MidwatchError) -> None:
        self._end(str(error))

    def _end(self, words: str) -> None:
        self.ended, self.executed = True, False
        self.shell.say(words)
        self.say(f"{words}. esc closes")
