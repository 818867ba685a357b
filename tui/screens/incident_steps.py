"""The menu behind ``i`` in Incidents: only the steps that can be taken, and the words that some of them need."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from core.incidents import hypotheses, ledger, lifecycle, writing
from core.incidents.from_alerts import live_of
from core.incidents.prevention import sets_of
from core.incidents.states import WAYS
from core.incidents.taxonomy import CATEGORIES
from storage.db import transaction
from storage.errors import UsageError
from storage.host import Actor
from storage.records.changes import LAYERS
from storage.records.incidents import Incident, State
from storage.tables import incidents
from tui.screens.dialogs import Choice

if TYPE_CHECKING:
    from tui.screens.incidents import IncidentsPane

STATE_STEPS: tuple[tuple[str, State, str], ...] = (
    ("o", "open", "open it"),
    ("m", "mitigated", "mitigated: users are no longer hurt"),
    ("r", "resolved", "resolved: the cause is known and gone"),
    ("v", "reviewed", "reviewed: something will catch it next time"),
    ("f", "false alarm", "false alarm"),
    ("d", "duplicate", "duplicate of another incident"),
)
OTHER_STEPS = (
    ("c", "cause", "state the cause"),
    ("s", "severity", "severity"),
    ("w", "owner", "owner"),
    ("a", "action", "something was done that may help"),
    ("h", "hypothesis", "write down a hypothesis"),
    ("e", "evidence", "evidence for or against a hypothesis"),
    ("t", "followup", "follow-up: left to do"),
    ("k", "done", "a follow-up is done"),
    ("p", "prevention", "what will catch it next time"),
)
_KEYS = "123456789abcdefghijklmnop"
_REFERENCE = re.compile(r"[a-z_]+:\d+")
_CAUSE = re.compile(r"[A-Za-z]+/[A-Za-z]+")

Work = Callable[[sqlite3.Connection, Actor, datetime], object]


class Steps:
    """One visit of the menu of an incident."""

    def __init__(self, pane: IncidentsPane, incident: Incident) -> None:
        self.pane, self.incident, self.key = pane, incident, incident.key

    def choose(self) -> None:
        """Show the steps that can be taken."""
        ways = WAYS[self.incident.state]
        options = [step for step in STATE_STEPS if step[1] in ways]
        self._pick(f"{self.key} is {self.incident.state}. What next?", [*options, *OTHER_STEPS], self._step)

    def _step(self, step: str) -> None:
        steps: dict[str, Callable[[], None]] = {
            "open": lambda: self._state("open"),
            "mitigated": self._mitigated,
            "resolved": self._resolved,
            "reviewed": lambda: self._state("reviewed"),
            "false alarm": lambda: self._ask("why is it a false alarm", lambda t: self._state("false alarm", t)),
            "duplicate": self._duplicate,
            "cause": lambda: self._cause(self._set_cause),
            "severity": self._severity,
            "owner": self._owner,
            "action": lambda: self._words("what was done", writing.action, "written down"),
            "hypothesis": lambda: self._ask("hypothesis (may begin with layer/category)", self._hypothesis),
            "evidence": self._evidence,
            "followup": lambda: self._words("left to do", writing.follow_up, "left to do"),
            "done": self._done,
            "prevention": self._prevention,
        }
        steps[step]()

    # -- states -------------------------------------------------------------------------------------------------

    def _state(self, state: State, reason: str | None = None) -> None:
        self._do(
            lambda db, actor, now: lifecycle.set_state(
                db, self.key, state, reason=reason or None, actor=actor, now=now
            ),
            f"{self.key} is {state}",
        )

    def _mitigated(self) -> None:
        def work(text: str, db: sqlite3.Connection, actor: Actor, now: datetime) -> object:
            with transaction(db):
                if text:
                    # As an action it is found again when the same comes back.
                    writing.action(db, self.key, text, actor=actor, now=now)
                return lifecycle.set_state(db, self.key, "mitigated", reason=text or None, actor=actor, now=now)

        self._ask(
            "what helped (may stay empty)",
            lambda t: self._do(lambda db, actor, now: work(t, db, actor, now), f"{self.key} is mitigated"),
        )

    def _resolved(self) -> None:
        if self.incident.cause is not None:
            self._state("resolved")
            return

        def close(cause: str, text: str) -> None:
            self._do(
                lambda db, actor, now: lifecycle.close(
                    db, self.key, cause=cause, text=text or None, actor=actor, now=now
                ),
                f"{self.key} is resolved: {cause}",
            )

        self._cause(close)

    def _duplicate(self) -> None:
        others = [i for i in live_of(self.pane.db, None, self.pane.shell.now()) if i.key != self.key]
        self._ask(
            "duplicate of",
            lambda of: self._do(
                lambda db, actor, now: lifecycle.mark_duplicate(db, self.key, of, actor=actor, now=now),
                f"{self.key} is a duplicate of {of}",
            ),
            value=others[0].key if others else "",
        )

    # -- facts --------------------------------------------------------------------------------------------------

    def _cause(self, then: Callable[[str, str], None]) -> None:
        """Layer, category, words."""

        def layer(chosen: str) -> None:
            self._pick(
                f"{self.key}: what kind of mistake in {chosen}?", _numbered(CATEGORIES), lambda c: words(chosen, c)
            )

        def words(layer: str, category: str) -> None:
            cause = f"{layer}/{category}"
            self._ask(f"{cause}, in words", lambda text: then(cause, text))

        self._pick(f"{self.key}: in which layer was the cause?", _numbered(LAYERS), layer)

    def _set_cause(self, cause: str, text: str) -> None:
        self._do(
            lambda db, actor, now: writing.set_cause(db, self.key, cause, text or None, actor=actor, now=now),
            f"cause of {self.key}: {cause}",
        )

    def _severity(self) -> None:
        options = [
            ("1", "SEV1", "SEV1: everybody is hurt, now"),
            ("2", "SEV2", "SEV2: many are hurt, or will be soon"),
            ("3", "SEV3", "SEV3: some are hurt, it can wait for the day"),
            ("4", "SEV4", "SEV4: nobody is hurt yet"),
        ]
        self._pick(
            f"{self.key}: how grave?",
            options,
            lambda s: self._do(
                lambda db, actor, now: writing.assign(db, self.key, severity=s, actor=actor, now=now),  # type: ignore[arg-type]
                f"{self.key} is {s}",
            ),
        )

    def _owner(self) -> None:
        self._ask(
            "owner",
            lambda who: self._do(
                lambda db, actor, now: writing.assign(db, self.key, owner=who, actor=actor, now=now),
                f"{self.key} belongs to {who}",
            ),
            value=self.pane.shell.services.actor().name,
        )

    def _hypothesis(self, text: str) -> None:
        first, _, rest = text.partition(" ")
        cause, words = (first.rstrip(":"), rest) if _CAUSE.fullmatch(first.rstrip(":")) else (None, text)
        self._do(
            lambda db, actor, now: writing.hypothesis(db, self.key, words, cause=cause, actor=actor, now=now),
            "hypothesis written down; i then e adds evidence",
        )

    def _evidence(self) -> None:
        found = hypotheses.hypotheses(incidents.events(self.pane.db, self.incident.id))
        if not found:
            raise UsageError(f"{self.key} has no hypothesis yet", "write one down first: i then h")

        def side(hypothesis: str) -> None:
            options = [("f", "for", "it speaks for it"), ("a", "against", "it speaks against it")]
            self._pick("Which way does it point?", options, lambda s: fact(hypothesis, s == "for"))

        def fact(hypothesis: str, supports: bool) -> None:
            self._ask("fact (as alert:7, batch:12, metric:3), or words", lambda t: self._add(hypothesis, supports, t))

        options = [(k, str(h.id), f"{h.words}: {h.text}") for k, h in zip(_KEYS, found, strict=False)]
        self._pick(f"{self.key}: evidence about which hypothesis?", options, side)

    def _add(self, hypothesis: str, supports: bool, text: str) -> None:
        first, _, rest = text.strip().partition(" ")
        reference, words = (first, rest) if _REFERENCE.fullmatch(first) else (None, text)
        self._do(
            lambda db, actor, now: writing.evidence(
                db, self.key, int(hypothesis), supports=supports, reference=reference, text=words, actor=actor, now=now
            ),
            "evidence linked",
        )

    def _done(self) -> None:
        left = [f for f in ledger.follow_ups(incidents.events(self.pane.db, self.incident.id)) if f.done_by is None]
        if not left:
            raise UsageError(f"{self.key} has no open follow-up", "i then t leaves one")
        self._pick(
            f"{self.key}: which one is done?",
            [(k, str(f.id), f.text) for k, f in zip(_KEYS, left, strict=False)],
            lambda i: self._do(
                lambda db, actor, now: writing.follow_up_done(db, self.key, int(i), actor=actor, now=now), "done"
            ),
        )

    def _prevention(self) -> None:
        options = [
            ("c", "check", "a check"),
            ("s", "set_name", "an entry of an evaluation set"),
            ("n", "reason", "nothing, and why"),
        ]

        def ask(kind: str) -> None:
            self._ask(
                {"check": "name of the check", "set_name": "name of the set", "reason": "why neither"}[kind],
                lambda words: self._do(
                    lambda db, actor, now: writing.prevent(db, self.key, **{kind: words}, actor=actor, now=now),
                    "written down",
                ),
                value=next(iter(sets_of(self.pane.db, self.incident)), "") if kind == "set_name" else "",
            )

        self._pick(f"{self.key}: what will catch it next time?", options, ask)

    # -- asking and doing ---------------------------------------------------------------------------------------

    def _words(self, label: str, write: Callable[..., int], said: str) -> None:
        self._ask(
            label,
            lambda text: self._do(lambda db, actor, now: write(db, self.key, text, actor=actor, now=now), said),
        )

    def _pick(self, title: str, options: Sequence[tuple[str, str, str]], then: Callable[[str], None]) -> None:
        shell = self.pane.shell
        shell.open_sheet(Choice(title, options), lambda picked: shell.call_later(shell.attempt, lambda: then(picked)))

    def _ask(self, label: str, then: Callable[[str], None], *, value: str = "") -> None:
        self.pane.shell.ask(f"{self.key} {label}: ", lambda text: then(text.strip()), value=value)

    def _do(self, work: Work, said: str) -> None:
        actor, now = self.pane.shell.services.actor(), self.pane.shell.now()
        self.pane.record("incident", lambda db: work(db, actor, now), lambda _: self.pane.shell.say(said))


def _numbered(words: Sequence[str]) -> list[tuple[str, str, str]]:
    """A key for each word: its first letter not taken yet, else a digit."""
    taken: set[str] = set()
    options = []
    for number, word in enumerate(words, 1):
        key = next((c for c in word if c not in taken), str(number % 10))
        taken.add(key)
        options.append((key, word, word))
    return options
