"""What a model file says of its alerts: how many, for whom, and until when they may be quiet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import time, timedelta


@dataclass(frozen=True, slots=True)
class AlertRules:
    """The ``[alerts]`` of a model file, with defaults filled in.

    Attributes:
        pages_per_week: the budget: how many pages a week the team agreed to be woken by.
        escalate_after: how long a page may stay unanswered before the next person is called.
        escalate_to: who is called after the owner, in order.
        escalate_times: how often one page is passed on at most; 0 for never.
        morning: the wall-clock time until which "until morning" snoozes; ``shift_end`` likewise.
        upstream: names of what feeds the model, as tables or pipelines; models that share one may share a storm.
        runbook: text or address that is shown with every alert.
        no_data_after: how long after its last data a model has none; None for three times its usual distance.
        importance: weight of a column, 0 or more; a column that is not named weighs 1.
    """

    pages_per_week: float = 2.0
    escalate_after: timedelta = timedelta(minutes=30)
    escalate_to: tuple[str, ...] = ()
    escalate_times: int = 2
    morning: time = time(8)
    shift_end: time = time(18)
    upstream: tuple[str, ...] = ()
    runbook: str | None = None
    no_data_after: timedelta | None = None
    importance: Mapping[str, float] = field(default_factory=dict)
