"""``f`` on alerts: what they were worth."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import TYPE_CHECKING

from core import alert_answers
from storage.records.alerts import Alert
from tui.present.text import counted
from tui.screens.dialogs import Choice

if TYPE_CHECKING:
    from tui.screens.alerts import AlertsPane

FEEDBACK = [
    ("a", "acted", "acted: there was something to do, and it was done"),
    ("u", "useful", "useful: right to tell, nothing to do"),
    ("n", "noise", "noise: nothing was wrong; its batch joins the baseline"),
    ("d", "duplicate", "duplicate of another alert"),
    ("l", "late", "late: right, but too late"),
]


def ask(pane: AlertsPane, heads: Sequence[Alert]) -> None:
    """Ask what the chosen alerts were worth and record it; what fires goes on firing, and that is said."""
    pane.shell.open_sheet(Choice("What was it worth?", FEEDBACK), lambda verdict: _judge(pane, heads, verdict))


def _judge(pane: AlertsPane, heads: Sequence[Alert], verdict: str) -> None:
    actor, now = pane.shell.services.actor(), pane.shell.now()

    def work(db: sqlite3.Connection) -> str:
        admitted = [alert_answers.give_feedback(db, a.id, verdict, actor=actor, now=now) for a in heads]
        joined = sum(answer is True for answer in admitted)
        batches = f"; {counted(joined, 'batch', 'batches')} joined the baseline" if joined else ""
        firing = "; still firing: a acknowledges" if any(a.state_at(now) == "firing" for a in heads) else ""
        return f"{verdict} recorded{batches}{firing}"

    pane.record("feedback", work, pane.shell.say)
