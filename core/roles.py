"""Guessing which column plays which part in a log that no model file describes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from core.text_profiles import distinct_estimates
from storage.records.logs import Roles

if TYPE_CHECKING:
    from storage.logs.source import LogSource

_TIME = re.compile(r"(time|date|_at$|^ts$|stamp)", re.IGNORECASE)
_ID = re.compile(r"(^|[_.\- ])(id|uuid|guid)$", re.IGNORECASE)
_PREDICTION = re.compile(r"^(prediction|predicted(_\w+)?|pred|score|y_pred|y_hat|probability)$", re.IGNORECASE)
_LABEL = re.compile(r"^(label|target|truth|y|y_true|actual|outcome)$", re.IGNORECASE)
_VERSION = re.compile(r"^(model_)?version$", re.IGNORECASE)
_STAGE = re.compile(r"^stage$", re.IGNORECASE)
_NEARLY_ALL = 0.9


def guess_log_roles(source: LogSource) -> Roles:
    """Roles by the names and kinds of the columns; the id must be named like one and nearly unique.

    A part for which no column is found stays empty: nothing is guessed from values alone.
    """
    names = [column.name for column in source.columns]
    times = [name for name in source.names("time") if _TIME.search(name)] or source.names("time")
    ids = [name for name in source.names("text", "number") if _ID.search(name)]
    distinct = distinct_estimates(source, ids)
    ids = [name for name in ids if distinct[name] >= _NEARLY_ALL * source.rows]
    return Roles(
        time=times[0] if times else None,
        id=ids[0] if ids else None,
        prediction=_first(_PREDICTION, names),
        label=_first(_LABEL, names),
        version=_first(_VERSION, names),
        stage=_first(_STAGE, names),
    )


def _first(pattern: re.Pattern[str], names: list[str]) -> str | None:
    return next((name for name in names if pattern.search(name)), None)
