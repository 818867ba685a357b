"""Whether the arms of a stage have the shares of traffic that they should have: one that is off voids what they say.

Rows are counted where each falls on an arm by itself. Where users are, and keep their arm, their rows come in clumps
and come back: counted by rows, 46 to 79 % of fair splits were called off in 60 looks, and with the users of all looks
added up 32 to 50 %. There the users of one look are tested, the one that saw most of them: none of 600 was called off.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from storage.records.looks import Binary, Look, Means, Ranks, Split
from storage.records.rollouts import StageRule

if TYPE_CHECKING:
    from core.stats.gates.split import Split as SplitTest

ALPHA = 0.001
"""Chance that a split as it should be is ever called off."""


class Traffic:
    """Rows, or users, of both arms, look by look.

    Attributes:
        unit: what is tested: users where the rule has a guardrail of users, rows otherwise.
        rows: of the candidate's arm, in looks that can be believed.
        off_at: the first moment at which the split was certainly off; it stays, for what was measured stays spoiled.
        wrong: looks that cannot be believed; ``why_wrong`` says it of the first, with the start of its window.
    """

    def __init__(self, rule: StageRule) -> None:
        self.share = rule.traffic
        by_user = [each for each in rule.guardrails if each.unit == "user" and each.slice is None]
        self.unit = "users" if by_user else "rows"
        at_once = {each.name for each in by_user if not each.needs_labels}
        self._of_users = at_once or {each.name for each in by_user}
        self._most = 0
        self.test: SplitTest | None = None
        self.rows = self.wrong = 0
        self.why_wrong: tuple[str, datetime] | None = None
        self.off_at: datetime | None = None

    def add(self, look: Look) -> None:
        """Take in one look at the rows of both arms."""
        from core.stats.gates.split import Split as Test

        try:
            if not isinstance(look.sums, Split):
                raise ValueError("counts that are no traffic split")
            before = (self.test or Test()) if self.unit == "rows" else Test()
            test = before.add(look.sums.canary, look.sums.control, look.sums.expected)
        except ValueError as error:
            self.wrong += 1
            self.why_wrong = self.why_wrong or (str(error), look.window_start)
            return
        self.rows += look.rows
        if self.unit == "rows":
            self.test = test

    def add_units(self, look: Look) -> None:
        """Take in one look of a guardrail that can be believed: its users are tested where users are."""
        if look.guardrail not in self._of_users or not 0.0 < self.share < 1.0:
            return
        match look.sums:
            case Binary() | Ranks():
                canary, control = look.sums.canary, look.sums.control
            case Means():
                canary, control = look.sums.canary.n, look.sums.control.n
            case _:
                return
        if canary + control > self._most:
            from core.stats.gates.split import Split as Test

            self._most = canary + control
            self.test = Test().add(canary, control, self.share)

    def settle(self, at: datetime) -> None:
        """Read what the looks up to ``at`` say."""
        if self.off_at is None and self.test is not None and self.test.off(ALPHA):
            self.off_at = at
