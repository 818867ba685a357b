"""Requests that two versions answered, side by side in one table of an open log."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from core.shadow.comparison import Answers
from core.shadow.windows import windows_of
from storage.errors import UsageError
from storage.logs.quoting import sql_name as name
from storage.logs.quoting import sql_text as text
from storage.records.batches import Batch
from storage.records.models import Model, ModelFile

if TYPE_CHECKING:
    from core.slices.sides import Side

PAIRS = "__pairs"
"""The table of requests that both answered: one row each, columns of the log as the baseline's row has them (as the
candidate's where that one has none), and per version (``a`` the candidate, ``b`` the baseline) the score ``__sa``, the
decision ``__da``, what was decided in the log ``__ca``, the answer in words ``__ta``, the latency ``__la``; the label
``__truth`` where it had its time; ``__differs`` (0 or 1) and ``__shift`` (difference of the scores), null where they
can't be told."""
ANSWERS = "__answers"
"""The table of all answers with an id, from which the pairs are made."""
CANDIDATE, BASELINE = "a", "b"
REPEATED = 0.5
"""With fewer requests than this share of its rows, an id names no request (but, say, a user)."""


@dataclass(frozen=True, slots=True)
class Pairs:
    """Both versions' answers, open.

    Attributes:
        side: the pairs as rows to be sliced; its relation is :data:`PAIRS`.
        answers: of the candidate and of the baseline.
        stage: the stage of the candidate's rows, None: of any.
        windows: batches in whose window the candidate answered.
        notes: files that are gone, lines that could not be read.
        nothing: why no request can be compared.
    """

    side: Side
    file: ModelFile
    answers: tuple[Answers, Answers]
    both: int
    stage: str | None
    windows: tuple[Batch, ...]
    notes: tuple[str, ...]
    nothing: str | None = None


@contextmanager
def open_pairs(
    db: sqlite3.Connection,
    model: Model,
    candidate: str,
    baseline: str,
    over: Sequence[Batch],
    *,
    now: datetime,
    stage: str | None = None,
    sliced: bool = True,
) -> Iterator[Pairs]:
    """Open batches and join what two versions answered to the same requests, window by window, on ``columns.id``.

    Of a request that a version answered more than once (a retry), the last answer counts, as in looks: by time, then
    by place.

    Args:
        stage: only the candidate's rows of this stage, and the baseline's that users saw; None: its rows in a shadow
            stage where it has any, else all of both.
        now: tells which labels have had their time.
        sliced: whether the pairs carry the columns of the log, to be sliced by.

    Raises:
        SourceError: no file is there, or one has changed or can't be read.
        UsageError: nothing tells versions (or the stage that was named) of a row.
    """
    from core.slices.sides import open_batches, unread

    if candidate == baseline:
        raise UsageError(f"{candidate!r} is not held against itself", "name another version: --against V")
    with ExitStack() as stack:
        notes: list[str] = []
        side = open_batches(stack, db, model, model.file, over, now, "true", notes)
        notes += unread(side.source)
        carried = tuple(side.kinds) if sliced else ()
        yield _paired(side, model.file, candidate, baseline, stage, notes, carried)


