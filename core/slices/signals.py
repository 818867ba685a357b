"""What is measured of each row: an SQL expression, NULL where a row has no value.

In this order, the first that there is: error (labels there and mature), disagreement (two versions answered the same
requests), shift (the prediction against the reference's), missing (share of empty feature cells), latency, value (what
a business metric averages or sums).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from core.slices.parts import part_sql
from core.slices.row_values import error_sql, positive_sql, score_sql
from core.slices.sides import Side, Sides
from storage.errors import UsageError
from storage.logs.label_values import plain_text
from storage.logs.quoting import sql_name as name
from storage.logs.quoting import sql_text as text
from storage.records.models import ModelFile

if TYPE_CHECKING:
    from core.slices.request import Signal, SliceRequest


@dataclass(frozen=True, slots=True)
class Measure:
    """One signal on both sides.

    Attributes:
        binary: every value is 0 or 1.
        unit: what its mean counts.
        why: why this signal, in words.
        now, then: SQL per side; ``relation`` replaces the current side's where it needs a join of its own.
        rows: rows with a value now, ``reference_rows`` in the reference.
    """

    signal: Signal
    binary: bool
    unit: str
    why: str
    now: str
    then: str | None
    rows: int
    reference_rows: int
    relation: str | None = None


@dataclass(frozen=True, slots=True)
class _Asked:
    """A question: ``forced`` when a person named the signal."""

    sides: Sides
    request: SliceRequest
    features: Sequence[str]
    forced: bool


@dataclass(frozen=True, slots=True)
class _Facts:
    rows: int
    least: float
    most: float


def choose(sides: Sides, request: SliceRequest, features: Sequence[str]) -> Measure | str:
    """The signal asked for, or the first there is; a sentence when there is none.

    Raises:
        UsageError: a signal that was asked for is not there; the message says why.
    """
    if request.signal is not None:
        found = _MADE[request.signal](_Asked(sides, request, features, True))
        if isinstance(found, str):
            raise UsageError(f"{request.signal} can't be measured: {found}", "choose another signal, or name none")
        return found
    reasons: list[str] = []
    for signal in ("error", "disagreement", "shift", "missing", "latency"):
        found = _MADE[signal](_Asked(sides, request, features, False))
        if not isinstance(found, str):
            why = f"{found.why}; {'; '.join(reasons)}" if reasons else found.why
            return replace(found, why=why)
        reasons.append(found)
    return f"nothing can be measured per row: {'; '.join(reasons)}"


def _error(asked: _Asked) -> Measure | str:
    return by_labels(asked.sides, forced=asked.forced, loss=False)


def _loss(asked: _Asked) -> Measure | str:
    return by_labels(asked.sides, forced=asked.forced, loss=True)


def by_labels(sides: Sides, *, forced: bool, loss: bool) -> Measure | str:
    """By the label; unless ``forced``, only with as many mature labels as the model file asks for."""
    model = sides.model
    if model.columns.prediction not in sides.now.kinds:
        return "no column of predictions" if not model.columns.prediction else f"no column {model.columns.prediction!r}"
    if not loss and not forced and model.columns.label is None:
        return "no labels"
    now = error_sql(sides.now, model, loss=loss, ripe=not forced)
    if now is None:
        return "no labels"
    if problem := _label_problem(sides.now, model):
        return problem
    facts = _facts(sides.now, now)
    least = min(model.labels.minimum, _count(sides.now)) if not forced else 1
    if facts.rows < max(least, 1):
        if sides.now.immature:
            lag = model.labels.lag
            return f"labels are not all in yet: {facts.rows:,} mature ones, and the labels take {lag}"
        return f"{facts.rows:,} labels" if facts.rows else "no row has a label and a prediction that can be read"
    then = error_sql(sides.then, model, loss=loss, ripe=True) if sides.then else None
    past = _facts(sides.then, then).rows if sides.then and then else 0
    binary = not loss and model.task != "regression"
    unit = "share of wrong answers" if binary else "absolute error" if not loss else "loss"
    why = "labels are there" if not sides.now.immature else f"labels are there, of {sides.now.immature} batches not all"
    return Measure("loss" if loss else "error", binary, unit, why, now, then if past else None, facts.rows, past)


def _label_problem(side: Side, model: ModelFile) -> str | None:
    """Labels that are there and can't be used, in words."""
    column, prediction = model.columns.label, model.columns.prediction
    if column is None or column not in side.kinds or model.task != "multiclass":
        return None
    if side.kinds[column] == "text" and side.kinds[prediction] == "number" and not model.columns.predicted_class:
        [(same,)] = side.source.query(
            f"select count(*) from log where {name(column)} = {plain_text(side.source, prediction)}"
        )
        if not same:
            return f"labels are texts in {column!r} and predictions numbers in {prediction!r}: they can't be compared"
    return None


