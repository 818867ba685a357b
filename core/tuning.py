"""A first, simple tuner: a threshold from feedback, with a back-test over the stored history.

It never proposes one that would have missed a finding that somebody acted on, called useful, or linked to an incident.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from storage.errors import UsageError
from storage.records.models import Model
from storage.tables import tuning

MARGIN = 0.05
"""How far beyond the largest noise the proposal lies, as a share of it."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """A threshold and what it would have done to the stored history.

    Attributes:
        threshold: None when no change would remove noise without losing a known fault.
        above: whether the check fires above its threshold (else below).
        fired_before, fired_after: findings of this check in the history, under the old and the proposed threshold.
        noise_before, noise_after: those called noise or duplicate.
        kept: known faults, all of which still fire.
    """

    check: str
    column: str | None
    threshold: float | None
    current: float | None
    above: bool
    fired_before: int
    fired_after: int
    noise_before: int
    noise_after: int
    kept: int
    reason: str

    def text(self) -> str:
        """What to say to a person; the last lines are ready to paste into the model file."""
        told = [
            f"{self.check}{f' on {self.column}' if self.column else ''}: {self.reason}",
            f"fired {self.fired_before} times, {self.noise_before} of them noise; {self.kept} known faults",
        ]
        if self.threshold is not None:
            told.append(f"with the proposal: {self.fired_after} times, {self.noise_after} noise, all {self.kept} kept")
            column = f'column = "{self.column}"\n' if self.column else ""
            told.append(f'\n[[checks]]\ncheck = "{self.check}"\n{column}threshold = {self.threshold:.6g}')
        return "\n".join(told)


def propose(db: sqlite3.Connection, model: Model, check: str, column: str | None) -> Proposal:
    """The loosest threshold that loses no known fault and gets rid of noise.

    Raises:
        UsageError: the check has never judged this model (or this column).
    """
    rows = tuning.history(db, model.id, check, column)
    if not rows:
        where = f" on {column!r}" if column else ""
        raise UsageError(f"the check {check!r} has no results for {model.name}{where}", "see: midwatch alerts show ID")
    fired = [r for r in rows if r.fired]
    above = all(r.value >= r.threshold for r in fired)
    current = rows[-1].threshold
    sign = 1.0 if above else -1.0
    noise = [sign * r.value for r in fired if r.noise and not r.known]
    known = [sign * r.value for r in fired if r.known]
    limit = min(known, default=float("inf"))
    removable = [value for value in noise if value < limit]
    threshold: float | None = None
    if not noise:
        reason = "nobody has called a finding of it noise"
    elif not removable:
        reason = "its noise is as strong as the faults it caught: a threshold can't tell them apart"
    else:
        worst = max(removable)
        wanted = worst + MARGIN * abs(worst)
        threshold = sign * (wanted if wanted < limit else (worst + limit) / 2)
        reason = f"threshold {current:.6g} -> {threshold:.6g}"
    bound = float("-inf") if threshold is None else sign * threshold
    return Proposal(
        check=check,
        column=column,
        threshold=threshold,
        current=current,
        above=above,
        fired_before=len(fired),
        fired_after=sum(sign * r.value > bound for r in fired),
        noise_before=len(noise),
        noise_after=sum(value > bound for value in noise),
        kept=len(known),
        reason=reason,
    )
