"""Answers that can't be read: a candidate that gives none where it would be wrong must not look better for it."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from storage.records.looks import Look
from storage.records.models import Model
from storage.records.rollouts import Condition, GuardrailRule, Rollout, StageRule
from storage.tables import looks

MOST = 0.01
"""Share of a candidate's answers that may be unreadable whatever the control's is."""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Rows of both arms over the looks of one guardrail, and those whose answer (or latency) can't be read."""

    rows: int
    unreadable: int
    control_rows: int
    control_unreadable: int

    @property
    def more(self) -> bool:
        """Whether the candidate has more than is put up with, and surely more than the control.

        >>> Unreadable(1000, 60, 9000, 0).more, Unreadable(1000, 60, 9000, 540).more, Unreadable(1000, 9, 9000, 0).more
        (True, False, False)
        """
        from core.stats.intervals import wilson

        if not self.rows or self.unreadable <= MOST * self.rows:
            return False
        theirs = self.control_unreadable / self.control_rows if self.control_rows else 0.0
        return wilson(self.unreadable, self.rows)[0] > theirs


def conditions(
    db: sqlite3.Connection,
    model: Model,  # noqa: ARG001 - whatever makes conditions is called alike
    rollout: Rollout,
    stage_rule: StageRule,
    *,
    now: datetime,  # noqa: ARG001
) -> tuple[Condition, ...]:
    """A candidate of whose answers too many can't be read is held; nothing where they can. Reads the store alone."""
    if not stage_rule.has_arms:
        return ()
    seen = looks.looks(db, rollout.id, stage_rule.stage, rollout.baseline)
    held = [sentence for rule in stage_rule.guardrails for sentence in [_held(rule, seen)] if sentence]
    return tuple(Condition("unreadable", False, text) for text in dict.fromkeys(held))


def counted(rule: GuardrailRule, seen: Sequence[Look]) -> Unreadable:
    """Rows and unreadable answers over all looks of a guardrail that counted them."""
    mine = [look for look in seen if look.guardrail == rule.name and look.control_rows]
    return Unreadable(
        sum(look.rows for look in mine), sum(look.unreadable for look in mine),
        sum(look.control_rows for look in mine), sum(look.control_unreadable for look in mine),
    )  # fmt: skip


def words(rule: GuardrailRule, found: Unreadable) -> str:
    """The numbers of both arms; alike for guardrails that read the same of the same rows."""
    what = "latencies" if rule.signal == "latency" else "answers"
    where = f" in {rule.slice}" if rule.slice is not None else ""
    return (
        f"{found.unreadable:,} of {found.rows:,} {what} of the candidate{where} can't be read"
        f" ({found.unreadable / max(found.rows, 1):.1%}; {found.control_unreadable:,} of {found.control_rows:,} of the"
        f" control's, {found.control_unreadable / max(found.control_rows, 1):.1%})"
    )


def _held(rule: GuardrailRule, seen: Sequence[Look]) -> str | None:
    found = counted(rule, seen)
    return f"{words(rule, found)}: more than {MOST:.0%}, and than the control" if found.more else None