def _paired(
    side: Side,
    file: ModelFile,
    candidate: str,
    baseline: str,
    stage: str | None,
    notes: list[str],
    carried: Sequence[str],
) -> Pairs:
    """Both arms told apart, joined and counted; ``carried`` columns of the log go with the pairs."""
    from core.slices.parts import part_sql, unseen
    from storage.logs.engine import in_words

    version = part_sql(side, file, "version")
    told = file.columns.stage in side.kinds or any(batch.stage is not None for batch in side.batches)
    if stage is not None and not told:
        raise UsageError(f"nothing tells which rows are of the stage {stage!r}", "name the column: [columns] stage")
    at = part_sql(side, file, "stage") if told else "null"
    stages = [stage] if stage is not None else sorted(s.name for s in file.stages if s.kind == "shadow")
    if stage is None and not _rows(side, f"{version} = {text(candidate)} and {_among(at, stages)}"):
        stages = []
    mine, other = f"{version} = {text(candidate)}", f"{version} = {text(baseline)}"
    if stages:
        mine += f" and {_among(at, stages)}"
        seen = f"{other} and not {_among(at, sorted(str(s) for s in unseen(file)))}"
        # A file that names one stage for all of its rows holds both versions in it.
        other = seen if _rows(side, seen) else f"{other} and {_among(at, stages)}"
    window = "".join(f" when {i} then {w}" for i, w in enumerate(windows_of(side.batches)))
    arm = f"case when {mine} then '{CANDIDATE}' when {other} then '{BASELINE}' end"
    side = replace(side, where=f"{arm} is not null")
    told_stage = ", ".join(stages) or None
    found = side.source.query(
        f'select distinct case "__file"{window} end, "__file" from {side.relation} where {mine} order by 1, 2'
    )
    places = {int(str(place)) for place, _ in found}
    windows = tuple(b for b, w in zip(side.batches, windows_of(side.batches), strict=True) if w in places)
    if not windows:
        nobody = (Answers(candidate, 0, 0, 0, 0, 0, 0, 0), Answers(baseline, 0, 0, 0, 0, 0, 0, 0))
        where = f" in the stage {told_stage}" if told_stage else ""
        nothing = f"no row{where} is of the version {candidate!r}"
        return Pairs(side, file, nobody, 0, told_stage, (), tuple(notes), nothing)
    key = file.columns.id
    if key is None or key not in side.kinds:
        which = "names no id column" if key is None else f"names the id column {key!r}, which the log does not have"
        rows = [
            Answers(v, _rows(side, c), _rows(side, c), 0, 0, 0, 0, 0) for v, c in ((candidate, mine), (baseline, other))
        ]
        nothing = f"the model file {which}: answers to the same request can't be joined"
        return Pairs(side, file, (rows[0], rows[1]), 0, told_stage, windows, tuple(notes), nothing)
    with in_words("the answers of both versions"):
        side.source.connection.execute(_answers_sql(side, file, arm, f'case "__file"{window} end', places, carried))
        side.source.connection.execute(_pairs_sql(file, carried))
    answers, both = _counted(side, candidate, baseline)
    return Pairs(
        replace(side, relation=PAIRS, where="true", mature="true"),
        file,
        answers,
        both,
        told_stage,
        windows,
        tuple(notes),
        _nothing(answers, both),
    )


def _answers_sql(side: Side, file: ModelFile, arm: str, window: str, places: set[int], carried: Sequence[str]) -> str:
    """All rows of both arms that name a request, numbered from the last one back within it."""
    from core.slices.row_values import class_texts_sql, positive_sql, score_sql, truth_sql
    from storage.logs.label_values import as_decided, plain_text

    roles = file.columns
    key = plain_text(side.source, str(roles.id))
    score = score_sql(side, file) or "null"
    decided = roles.predicted_class if roles.predicted_class in side.kinds else None
    said, _ = class_texts_sql(side, file) if file.task == "multiclass" else ("null", "")
    decision = positive_sql(side, file) if file.task == "binary" else score
    known = f"({as_decided(f'({plain_text(side.source, decided)})', file)})" if decided else "null"
    truth = truth_sql(side, file) or "null"
    latency = f"try_cast({name(roles.latency)} as double)" if roles.latency in side.kinds and roles.latency else "null"
    time = name(roles.time) if roles.time in side.kinds else "null"
    order = f'{time} desc nulls last, "__file" desc, "__row" desc'
    cells = "".join(f", {name(column)}" for column in carried)
    numeric = "" if file.task == "multiclass" else f"({score})::double"
    return (
        f"create or replace temp table {ANSWERS} as select {arm} as __arm, {window} as __window, {key} as __key, "
        f"({numeric or 'null'})::double as __s, ({decision})::double as __d, ({said})::varchar as __t, "
        f"({known if file.task == 'binary' else 'null'})::double as __c, "
        f"case when isfinite({latency}::double) then {latency}::double end as __l, "
        f"(case when {side.mature} then {truth} end)::double as __y, "
        f"row_number() over (partition by {arm}, {window}, {key} order by {order}) as __nth, "
        f'"__file", "__row"{cells} '
        f"from {side.relation} where {side.where} and {window} in ({', '.join(map(str, sorted(places)))})"
    )


