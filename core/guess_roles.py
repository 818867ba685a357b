"""Roles guessed from the names and kinds of columns, for when no model file says them."""

from __future__ import annotations

import re
from collections.abc import Sequence

from storage.records.logs import Kind, LogColumn, Roles

_TIMES = re.compile(r"^(scored_at|predicted_at|timestamp|time|ts|datetime|event_time|created_at|time_hour|date)$", re.I)
_IDS = re.compile(r"^(id|request_id|prediction_id|row_id|event_id|uuid|record_id)$", re.I)
_PREDICTIONS = re.compile(
    r"^(prediction|score|probability|prob|y_pred|y_score|y_hat|pred|predicted(_(probability|class|label|value|score))?)$",
    re.I,
)
_LABELS = re.compile(r"^(label|target|y_true|ground_truth|truth|actual|outcome|y)$", re.I)
_VERSIONS = re.compile(r"^(model_version|version)$", re.I)
_STAGES = re.compile(r"^(stage|rollout_stage)$", re.I)


def guess_roles(columns: Sequence[LogColumn]) -> Roles:
    """The likeliest column of each role by its name; the time must have been read as times.

    >>> guess_roles([LogColumn("ts", "time", "TIMESTAMP"), LogColumn("score", "number", "DOUBLE")]).prediction
    'score'
    """
    times = [c.name for c in columns if c.kind == "time"]
    named = [n for n in times if _TIMES.match(n)]
    return Roles(
        time=next(iter(named or times), None),
        id=_first(columns, _IDS, ("text", "number")),
        prediction=_likeliest_prediction(columns),
        label=_first(columns, _LABELS, ("number", "boolean", "text")),
        version=_first(columns, _VERSIONS, ("text", "number")),
        stage=_first(columns, _STAGES, ("text",)),
    )


def described(roles: Roles) -> str:
    """The guesses for a person.

    >>> described(Roles(time="ts", prediction="score"))
    'time ts, prediction score'
    """
    told = [
        f"{part} {getattr(roles, part)}"
        for part in ("time", "id", "prediction", "label", "version", "stage")
        if getattr(roles, part)
    ]
    return ", ".join(told) or "none"


def _first(columns: Sequence[LogColumn], pattern: re.Pattern[str], kinds: tuple[Kind, ...]) -> str | None:
    return next((c.name for c in columns if c.kind in kinds and pattern.match(c.name)), None)


def _likeliest_prediction(columns: Sequence[LogColumn]) -> str | None:
    """A score goes before a class: it says more."""
    found = [c for c in columns if _PREDICTIONS.match(c.name)]
    scores = [c for c in found if re.search(r"prob|score", c.name, re.I)]
    return (scores or found)[0].name if found else None
