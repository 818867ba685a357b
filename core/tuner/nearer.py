"""A nearer limit, for a check that came late: what it would have told besides, by judging stored batches anew."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import replace

from core.tuner.backtest import BackTest, back_test, opened
from core.tuner.history import History, weeks_of
from core.tuner.proposals import Candidate
from core.tuner.rejudge import Rejudged, rejudge
from core.tuner.replay import Told
from core.tuner.standing import changed, spec_of, tuned_specs
from storage.records.models import CheckSpec, Model
from storage.records.results import TIERS
from storage.records.verdict_history import PastAlert

NEARER = 0.8
"""The limit that is proposed, times the one in force."""


def nearer(db: sqlite3.Connection, model: Model, check: str, column: str | None, history: History) -> Candidate | None:
    """The limit of a check a fifth nearer; None where it would tell nothing new, or lose a known fault."""
    before = tuned_specs(db, model)
    spec = spec_of(before, check, column)
    times = spec.times if spec is not None and spec.times is not None else 1.0
    change = {"times": float(f"{NEARER * times:.3g}")}
    test = anew(db, model, history, before, changed(before, check, column, change))
    return Candidate(check, column, change, test) if test.new and not test.lost else None


def anew(
    db: sqlite3.Connection,
    model: Model,
    history: History,
    before: tuple[CheckSpec, ...],
    after: tuple[CheckSpec, ...],
) -> BackTest:
    """The back-test of a change that stored verdicts can't answer: the latest batches, judged by both sets of checks.

    What people said of alerts, and known faults lost, still come from the whole history where verdicts tell of them.
    """
    walked = back_test(history, before, after)
    judged = rejudge(db, model, before, after)
    ids = {batch.id for batch in judged.batches}
    chosen = tuple(batch for batch in history.batches if batch.id in ids)
    lost = {*walked.lost, *(a.id for a in history.every_alert() if a.known and _loses(judged, a))}
    counts = [sum(map(len, days)) for days in (judged.before, judged.after)]
    return replace(
        walked,
        weeks=weeks_of(chosen),
        batches=len(chosen),
        alerts_before=counts[0],
        alerts_after=counts[1],
        pages_before=opened(judged.before, "page"),
        pages_after=opened(judged.after, "page"),
        tickets_before=opened(judged.before, "ticket"),
        tickets_after=opened(judged.after, "ticket"),
        lost=tuple(sorted(lost)),
        new=sum(
            not any(t.group_key == told.group_key for t in was)
            for was, then in zip(judged.before, judged.after, strict=True)
            for told in then
        ),
    )


def _loses(judged: Rejudged, alert: PastAlert) -> bool:
    """Whether a known alert that the checks in force tell of a batch is told less loud, or not at all."""
    for batch, was, then in zip(judged.batches, judged.before, judged.after, strict=True):
        if batch.id == alert.batch_id:
            return _rank(was, alert) < len(TIERS) and _rank(then, alert) > _rank(was, alert)
    return False


def _rank(told: Sequence[Told], alert: PastAlert) -> int:
    found = [TIERS.index(t.tier) for t in told if t.group_key == alert.group_key]
    return min(found, default=len(TIERS))