def _disagreement(asked: _Asked) -> Measure | str:
    """Whether (or how far) two versions answered the same request differently; absolute, there is no reference."""
    model, side, request = asked.sides.model, asked.sides.now, asked.request
    key = model.columns.id
    score = score_sql(side, model)
    if key is None or key not in side.kinds or score is None:
        return "no ids that two versions could share"
    if model.columns.version not in side.kinds and not any(batch.version for batch in side.batches):
        return "no second version"
    version = part_sql(side, model, "version")
    id_text = plain_text(side.source, key)
    shared = side.source.query(
        f"select a.v, b.v, count(*) from (select {id_text} as k, {version} as v from log) a "
        f"join (select {id_text} as k, {version} as v from log) b on a.k = b.k and a.v < b.v "
        "group by 1, 2 order by 3 desc, 1, 2 limit 20"
        if len(_versions(side, version)) > 1
        else "select null, null, 0 where false"
    )
    pairs = [(str(a), str(b)) for a, b, _ in shared]
    if request.version is not None:
        pairs = [p for p in pairs if request.version in p and (request.against is None or request.against in p)]
    if not pairs:
        return "no request was answered by two versions"
    seen = _most_rows(side, version)
    one, other = pairs[0] if pairs[0][0] == (request.version or seen) else pairs[0][::-1]
    value = positive_sql(side, model) if model.task == "binary" else score
    relation = (
        f"{side.relation} left join (select {id_text} as __other_id, any_value({value}) as __other "
        f"from {side.relation} where {version} = {text(other)} group by 1) as __others on {id_text} = __other_id"
    )
    here = f"{version} = {text(one)} and __other is not null and ({value}) is not null"
    differs = f"abs({value} - __other)" if model.task == "regression" else f"(({value}) <> __other)::double"
    sql = f"case when {here} then {differs} end"
    rows = _facts(side, sql, relation).rows
    if not rows:
        return "no request was answered by two versions"
    unit = "mean difference" if model.task == "regression" else "share answered differently"
    why = f"{one} and {other} answered the same {rows:,} requests"
    return Measure("disagreement", model.task != "regression", unit, why, sql, None, rows, 0, relation)


def _versions(side: Side, version: str) -> list[str]:
    return [str(v) for (v,) in side.source.query(f"select distinct {version} from log where {version} is not null")]


def _most_rows(side: Side, version: str) -> str:
    """The version that answers most of the current rows."""
    asked = f"select {version}, count(*) from {side.relation} where {side.where} group by 1 order by 2 desc, 1"
    found = side.source.query(asked)
    return str(found[0][0]) if found else ""


def _shift(asked: _Asked) -> Measure | str:
    """The prediction itself: its mean here, against its mean in the reference."""
    sides, model = asked.sides, asked.sides.model
    now = score_sql(sides.now, model)
    if now is None or model.task == "multiclass":
        return "no predictions that are numbers"
    then = score_sql(sides.then, model) if sides.then else None
    if then is None or sides.then is None:
        return "no reference that predictions could have moved from"
    here, there = _facts(sides.now, now), _facts(sides.then, then)
    if not here.rows or not there.rows:
        return "no predictions that can be read"
    binary = {here.least, here.most, there.least, there.most} <= {0.0, 1.0} and _only_ends(sides, now, then)
    return Measure(
        "shift", binary, "mean prediction", "predictions against the reference", now, then, here.rows, there.rows
    )


