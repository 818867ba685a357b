"""What is said of an alert's worth, as a person reads it."""

from __future__ import annotations

from collections.abc import Sequence

from storage.records.alerts import Alert
from storage.records.worth import Worth
from storage.tables.past_answers import PastAnswer

HOW = {"counts": "by counting answers", "model": "by the model learned from answers"}


def act(alert: Alert) -> str:
    """The probability that somebody acts on it, and the answers it rests on: ``60% 3/5``; ``*`` marks the model's.

    Counting tells no number where nobody has answered an alert like it.

    >>> from types import SimpleNamespace as Row
    >>> act(Row(worth=Worth(0.6, 0.6, "counts", "ticket", 3, 5, ())))
    '60% 3/5'
    >>> act(Row(worth=Worth(0.034, 0.034, "model", "ticket", 0, 0, ())))
    '3%*'
    >>> act(Row(worth=Worth(0.5, 0.5, "counts", "ticket", 0, 0, ())))
    '-'
    """
    worth = alert.worth
    if worth is None:
        return f"{alert.acted}/{alert.judged}" if alert.judged else "-"
    if _unknown(worth):
        return "-"
    told = f"{worth.probability:.0%}{'*' if worth.method == 'model' else ''}"
    return f"{told} {worth.worthy}/{worth.judged}" if worth.judged else told


def lines(alert: Alert) -> list[str]:
    """The probability, how often it was acted on, a tier that was moved, and the reasons; each a line."""
    acted = f"acted on {alert.acted} of {alert.judged} answered" if alert.judged else "never answered"
    worth = alert.worth
    if worth is None:
        return [f"seen x{alert.seen}, {acted}"]
    likely = "P(act) unknown" if _unknown(worth) else f"P(act) {worth.probability:.0%} {HOW[worth.method]}"
    told = [f"{likely}; seen x{alert.seen}, {acted}"]
    if worth.tier_before != alert.tier:
        told.append(f"was {worth.tier_before}, now {alert.tier}")
    return [*told, *(f"  when it was raised: {_then(reason)}" for reason in worth.reasons)]


def _then(reason: str) -> str:
    """A reason as it was when the alert was raised: answers have come since.

    >>> _then("nobody has answered an alert of this model yet")
    'nobody had answered an alert of this model yet'
    """
    return reason.replace("nobody has answered", "nobody had answered", 1)


def _unknown(worth: Worth) -> bool:
    return worth.method == "counts" and not worth.judged


def last(past: Sequence[PastAnswer]) -> str | None:
    """Who did what last with this kind of alert; None where nobody ever did anything.

    >>> from datetime import UTC, datetime
    >>> last([PastAnswer(datetime(2026, 11, 23, tzinfo=UTC), "ada", "feedback noise", "", "churn", True, 1)]), last([])
    ('ada noise', None)
    """
    return f"{past[0].by} {past[0].what.removeprefix('feedback ')}" if past else None
