"""How labels and predictions are written: SQL expressions that turn what people write into numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from storage.logs.quoting import sql_name as name
from storage.logs.quoting import sql_text as text
from storage.records.models import ModelFile

if TYPE_CHECKING:
    from storage.logs.source import LogSource

YES = ("1", "true", "yes", "y", "t")
NO = ("0", "false", "no", "n", "f", "-1")


def plain_text(source: LogSource, column: str) -> str:
    """A column as trimmed text, whole numbers without their fraction: 12 of one file is 12.0 of another."""
    quoted = name(column)
    if source.column(column).kind == "number":
        whole = f"{quoted} = floor({quoted}) AND abs({quoted}) < 9e15"
        return f"CASE WHEN {whole} THEN {quoted}::HUGEINT::VARCHAR ELSE {quoted}::VARCHAR END"
    return f"nullif(trim({quoted}::VARCHAR), '')"


def _listed(words: Sequence[str]) -> str:
    return ", ".join(text(word) for word in words)


def as_class(column: str, model: ModelFile) -> str:
    """A binary class as 0 and 1, NULL for what is neither."""
    if model.labels.positive is not None:
        positive = text(model.labels.positive.strip().lower())
        return f"CASE WHEN {column} IS NULL THEN NULL WHEN lower({column}) = {positive} THEN 1.0 ELSE 0.0 END"
    return (
        f"CASE WHEN lower({column}) IN ({_listed(YES)}) THEN 1.0 WHEN lower({column}) IN ({_listed(NO)}) THEN 0.0 END"
    )


def as_decided(column: str, model: ModelFile) -> str:
    """The class a log decided on: yes and no in any form, and the positive class by its name."""
    positive = (model.labels.positive or "").strip().lower()
    if positive in ("", *YES, *NO):
        return as_class(column, model)
    known = f"lower({column}) IN ({_listed((*YES, positive))})"
    return f"CASE WHEN {column} IS NULL THEN NULL WHEN {known} THEN 1.0 ELSE 0.0 END"


def _as_number(column: str) -> str:
    return f"TRY_CAST({column} AS DOUBLE)"


def _as_code(column: str) -> str:
    """A number that stands for a class: 52 bits of a hash, so that two classes of a log don't meet."""
    return f"(hash(lower({column})) >> 12)::DOUBLE + 0 * length({column})"


def as_label(column: str, model: ModelFile) -> str:
    """A label as a number, NULL for what is none."""
    if model.task == "binary":
        return as_class(column, model)
    if model.task == "regression":
        return f"CASE WHEN isfinite({_as_number(column)}) THEN {_as_number(column)} END"
    return _as_code(column)


def as_score(column: str, model: ModelFile) -> str:
    """A prediction as a number, NULL for what is none; a binary class in words is 0 or 1."""
    if model.task == "binary":
        return f"coalesce({_as_number(column)}, {as_decided(column, model)})"
    return _as_number(column) if model.task == "regression" else _as_code(column)


def as_shown(model: ModelFile) -> str:
    """The label as business SQL sees it: 0 and 1, a number, or the class's text."""
    truth = as_label("__label", model)
    return {"binary": f"({truth})::INTEGER", "regression": truth, "multiclass": "__label"}[model.task]
