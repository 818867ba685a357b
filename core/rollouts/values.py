"""What a guardrail measures of a row, as SQL over an open log: NULL where a row has no value."""

from __future__ import annotations

from typing import TYPE_CHECKING

from storage.errors import SourceError
from storage.logs.quoting import sql_name
from storage.records.models import Guardrail, ModelFile
from storage.records.rollouts import GuardrailRule

if TYPE_CHECKING:
    from core.slices.sides import Side

LABELLED = ("error", "loss", "abs_error")
"""Signals that need labels; ``sql`` does where it reads the label's column."""


def value_sql(side: Side, file: ModelFile, guardrail: Guardrail | GuardrailRule) -> str:
    """The signal of a row as a double, its cap not applied.

    Raises:
        SourceError: the log lacks a column that it needs, or no label is there.
        ModelFileError: its SQL is not one expression over the log's columns.
    """
    found = _value(side, file, guardrail)
    if found is None:
        raise SourceError(
            f"{side.source.files[0].path} has nothing to measure {guardrail.signal!r} by",
            "name the column in the model file, or take the guardrail out",
        )
    return f"({found})::double"


def _value(side: Side, file: ModelFile, guardrail: Guardrail | GuardrailRule) -> str | None:
    from core.slices.row_values import error_sql, score_sql, truth_sql

    match guardrail.signal:
        case "error" if file.task == "regression":
            return error_sql(side, file, loss=False, ripe=False)
        case "error":
            return _wrong(side, file)
        case "loss":
            return error_sql(side, file, loss=True, ripe=False)
        case "abs_error" if file.task == "regression":
            return error_sql(side, file, loss=False, ripe=False)
        case "abs_error":
            score, truth = score_sql(side, file), truth_sql(side, file)
            return None if score is None or truth is None else f"abs({score} - ({truth}))"
        case "latency":
            column = file.columns.latency
            if column is None or column not in side.kinds:
                return None
            value = f"try_cast({sql_name(column)} as double)"
            return f"case when isfinite({value}) and {value} >= 0 then {value} end"
        case "prediction":
            return score_sql(side, file)
        case _:
            return _written(side, file, guardrail)


def _wrong(side: Side, file: ModelFile) -> str | None:
    """Whether an answer was wrong; one that can't be read is, where there is a label: nobody could use it."""
    from core.slices.row_values import error_sql, truth_sql

    truth, found = truth_sql(side, file), error_sql(side, file, loss=False, ripe=False)
    if truth is None or found is None:
        return None
    known = f"({truth}) is not null"
    decided = _decided(side, file)
    if decided is not None:  # what was decided can be read where the score can't
        found = f"coalesce({found}, ({decided} <> (({truth}) = 1))::double)"
    return f"case when {known} then coalesce({found}, 1.0) end"


def _decided(side: Side, file: ModelFile) -> str | None:
    from core.slices.row_values import positive_sql

    said = file.columns.predicted_class
    return positive_sql(side, file) if file.task == "binary" and said is not None and said in side.kinds else None


def unreadable_sql(side: Side, file: ModelFile, guardrail: GuardrailRule) -> str:
    """Whether the answer of a row (its latency, where the guardrail is about that) can't be read."""
    from core.slices.row_values import score_sql

    if guardrail.signal == "latency":
        return f"({_value(side, file, guardrail) or '0'}) is null"
    answer = score_sql(side, file)
    if answer is None:
        return "false"
    if guardrail.signal == "error":
        answer = _decided(side, file) or answer
    return f"({answer}) is null"


def label_sql(side: Side, file: ModelFile) -> tuple[str, str]:
    """Whether a row has a label that can be read, and whether it has one that can't."""
    from core.slices.row_values import label_text_sql, truth_sql

    truth = truth_sql(side, file)
    if truth is None:
        return "false", "false"
    text = f"lower(trim({label_text_sql(side, file)}))"
    return f"({truth}) is not null", f"({truth}) is null and coalesce({text} not in ('', 'nan'), false)"


def _written(side: Side, file: ModelFile, guardrail: Guardrail | GuardrailRule) -> str:
    from core.slices.money import row_sql
    from storage.business_sql import SHOWN

    inner = expression(side, file, guardrail)
    if reads_label(
        inner
    ):  # without this, `case when churned = 1 then 1 else 0 end` takes a row without a label for a 0
        inner = f"case when {SHOWN} is not null then {inner} end"
    return row_sql(side, file, inner)


def expression(side: Side, file: ModelFile, guardrail: Guardrail | GuardrailRule) -> str:
    """A guardrail's own SQL, checked: one expression over the columns of the log, the label's written apart.

    Raises:
        SourceError: it is none.
    """
    from storage.business_sql import per_row

    columns = list(side.kinds)
    label = file.columns.label
    columns += [label] if label is not None and label not in columns else []
    what = f"the guardrail {guardrail.name!r}"
    inner = per_row(f"avg({guardrail.sql})", columns, what, label=label)
    if inner is None:
        raise SourceError(f"{what}: sql is not the number of one row", "as in price * (1 - churned)")
    return inner


def reads_label(inner: str) -> bool:
    """Whether an expression of :func:`expression` reads the label."""
    from storage.business_sql import SHOWN

    return SHOWN in inner
