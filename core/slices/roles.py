"""What the columns of plain files are for, where no model file says so: guessed from names, kinds and values."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.guess_roles import guess_roles
from storage.errors import UsageError
from storage.logs.label_values import NO, YES
from storage.logs.quoting import sql_name as name
from storage.records.models import Columns, Labels, ModelFile, Task

if TYPE_CHECKING:
    from core.slices.request import SliceRequest
    from storage.logs.source import LogSource

CLASSES = 20
"""Whole numbers that are at most so many are classes and not amounts."""
HOSTS = ("host", "hostname", "server", "instance", "node", "pod", "machine")
USERS = ("user", "user_id", "userid", "customer_id", "account_id", "member_id")
LATENCIES = ("latency", "latency_ms", "duration_ms", "response_ms")


def file_model(source: LogSource, request: SliceRequest) -> tuple[ModelFile, tuple[str, ...]]:
    """A model file for plain files, and what had to be guessed.

    Raises:
        UsageError: a column that the request names is not there.
    """
    known = {column.name: column for column in source.columns}
    for wanted, option in ((request.label, "label"), (request.prediction, "prediction")):
        if wanted is not None and wanted not in known:
            raise UsageError(f"{source.files[0].path} has no column {wanted!r} ({option})", f"it has {_some(source)}")
    roles = guess_roles(source.columns)
    label = request.label or roles.label
    prediction = request.prediction or roles.prediction
    guessed = [
        f"{part} {column!r}"
        for part, column, asked in (("prediction", prediction, request.prediction), ("label", label, request.label))
        if column is not None and asked is None
    ]
    columns = Columns(
        time=roles.time or "",
        prediction=prediction or "",
        id=roles.id,
        label=label,
        version=roles.version,
        stage=roles.stage,
        latency=_first(source, LATENCIES, number=True),
        user=_first(source, USERS),
        host=_first(source, HOSTS),
    )
    task, positive, note = _task(source, label, prediction)
    notes = [f"no model file: guessed {', '.join(guessed)}"] if guessed else []
    model = ModelFile("files", task, columns, labels=Labels(minimum=1, positive=positive))
    return model, (*notes, *([note] if note else []))


def _some(source: LogSource) -> str:
    return ", ".join(column.name for column in source.columns[:20])


def _first(source: LogSource, names: tuple[str, ...], *, number: bool = False) -> str | None:
    return next(
        (c.name for c in source.columns if c.name.lower() in names and (not number or c.kind == "number")), None
    )


def _task(source: LogSource, label: str | None, prediction: str | None) -> tuple[Task, str | None, str | None]:
    """The task, the positive class where it has to be named, and what was assumed.

    Two classes with a score in [0, 1] beside them are binary; numbers beside numbers are a regression; anything else
    compares two texts. The positive one of two classes that are neither yes nor no is the one with the higher scores.
    """
    known = {column.name: column for column in source.columns}
    if prediction is None:
        return "multiclass", None, None
    score = known[prediction].kind == "number"
    inside = score and _within(source, prediction)
    if label is None:
        return ("binary" if inside else "regression" if score else "multiclass"), None, None
    values = _values(source, label)
    if known[label].kind in ("number", "boolean"):
        classes = values is not None and set(values) <= {"0", "1", "0.0", "1.0", "true", "false", "-1", "-1.0"}
        if classes and (inside or not score):
            return "binary", None, None
        if classes and _values(source, prediction) is not None:
            return "multiclass", None, None
        whole = values is not None and len(values) <= CLASSES and all(float(v).is_integer() for v in values)
        same = whole and set(_values(source, prediction) or ("?",)) <= set(values or ())
        return ("multiclass" if same or not score else "regression"), None, None
    if not score:
        return "multiclass", None, None
    if values is None or len(values) > 2 or not inside:
        return "multiclass", None, f"the label {label!r} holds texts and {prediction!r} numbers: they can't be compared"
    if all(value.strip().lower() in (*YES, *NO) for value in values):
        return "binary", None, None
    ranked = source.query(
        f"select {name(label)}::varchar from log where {name(label)} is not null "
        f"group by 1 order by avg({name(prediction)}::double) desc, 1"
    )
    positive = str(ranked[0][0])
    return "binary", positive, f"{positive!r} taken for the positive label: its rows have the higher scores"


def _values(source: LogSource, column: str) -> list[str] | None:
    """The different values of a column as texts; None when there are more than :data:`CLASSES`."""
    quoted = name(column)
    found = source.query(f"select distinct {quoted}::varchar from log where {quoted} is not null limit {CLASSES + 1}")
    return [str(value) for (value,) in found] if len(found) <= CLASSES else None


def _within(source: LogSource, column: str) -> bool:
    """Whether all real numbers of a column lie within 0 and 1."""
    value = f"{name(column)}::double"
    [(outside,)] = source.query(f"select count(*) from log where isfinite({value}) and ({value} < 0 or {value} > 1)")
    return outside == 0
