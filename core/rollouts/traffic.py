"""Whether the arms of a stage have the shares of traffic that they should: a split that is off voids what they say."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from storage.records.looks import Look, Split

if TYPE_CHECKING:
    from core.stats.gates.split import Split as SplitTest

ALPHA = 0.001
"""Chance that a split as it should be is ever called off."""


class Traffic:
    """Rows of both arms, look by look.

    Attributes:
        rows: of the candidate's arm.
        off_at: the first moment at which the split was certainly off; it stays, for what was measured stays spoiled.
        wrong: looks that cannot be believed; ``why_wrong`` says it of the first, with the start of its window.
    """

    def __init__(self) -> None:
        self.test: SplitTest | None = None
        self.rows = self.looks = self.wrong = 0
        self.why_wrong: tuple[str, datetime] | None = None
        self.off_at: datetime | None = None

    def add(self, look: Look) -> None:
        """Take in one look."""
        from core.stats.gates.split import Split as Test

        try:
            if not isinstance(look.sums, Split):
                raise ValueError("counts that are no traffic split")
            test = (self.test or Test()).add(look.sums.canary, look.sums.control, look.sums.expected)
        except ValueError as error:
            self.wrong += 1
            self.why_wrong = self.why_wrong or (str(error), look.window_start)
            return
        self.test = test
        self.looks += 1
        self.rows += look.rows

    def settle(self, at: datetime) -> None:
        """Read what the looks up to ``at`` say."""
        if self.off_at is None and self.test is not None and self.test.off(ALPHA):
            self.off_at = at
