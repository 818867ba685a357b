"""Kinds of error: said X though Y where there are classes, far too low or too high where there are amounts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from core.slices.parts import both
from core.slices.row_values import class_texts_sql, positive_sql, score_sql, truth_sql
from core.slices.signals import by_labels
from storage.errors import UsageError
from storage.logs.predicates import word

if TYPE_CHECKING:
    from core.slices.sides import Side, Sides
    from core.slices.signals import Measure
    from storage.records.models import ModelFile

FAR = 0.9
"""Quantile of the reference's absolute errors from which on an answer of a regression is far off."""
MOST_KINDS = 30
"""Pairs of classes with a kind of their own, the most frequent ones of both sides; the rest share one."""
REST = "another confusion"
BINARY = ("said positive though negative", "said negative though positive")
AMOUNTS = ("far too low", "far too high")


@dataclass(frozen=True, slots=True)
class Kinds:
    """The kinds of error of two sides: they depend on the rows compared, not on the slice that is looked into.

    Attributes:
        names: of the kinds; no two alike.
        now, then: SQL of a row's place in ``names``; NULL for a row that is no error. None: no labels there.
        judged, judged_then: SQL that is not NULL for every row that could be judged.
        stated: what counts as an error, in words.
    """

    names: tuple[str, ...]
    now: str
    then: str | None
    judged: str
    judged_then: str | None
    stated: str


def kinds_of(sides: Sides) -> Kinds:
    """The kinds of error that there are.

    Raises:
        UsageError: labels are too few, not in yet or not there, or a column that names the classes is redacted.
    """
    model = sides.model
    columns = model.columns
    hidden = [c for c in (columns.label, columns.prediction, columns.predicted_class) if c in columns.redact]
    if hidden:
        raise UsageError(f"the column {hidden[0]!r} is redacted", "a kind of error would tell its values")
    found = by_labels(sides, forced=False, loss=False)
    if isinstance(found, str):
        raise UsageError(f"no kinds of error: {found}", "labels tell what was wrong: midwatch labels MODEL FILE")
    then = sides.then if sides.then is not None and found.then is not None else None
    if model.task == "regression":
        return _amounts(sides.now, then, found, model)
    if model.task == "binary":
        places = [_binary(side, model, sql) for side, sql in _pairs(sides.now, then, found)]
        return _kinds(BINARY, places, found, "an error is a wrong class")
    return _classes(sides.now, then, found, model)


def bucket_of(sides: Sides, name: str) -> Sides:
    """Both sides with the errors of one kind alone.

    Raises:
        UsageError: there is no such kind of error.
    """
    kinds = kinds_of(sides)
    if name not in kinds.names:
        raise UsageError(f"there is no kind of error {name!r}", f"there are: {'; '.join(kinds.names[:20]) or 'none'}")
    place = kinds.names.index(name)

    def narrowed(side: Side, sql: str | None) -> Side:
        return replace(side, where=both(side.where, "false" if sql is None else f"({sql}) = {place}"))

    then = None if sides.then is None else narrowed(sides.then, kinds.then)
    return replace(sides, now=narrowed(sides.now, kinds.now), then=then)


def _pairs(now: Side, then: Side | None, found: Measure) -> list[tuple[Side, str]]:
    return [(side, sql) for side, sql in ((now, found.now), (then, found.then)) if side is not None and sql is not None]


def _kinds(names: tuple[str, ...], places: list[str], found: Measure, stated: str) -> Kinds:
    past = places[1] if len(places) > 1 else None
    return Kinds(names, places[0], past, found.now, found.then if past is not None else None, stated)


def _binary(side: Side, model: ModelFile, error: str) -> str:
    return f"case when ({error}) = 1 then case when {positive_sql(side, model)} then 0 else 1 end end"


def _amounts(now: Side, then: Side | None, found: Measure, model: ModelFile) -> Kinds:
    sides = _pairs(now, then, found)
    side, error = sides[-1]
    [(limit,)] = side.source.query(
        f"select quantile_cont(v, {FAR}) from (select {error} as v from {side.relation} where {side.where})"
    )
    beyond = float(str(limit))
    places = [
        f"case when ({sql}) > {beyond!r}::double then "
        f"case when {score_sql(one, model)} < ({truth_sql(one, model)}) then 0 else 1 end end"
        for one, sql in sides
    ]
    whose = "of the reference" if then is not None else "here, for want of a reference,"
    stated = f"an error is an absolute error above {beyond:.4g}, which {1 - FAR:.0%} of the rows {whose} exceed"
    return _kinds(AMOUNTS, places, found, stated)


def _classes(now: Side, then: Side | None, found: Measure, model: ModelFile) -> Kinds:
    """Pairs of classes, told as the log writes them; they are compared as errors are, by their codes."""
    rows: dict[tuple[float, float], int] = {}
    named: dict[tuple[float, float], str] = {}
    for side, error in _pairs(now, then, found):
        said, true = class_texts_sql(side, model)
        counted = side.source.query(
            f"select a, b, min(said), min(truth), count(*) from (select {score_sql(side, model)} as a, "
            f"{truth_sql(side, model)} as b, {said} as said, {true} as truth from {side.relation} "
            f"where ({side.where}) and ({error}) = 1) group by 1, 2"
        )
        for a, b, one, other, count in counted:
            pair = float(str(a)), float(str(b))
            rows[pair] = rows.get(pair, 0) + int(str(count))
            named.setdefault(pair, f"said {word(str(one))} though {word(str(other))}")
    chosen = sorted(rows, key=lambda pair: (-rows[pair], named[pair], pair))[:MOST_KINDS]
    names = (*(named[pair] for pair in chosen), *([REST] if len(rows) > len(chosen) else []))
    places = []
    for side, error in _pairs(now, then, found):
        score, truth = score_sql(side, model), truth_sql(side, model)
        cases = "".join(
            f" when ({score}) = {a!r}::double and ({truth}) = {b!r}::double then {place}"
            for place, (a, b) in enumerate(chosen)
        )
        inner = f"case{cases} else {len(chosen)} end" if cases else "0"
        places.append(f"case when ({error}) = 1 then {inner} end")
    return _kinds(names, places, found, "an error is a wrong class")