def _pairs_sql(file: ModelFile, carried: Sequence[str]) -> str:
    """Last answers of both to one request beside each other."""
    tolerance = file.labels.tolerance
    if file.task == "regression":
        differs = f"abs(a.__s - b.__s) > {tolerance!r}::double" if tolerance is not None else "null"
    else:
        differs = "a.__d <> b.__d"
    untold = "" if file.task != "regression" or tolerance is not None else "when true then null "
    cells = "".join(f", coalesce(b.{name(c)}, a.{name(c)}) as {name(c)}" for c in carried)
    return (
        f"create or replace temp table {PAIRS} as select a.__s as __sa, b.__s as __sb, a.__d as __da, b.__d as __db, "
        "a.__c as __ca, b.__c as __cb, a.__t as __ta, b.__t as __tb, a.__l as __la, b.__l as __lb, "
        "coalesce(b.__y, a.__y) as __truth, a.__s - b.__s as __shift, "
        f"(case {untold}when a.__d is null and b.__d is null then null when a.__d is null or b.__d is null then 1.0 "
        f'else ({differs})::double end) as __differs, b."__file" as "__file", b."__row" as "__row"{cells} '
        f"from (select * from {ANSWERS} where __arm = '{CANDIDATE}' and __nth = 1 and __key is not null) a "
        f"join (select * from {ANSWERS} where __arm = '{BASELINE}' and __nth = 1 and __key is not null) b "
        "on a.__window = b.__window and a.__key = b.__key"
    )


def _counted(side: Side, candidate: str, baseline: str) -> tuple[tuple[Answers, Answers], int]:
    ask = side.source.query
    [(both, bad_a, bad_b)] = ask(
        f"select count(*), count(*) filter (where __da is null), count(*) filter (where __db is null) from {PAIRS}"
    )
    counted = ask(
        "select __arm, count(*), count(*) filter (where __key is null), "
        f"count(*) filter (where __key is not null and __nth = 1) from {ANSWERS} group by 1"
    )
    rows = {str(arm): [int(str(count)) for count in counts] for arm, *counts in counted}
    repeated = ask(
        f"select __arm, count(*) from (select __arm, __window, __key from {ANSWERS} "
        f"semi join (select * from {ANSWERS} where __nth = 2 and __key is not null) using (__arm, __window, __key) "
        "group by all having count(*) > 1 and (count(distinct __d) > 1 or count(__d) not in (0, count(*)))) group by 1"
    )
    unlike = {str(arm): int(str(count)) for arm, count in repeated}
    told = []
    for arm, version, bad in ((CANDIDATE, candidate, bad_a), (BASELINE, baseline, bad_b)):
        every, without, requests = rows.get(arm, [0, 0, 0])
        again, only = every - without - requests, requests - int(str(both))
        told.append(Answers(version, every, without, again, unlike.get(arm, 0), requests, only, int(str(bad))))
    return (told[0], told[1]), int(str(both))


def _nothing(answers: tuple[Answers, Answers], both: int) -> str | None:
    """Why no request can be compared."""
    for one in answers:
        if not one.rows:
            return f"no row of the same windows is of the version {one.version!r}"
        if one.without_id == one.rows:
            return f"no row of {one.version!r} has an id: answers to the same request can't be joined"
        if one.requests < REPEATED * (one.rows - one.without_id):
            return (
                f"{one.rows - one.without_id:,} rows of {one.version!r} have {one.requests:,} different ids: "
                "they name no requests"
            )
    if not both:
        return f"no request was answered by both {answers[0].version!r} and {answers[1].version!r}"
    return None


def _among(part: str, names: Sequence[str]) -> str:
    """SQL: a part of a row is one of these names."""
    listed = ", ".join(text(one) for one in names)
    return f"coalesce({part}, '') in ({listed})" if names else "false"


def _rows(side: Side, condition: str) -> int:
    [(rows,)] = side.source.query(f"select count(*) from {side.relation} where {condition}")
    return int(str(rows))


def span(windows: Sequence[Batch]) -> tuple[datetime | None, datetime | None]:
    """From when to when the windows are."""
    starts = [b.window_start.astimezone(UTC) for b in windows if b.window_start is not None]
    ends = [b.window_end.astimezone(UTC) for b in windows if b.window_end is not None]
    return min(starts, default=None), max(ends, default=None)
