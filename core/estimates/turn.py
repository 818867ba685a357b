"""What estimates owe to every batch and every label file: learn when it is due, and judge what was said before."""

from __future__ import annotations

import sqlite3
from datetime import datetime

from core.estimates.estimate import judge_again
from storage.records.models import Model


def learn_and_judge(db: sqlite3.Connection, model: Model, *, now: datetime) -> None:
    """Learn anew where enough labelled rows have come, and judge the estimates of batches without labels again."""
    from core.estimates.learning import keep_learning

    keep_learning(db, model, now=now)
    judge_again(db, model, now=now)
