"""What a model learned that it can't know when it answers: looked for in the rows that its version learned from."""

from __future__ import annotations

from core.checks.base import Check, CheckContext, failed, percent
from core.checks.beside import Training
from core.checks.summary import answer
from core.metrics.registry import METRICS
from storage.records.results import Finding

TOO_GOOD = 0.995
"""A column alone that ranks the label so well has seen it."""

LATE = 0.01
KNOWN = 0.01
"""Shares of rows from which late times and known ids are told."""

GAP = 0.1
"""Offline better than live by this much, of a metric in [0, 1], or by half of an error."""


def run(context: CheckContext) -> list[Finding]:
    """A column too good, a time after the prediction, training ids in live data, offline far above live."""
    training = context.beside.training
    if training is None:
        return answer(CHECK, [], 0, [context.beside.reasons.get(CHECK.name, "no training rows of the live version")])
    found = [*_too_good(context, training), *_late(context, training), *_known(context, training)]
    found += _gap(context, training)
    judged = len(training.alone) + len(training.offline)
    return answer(CHECK, found, judged, [] if judged else ["training rows without a label of 0 and 1, or features"])


def _too_good(context: CheckContext, training: Training) -> list[Finding]:
    return [
        _failed(
            context,
            f"{column!r} alone ranks the label of the training rows of {training.version} with AUC {value:.3f}: "
            "it knew the answer",
            column,
            value,
            TOO_GOOD,
            "ticket",
        )
        for column, value in training.alone.items()
        if value >= TOO_GOOD and column not in context.roles.ignore
    ]


def _late(context: CheckContext, training: Training) -> list[Finding]:
    rows = training.profile.rows if training.profile is not None else 0
    return [
        _failed(
            context,
            f"{column!r} lies after the prediction in {late:,} of {rows:,} training rows of {training.version}",
            column,
            late / rows,
            LATE,
            "ticket",
        )
        for column, late in training.late.items()
        if rows and late / rows >= LATE and column not in context.roles.ignore
    ]


def _known(context: CheckContext, training: Training) -> list[Finding]:
    share = training.known_ids / context.current.rows if context.current.rows else 0.0
    if share < KNOWN:
        return []
    told = (
        f"{training.known_ids:,} rows ({percent(share)}) are among the training rows of {training.version}: "
        "metrics of them say nothing"
    )
    return [_failed(context, told, context.roles.id or "", share, KNOWN, "digest")]


def _gap(context: CheckContext, training: Training) -> list[Finding]:
    found = []
    for metric in METRICS:
        if (
            metric.name not in training.offline
            or metric.name not in training.live
            or metric.direction not in ("up", "down")
        ):
            continue
        offline = training.offline[metric.name]
        live, error, labels = training.live[metric.name]
        worse = offline - live if metric.direction == "up" else live - offline
        limit = max(GAP if metric.direction == "up" else 0.5 * abs(offline), 3 * error)
        if worse > limit:
            told = (
                f"{metric.name} of {training.version} was {offline:.3f} offline and is {live:.3f} live on {labels:,} "
                "labels: it learned something that it does not have when it answers, or the world changed"
            )
            found.append(_failed(context, told, context.roles.prediction or "", worse, limit, "ticket"))
    return found


def _failed(context: CheckContext, told: str, column: str, value: float, limit: float, tier: str) -> Finding:
    return failed(
        context,
        CHECK,
        told,
        cause="leakage",
        ratio=max(value / limit, 1.0),
        column=column or None,
        value=value,
        threshold=limit,
        tier=tier,  # type: ignore[arg-type]
    )


CHECK = Check(
    "leakage",
    "hard",
    "ticket",
    "training rows or offline metrics, named by the data of the live version",
    "a feature that knew the label is worth nothing when the label is not there yet",
    run,
    "do not promote; take the column out of the features, train again",
)