def _only_ends(sides: Sides, now: str, then: str) -> bool:
    """Whether every value is 0 or 1."""
    for side, sql in zip(sides.both, (now, then), strict=False):
        [(between,)] = side.source.query(
            f"select count(*) from {side.relation} where ({side.where}) and ({sql}) not in (0, 1)"
        )
        if between:
            return False
    return True


def _missing(asked: _Asked) -> Measure | str:
    """Share of the features that are empty in a row."""
    sides, features = asked.sides, asked.features
    if not features:
        return "no features"

    def sql(side: Side) -> str:
        there = [f for f in features if f in side.kinds]
        empty = [
            f"({name(f)} is null{f' or isnan({name(f)}::double)' if side.kinds[f] == 'number' else ''})::integer"
            for f in there
        ]
        return f"(({' + '.join(empty)}) + {len(features) - len(there)}) / {float(len(features))!r}"

    now, then = sql(sides.now), sql(sides.then) if sides.then else None
    here = _facts(sides.now, now)
    there = _facts(sides.then, then) if sides.then and then else None
    if here.most <= 0 and (there is None or there.most <= 0) and not asked.forced:
        return "no cell is missing"
    unit, rows = "share of features missing", there.rows if there else 0
    return Measure("missing", False, unit, "features that are empty", now, then, here.rows, rows)


def _latency(asked: _Asked) -> Measure | str:
    sides, column = asked.sides, asked.sides.model.columns.latency
    if column is None or column not in sides.now.kinds:
        return "no column of latencies"
    value = f"try_cast({name(column)} as double)"
    now = f"case when isfinite({value}) and {value} >= 0 then {value} end"
    then = now if sides.then is not None and column in sides.then.kinds else None
    here, past = _facts(sides.now, now), _facts(sides.then, then).rows if sides.then and then else 0
    if not here.rows:
        return "no latencies"
    return Measure("latency", False, "milliseconds", "the time a prediction took", now, then, here.rows, past)


def _value(asked: _Asked) -> Measure | str:
    """What a business metric averages or sums, row by row, with the sign that makes more of it worse."""
    from core.slices.money import business, row_sql

    sides = asked.sides
    found = business(sides, asked.request.metric)
    if found is None:
        return "the model file names no business metric that is an average or a sum per row"
    spec, inner = found
    now = row_sql(sides.now, sides.model, inner)
    then = row_sql(sides.then, sides.model, inner) if sides.then else None
    here, past = _facts(sides.now, now), _facts(sides.then, then).rows if sides.then and then else 0
    if not here.rows:
        return f"no row has a {spec.name}"
    sign = "" if spec.direction == "down" else "-"
    return Measure(
        "value", False, f"{spec.name} lost" if sign else spec.name, f"the business metric {spec.name!r}",
        f"{sign}({now})", f"{sign}({then})" if past else None, here.rows, past,
    )  # fmt: skip


def _count(side: Side) -> int:
    [(rows,)] = side.source.query(f"select count(*) from {side.relation} where {side.where}")
    return int(str(rows))


def _facts(side: Side, sql: str, relation: str | None = None) -> _Facts:
    """Rows with a value, and the least and the greatest value."""
    [(rows, least, most)] = side.source.query(
        f"select count(v), min(v), max(v) from (select {sql} as v from {relation or side.relation} where {side.where})"
    )
    ends = [math.nan if value is None else float(str(value)) for value in (least, most)]
    return _Facts(int(str(rows)), ends[0], ends[1])


_MADE = {
    "error": _error,
    "loss": _loss,
    "disagreement": _disagreement,
    "shift": _shift,
    "missing": _missing,
    "latency": _latency,
    "value": _value,
}
