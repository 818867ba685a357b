"""What labels and predictions say of a row, as SQL over the rows of a side: NULL where they can't be read."""

from __future__ import annotations

from core.slices.sides import Side
from storage.logs.label_values import as_decided, as_label, as_score, plain_text
from storage.logs.late_labels import LATE_LABEL
from storage.logs.quoting import sql_name as name
from storage.records.models import ModelFile

CLIP = 1e-15
"""Scores are kept so far from 0 and 1 before a logarithm is taken."""


def truth_sql(side: Side, model: ModelFile) -> str | None:
    """The label of a row as a number, late labels before the log's own; None when there is no label at all."""
    column = model.columns.label
    late = side.late
    known = column is not None and column in side.kinds
    if not late and not known:
        return None
    if known and not late and column is not None and side.kinds[column] in ("number", "boolean"):
        value = f"{name(column)}::double"
        if model.task == "binary" and model.labels.positive is None:
            return f"case when {value} = 1 then 1.0 when {value} = 0 or {value} = -1 then 0.0 end"
        if model.task == "regression":
            return f"case when isfinite({value}) then {value} end"
    return as_label(f"({label_text_sql(side, model)})", model)


def label_text_sql(side: Side, model: ModelFile) -> str:
    """The label as text, the late one before the log's own."""
    column = model.columns.label
    own = plain_text(side.source, column) if column is not None and column in side.kinds else "null"
    return f"coalesce({LATE_LABEL if side.late else 'null'}, {own})"


def class_texts_sql(side: Side, model: ModelFile) -> tuple[str, str]:
    """The class that was said and the true one as the log writes them, of a multiclass model."""
    decided = model.columns.predicted_class
    said = decided if decided is not None and decided in side.kinds else model.columns.prediction
    return plain_text(side.source, said), label_text_sql(side, model)


def score_sql(side: Side, model: ModelFile) -> str | None:
    """The prediction as a number that can be judged: finite, and in a binary task within 0 and 1."""
    column = model.columns.prediction
    if column not in side.kinds:
        return None
    number = side.kinds[column] == "number"
    decided = model.columns.predicted_class
    if model.task == "multiclass" and decided in side.kinds and decided is not None:
        column = decided
    plain = number and model.task in ("binary", "regression")
    score = f"{name(column)}::double" if plain else f"({as_score(f'({plain_text(side.source, column)})', model)})"
    if model.task == "multiclass":
        return score
    usable = f"{score} between 0 and 1" if model.task == "binary" else f"isfinite({score})"
    return f"(case when {usable} then {score} end)"


def positive_sql(side: Side, model: ModelFile) -> str | None:
    """Whether a row was predicted positive: as the serving system decided, else by the threshold."""
    score = score_sql(side, model)
    if score is None:
        return None
    threshold = next((m.threshold for m in model.metrics if m.threshold != 0.5), 0.5)
    above = f"({score} >= {threshold!r})"
    decided = model.columns.predicted_class
    if decided is None or decided not in side.kinds:
        return above
    return f"coalesce(({as_decided(f'({plain_text(side.source, decided)})', model)}) = 1, {above})"


def error_sql(side: Side, model: ModelFile, *, loss: bool, ripe: bool) -> str | None:
    """What a row's answer was off by: 0/1 or the absolute error, or with ``loss`` the log loss or the squared error.

    Args:
        ripe: only where labels have had their time.
    """
    truth, score = truth_sql(side, model), score_sql(side, model)
    if truth is None or score is None:
        return None
    if model.task == "regression":
        value = f"abs({score} - ({truth}))" if not loss else f"pow({score} - ({truth}), 2)"
    elif model.task == "binary" and loss:
        value = f"-ln(greatest({CLIP!r}, case when ({truth}) = 1 then {score} else 1 - {score} end))"
    elif model.task == "binary":
        value = f"({positive_sql(side, model)} <> (({truth}) = 1))::double"
    else:
        value = f"({score} <> ({truth}))::double"
    known = f"({truth}) is not null and {score} is not null"
    if model.task == "regression":
        known += f" and isfinite({value})"
    if ripe and side.mature != "true":
        known = f"{side.mature} and {known}"
    return f"case when {known} then {value} end"
