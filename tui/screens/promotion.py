"""The sheet behind ``p``: what the gate says, and what a person can do about it, each bound to what was painted."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

from rich.text import Text
from textual import events
from textual.containers import VerticalScroll
from textual.timer import Timer
from textual.widgets import Static

from storage.errors import MidwatchError
from storage.tables import gates, models
from tui import jobs
from tui.present import promotion_sheet as present
from tui.present.text import visible
from tui.screens.promotion_ways import WORDS, Question, Read, Way, others, usual, work_of
from tui.screens.sheet import Sheet

if TYPE_CHECKING:
    from storage.records.promotions import Promoted, PromotionPlan
    from tui.widgets.pane import Pane


SAID = {"hold": "HELD", "roll back": "ROLL BACK", "promote": "PASSED"}
"""What a gate that stands in the way says, on the last line."""


def open_promotion(pane: Pane, model_name: str, version: str) -> None:
    """Open the promotion sheet of a version."""
    pane.shell.open_sheet(PromotionSheet(model_name, version))


class PromotionSheet(Sheet):
    """Shows where a candidate stands and goes; does one thing at a time, each on the plan as it was painted.

    Where the gate does not say promote, ``enter`` is refused, and the ways that are left are offered by their keys.
    """

    def __init__(self, model_name: str, version: str) -> None:
        super().__init__(
            f"Promote {model_name} {version}",
            "reading the gate; nothing is changed by that ...",
            command=f"midwatch promote {model_name} {version}",
        )
        self.model_name, self.version = model_name, version
        self.seen: Read | None = None
        self.way: Way | None = None
        self.answers: list[str] = []
        self.trouble = ""
        self.why_again = ""
        self.ended = False
        self.outcome: Promoted | None = None
        self._expiry: Timer | None = None

    def on_mount(self) -> None:
        """Read the gate at once; whether the page has more than is in sight changes with every line below it."""
        self.watch(self.query_one(VerticalScroll), "show_vertical_scrollbar", self._more_or_less, init=False)
        self._plan()

    def _more_or_less(self) -> None:
        if self.is_attached:
            self._draw()

    # -- planning -----------------------------------------------------------------------------------------------

    def again(self, why: str) -> None:
        """Read the gate again: what was typed is forgotten and keys stay off until the new plan is painted."""
        self.why_again = why
        self._plan()

    def _plan(self) -> None:
        self.seen, self.trouble, self.way, self.answers, self.executed = None, "", None, [], False
        self.armed, self.silent, self.asked, self.typed = False, False, None, ""
        self._draw()
        jobs.start(
            self, "plan", self.make, connect=self.shell.services.reader, then=self._planned, instead=self._unplanned
        )

    def make(self, db: sqlite3.Connection) -> Read:
        """The plan and the candidate behind it; runs in a thread and only reads."""
        from core.rollouts import overview, promotion

        now, actor = self.shell.now(), self.shell.services.actor()
        plan = promotion.plan(db, models.get(db, self.model_name), self.version, now=now, actor=actor)
        found = overview.candidate(db, plan.rollout_id, now) if plan.rollout_id is not None else None
        past = [one for one in gates.overrides(db, only_open=True) if one.model == self.model_name]
        return Read(plan, found, tuple(one for one in past if one.version == self.version), actor.name)

    def _planned(self, seen: Read) -> None:
        plan = seen.plan
        self.seen, self.note, self.way = seen, "", usual(plan)
        self.query_one(".sheet-title", Static).update(Text(visible(present.head(plan))))
        self.show(present.body(plan, seen.found, self.shell.stamp, seen.open_overrides, seen.who))
        self.query_one(VerticalScroll).scroll_home(animate=False)
        if self._expiry is not None:
            self._expiry.stop()
        left = (plan.expires_at - self.shell.now()).total_seconds()
        self._expiry = self.set_timer(max(0.0, left), self._expired)

    def _unplanned(self, error: MidwatchError) -> None:
        self.trouble = error.message
        self.show(f"{error.message}\n\n{error.hint}" if error.hint else error.message)

    def _expired(self) -> None:
        if not self.executed and not self.ended:
            self.again("the plan had expired and was made again: look at it, then confirm")

    def ask_terminal(self) -> None:
        """Only about a painted plan."""
        if self.seen is not None:
            super().ask_terminal()

    def _ask(self) -> None:
        if self.seen is not None:
            super()._ask()

    # -- the ways -----------------------------------------------------------------------------------------------

    def ways(self) -> dict[str, Way]:
        """What can be done beside the promotion itself, by key."""
        return {} if self.seen is None or self.ended else others(self.seen)

    @property
    def question(self) -> Question | None:
        """What is asked now; None where a key is awaited."""
        asked = self.way.questions if self.way is not None else ()
        return asked[len(self.answers)] if len(self.answers) < len(asked) else None

    def _answered(self) -> list[tuple[Question, str]]:
        return list(zip(self.way.questions, self.answers, strict=False)) if self.way is not None else []

    def _take(self, way: Way | None) -> None:
        self.way, self.answers, self.typed, self.note, self.why_again = way, [], "", "", ""
        if way is not None and way.questions:
            self.arm_anew()

    # -- what it says -------------------------------------------------------------------------------------------

    def _draw(self) -> None:
        begun = self.seen is not None and (self.way != usual(self.seen.plan) or bool(self.answers))
        asked = self.question if (self.armed or begun) and not self.executed and not self.ended else None
        told = [] if self.way is None or self.ended else [f"{q.told}: {a}" for q, a in self._answered() if a]
        if asked is not None:
            empty = " (may stay empty)" if asked.optional else ""
            told.append(f"{asked.words}{empty} > {self.typed}{'_' if self.armed else ''}")
        self.query_one("#sheet-answer", Static).update(Text("\n".join(map(visible, told))))
        self.query_one("#sheet-state", Static).update(Text(visible(self.note or self.state())))

    def state(self) -> str:
        """What the keys do now, in words."""
        if self.executed:
            return "under way; it is seen to its end"
        if self.trouble:
            return "nothing can be done from here; esc leaves"
        if self.seen is None:
            return "reading the gate; keys are dropped until it stands here; esc leaves"
        if not self.armed:
            return super().state()
        again = f"{self.why_again}; " if self.why_again else ""
        more = "; ↑↓ more" if self.query_one(VerticalScroll).max_scroll_y > 0 else ""
        named = "  ".join(f"{key} {WORDS[key]}" for key in self.ways())
        plan = self.seen.plan
        if self.question is not None:
            begun = self.way != usual(plan)
            left = "; esc back" if begun else f"{f'; tab: {named}' if named else ''}; esc leaves"
            return f"{again}armed: type, then enter{left}{more}"
        if self.way is not None:
            return f"{again}armed: enter promotes, esc leaves{f'; {named}' if named else ''}{more}"
        said = (
            "can't be promoted" if plan.forbidden else SAID[plan.outcome] if plan.needs_override else "enter promotes"
        )
        return f"{again}{said}{f': {named}' if named else ''}; esc leaves{more}"

    # -- keys ---------------------------------------------------------------------------------------------------

    def leave(self) -> None:
        """``esc``: back from a way that was begun; else leave, before it begins and after its end."""
        if self.ended:
            self.dismiss(self.outcome is not None and self.outcome.moved)
        elif self.seen is not None and not self.executed and self.way not in (None, usual(self.seen.plan)):
            self._take(usual(self.seen.plan))
            self._draw()
        else:
            super().leave()

    def _typed(self, event: events.Key) -> None:
        if self.ended:
            return
        self.note = ""
        if event.key == "enter":
            self._confirm()
        elif self.question is None:
            way = self.ways().get(event.character or "")
            if way is not None:
                self._take(way)
        elif event.key == "tab":
            if self.seen is not None and self.way == usual(self.seen.plan) and self.ways():
                self._take(None)
        elif event.key == "backspace":
            self.typed = self.typed[:-1]
        elif event.key == "ctrl+u":
            self.typed = ""
        elif event.character and event.is_printable:
            self.typed += event.character
        self._draw()

    def _confirm(self) -> None:
        if self.seen is None:
            return
        plan, asked = self.seen.plan, self.question
        if self.shell.now() > plan.expires_at:
            self.again("the plan had expired and was made again: look at it, then confirm")
        elif self.way is None:
            self._refuse_enter(plan)
        elif asked is not None and asked.exact and self.typed not in asked.exact:
            self.note = f"that is not {' or '.join(asked.exact)}: type it exactly, then enter"
            self.typed = ""
        elif asked is not None and not asked.optional and not self.typed.strip():
            self.note = "a reason is needed: it is written down with your name"
        else:
            if asked is not None:
                self.answers.append(self.typed.strip())
                self.typed = ""
            if self.question is None:
                self._go()
            else:
                self.arm_anew()

    def _refuse_enter(self, plan: PromotionPlan) -> None:
        if plan.forbidden:
            self.note = f"{'; '.join(plan.forbidden)}: no override helps against that"
        elif plan.needs_override:
            why = plan.reasons[0] if plan.reasons else f"the gate says {plan.outcome}"
            self.note = f"{SAID[plan.outcome].lower()}: {why}; o overrides it, with a reason"
        else:
            self._take(usual(plan))

    def _go(self) -> None:
        refused = self.shell.writes.refusal(self.sheet_title, self.shell.now())
        if refused:
            self.note, self.answers = refused, []
            return
        self.executed = True
        self.execute()

    # -- acting -------------------------------------------------------------------------------------------------

    def execute(self) -> None:
        """Through the use cases, with the very plan that was painted."""
        if self.seen is None or self.way is None:
            return
        actor, now = self.shell.services.actor(), self.shell.now()
        work = work_of(self.way, self.answers, self.seen, actor, now)
        jobs.start(
            self, self.way.name, work, connect=self.shell.services.connect, then=self._done, instead=self._refused,
            records=True,
        )  # fmt: skip

    def _done(self, done: Promoted | str) -> None:
        if isinstance(done, str):
            self.shell.say(done)
            self.again(done)
            return
        self.outcome = done
        self._end(present.ending(done))

    def _refused(self, error: MidwatchError) -> None:
        self._end(str(error))

    def _end(self, words: str) -> None:
        self.ended = True
        self.shell.say(words)
        self.say(f"{words}. esc closes")
