"""The standard evaluation: a candidate against a baseline on the very same rows, by the suite of the model."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from core.kept.watch import primary
from core.metrics.batch_sums import needs_labels
from core.suites import business, compare, simple
from core.suites.compare import Pair, pair_of
from core.suites.doors import take_answers
from core.suites.passed import cases_passed, sets_passed
from core.suites.rows import OpenRows, RowsAsked, opened
from core.suites.spec import build, changes, metrics_of, seed_of, split_of
from core.suites.verdict import comparison, passes, reasons, standing, unanswered
from storage.db import transaction
from storage.errors import SourceError, UsageError
from storage.host import Actor
from storage.records.kept_slices import KeptSlice
from storage.records.models import MetricSpec, Model
from storage.records.suites import Counts, Door, Evaluation, PartCompared, SimpleGain, Standing, SuiteSpec
from storage.tables import audit, deployments, kept_slices, suites, versions

if TYPE_CHECKING:
    from storage.logs.evaluation_rows import Laid, Rows

NOBODY = Door("none", "there is no baseline", None, 0)
RANDOM = "random split: rows of one time stand on both sides, so that the numbers lean to the good side"


def evaluate(
    db: sqlite3.Connection,
    model: Model,
    version: str,
    *,
    data: RowsAsked,
    scores: str | None = None,
    baseline: str | None = None,
    baseline_scores: str | None = None,
    split: str | None = None,
    unnamed: bool = True,
    actor: Actor,
    now: datetime,
) -> Evaluation:
    """Evaluate a version and record it.

    Predictions come from a file of scores, from rows of the version in the data, or from the model file's scorer, the
    first that is there; a model is never loaded.

    Args:
        scores: a file with an id and a prediction a row, for the candidate; ``baseline_scores`` for the baseline.
        baseline: by default the version that is live in the model's last stage.
        split: ``time``, ``random`` or ``all`` instead of what the suite says; that makes it another suite.
        unnamed: whether rows that name no version may be taken as answered by the baseline.

    Raises:
        UsageError: no rows, no predictions, no time to split by, or the version is its own baseline.
        RefusedError: a file is not the one whose hash was named.
        SourceError: rows or scores can't be read.
        ActuatorError: the scorer failed.
    """
    baseline = baseline or live_baseline(db, model, version, now)
    if baseline == version:
        raise UsageError(f"{version!r} can't be its own baseline", "name another version with --baseline")
    if baseline is None and baseline_scores is not None:
        raise UsageError("scores of a baseline need its name", "name it with --baseline")
    with opened(db, model, data) as rows:
        suite = build(db, model, rows.data, split=split)
        done = _evaluated(
            db, model, version, baseline, rows, suite, scores, baseline_scores, split, unnamed, actor, now
        )
    with transaction(db):
        made = suites.add(db, done)
        after = {"model": model.name, "version": version, "baseline": baseline, "suite": suite.sha256[:12]}
        audit.record(db, "evaluate", actor=actor, now=now, object_kind="evaluation", object_id=made, after=after)
    return replace(done, id=made)


def latest(db: sqlite3.Connection, model: Model, version: str, baseline: str | None) -> Evaluation | None:
    """The newest evaluation of a version against a baseline."""
    return next(iter(suites.against(db, model.id, version, baseline, limit=1)), None)


def live_baseline(db: sqlite3.Connection, model: Model, version: str, now: datetime) -> str | None:
    """What is live in the model's last stage, unless it is the candidate itself."""
    found = deployments.live_at(db, model.id, now).get(model.file.full_stage)
    return found.version if found is not None and found.version != version else None


@dataclass(frozen=True, slots=True)
class _Read:
    """The evaluated rows, what both said of them, and the conditions of the slices that can be read there."""

    pair: Pair
    rows: Rows
    conditions: Mapping[str, str]


def _evaluated(
    db: sqlite3.Connection,
    model: Model,
    version: str,
    baseline: str | None,
    rows: OpenRows,
    suite: SuiteSpec,
    scores: str | None,
    baseline_scores: str | None,
    split: str | None,
    unnamed: bool,
    actor: Actor,
    now: datetime,
) -> Evaluation:
    from storage.logs.evaluation_rows import lay_out, read_rows

    laid = lay_out(rows.source, rows.file, rows.labels, rows.versions, baseline)
    if laid.rows == 0:
        raise SourceError(f"{', '.join(rows.data.names[:3])} holds no rows to evaluate on", "name other rows")
    laid, how, flags = _split(rows, laid, split_of(model.file, rows.data, split), suite)
    door, said = take_answers(db, model, rows, laid, "candidate", version, scores)
    other, also = NOBODY, None
    if baseline is not None:
        other, also = take_answers(db, model, rows, laid, "baseline", baseline, baseline_scores, unnamed=unnamed)
    kept = kept_slices.listing(db, model.id)
    conditions, unread = _conditions(rows, kept)
    numbers = simple.expressions(rows)
    held = read_rows(rows.source, rows.file, held=True, conditions=conditions, numbers=numbers)
    pair = pair_of(held, rows.file, alone=baseline is None)
    if pair.count == 0:
        nobody = f"no row was answered by {version} and {baseline} both" if baseline else f"{version} answered no row"
        also_lack = f", {pair.no_baseline:,} of {baseline}" if baseline else ""
        raise SourceError(nobody, f"{pair.no_candidate:,} rows lack an answer of {version}{also_lack}")
    read = _Read(pair, held, conditions)
    parts = _parts(rows, read, kept, unread, suite.sha256)
    whole = next(part for part in parts if part.kind is None)
    told = comparison(whole.primary, model.file.suite.margin)
    door = replace(door, answers=laid.held - pair.no_candidate - pair.bad_candidate)
    lacking = unanswered(version, door, laid.held)
    gained = _gain(rows, read, numbers, laid, suite.sha256)
    registered = versions.find(db, model.id, version)
    if registered is not None and registered.data_sha in rows.data.sha256:
        flags = (*flags, f"these rows are the file that {version} was trained on: its numbers lean to the good side")
    flags = (*flags, *(text for text in (also,) if text))
    notes = [*rows.notes, *(text for text in (said, _not_comparable(db, model, version, baseline, suite)) if text)]
    if registered is None:
        notes.append(f"{version} is not registered: nothing ties these predictions to a build")
    counts = Counts(
        laid.rows, laid.rows - laid.held, pair.no_candidate, pair.no_baseline, pair.unusable, pair.count, pair.labelled,
        laid.repeated, laid.without_id,
    )  # fmt: skip
    return Evaluation(
        id=0,
        model_id=model.id,
        model=model.name,
        version=version,
        baseline=baseline,
        suite=suite,
        data=rows.data,
        verified=True,
        split=how,
        flags=flags,
        candidate_door=door,
        baseline_door=replace(other, answers=laid.held - pair.no_baseline if baseline else 0),
        counts=counts,
        comparison=told,
        passes=passes(parts, told, gained, lacking),
        reasons=reasons(parts, told, gained, model.file.suite.margin, baseline, lacking),
        parts=parts,
        sets=sets_passed(db, model, version, rows, door),
        gain=gained,
        cases=cases_passed(db, model, version, rows),
        notes=tuple(notes),
        by=actor.name,
        at=now,
    )


def _not_comparable(
    db: sqlite3.Connection, model: Model, version: str, baseline: str | None, suite: SuiteSpec
) -> str | None:
    """That the numbers of the evaluation before must not be held against these, and why."""
    before = latest(db, model, version, baseline)
    told = changes(before.suite, suite) if before is not None else ()
    if before is None or not told:
        return None
    more = f" and {len(told) - 3} more" if len(told) > 3 else ""
    return f"evaluation {before.id} is not comparable with this one: {'; '.join(told[:3])}{more}"


def _split(rows: OpenRows, laid: Laid, kind: str, suite: SuiteSpec) -> tuple[Laid, str, tuple[str, ...]]:
    """Which rows are evaluated, in words, and what must be flagged."""
    from storage.logs.evaluation_rows import split_at_random, split_by_time

    share = rows.file.suite.holdout
    if kind == "time":
        laid = split_by_time(rows.source, laid, share)
        since = f", those since {laid.since:%Y-%m-%d %H:%M:%SZ}" if laid.since else ""
        return laid, f"the newest {share:.0%} of the labelled rows by time{since}", ()
    if kind == "random":
        laid = split_at_random(rows.source, laid, share, seed_of(suite))
        return laid, f"a random {share:.0%} of the rows", (RANDOM,)
    return laid, "all rows", ()


def _conditions(rows: OpenRows, kept: Sequence[KeptSlice]) -> tuple[dict[str, str], dict[str, str]]:
    """SQL of each slice that can be read in these rows, and why the others can't."""
    from core.kept.measures import kinds_of, require_columns
    from storage.logs.predicates import predicate_sql

    found, unread = {}, {}
    for one in kept:
        try:
            require_columns(one, rows.source)
            sql = predicate_sql(one.predicates, kinds_of(rows.source))
            rows.source.query(f"SELECT count(*) FROM log WHERE {sql}")
        except SourceError as error:
            unread[one.name] = error.message
        else:
            found[one.name] = sql
    return found, unread


def _parts(
    rows: OpenRows, read: _Read, kept: Sequence[KeptSlice], unread: Mapping[str, str], seed: str
) -> tuple[PartCompared, ...]:
    """Slices with floors that veto, all rows, and then the others."""
    whole = _part(rows, read.pair, None, "true", seed)
    slices = []
    for one in kept:
        if one.name in unread:
            hopeless: Standing | None = "not sure" if one.floor is not None else None
            slices.append(
                PartCompared(one.name, one.kind, one.predicates, 0, 0, one.floor, hopeless, (), unread[one.name])
            )
        else:
            part = read.pair.part(read.rows.masks[one.name])
            slices.append(_part(rows, part, one, read.conditions[one.name], seed))
    order = {"broken": 0, "not sure": 1, "holds": 2, None: 3}
    first = sorted((part for part in slices if part.vetoes), key=lambda part: order[part.standing])
    return (*first, whole, *(part for part in slices if not part.vetoes))


def _part(rows: OpenRows, pair: Pair, kept: KeptSlice | None, condition: str, seed: str) -> PartCompared:
    held, alone = primary(rows.file), pair.baseline is None
    wanted = metrics_of(rows.file)
    compared = []
    for spec in wanted:
        if spec.kind != "business":
            compared.append(compare.compared(pair, spec, seed, primary=spec == held))
        elif kept is None or spec == held:
            lacking = _too_few(pair, spec)
            compared.append(
                business.compared(rows, spec, alone=alone, primary=spec == held, condition=condition, lacking=lacking)
            )
    stands = None
    if kept is not None and kept.floor is not None:
        figure = next(one.candidate for one in compared if one.primary)
        stands = standing(held, rows.file, kept.floor, figure.value, (figure.low, figure.high))
    return PartCompared(
        kept.name if kept else "all rows",
        kept.kind if kept else None,
        kept.predicates if kept else (),
        pair.count,
        pair.labelled,
        kept.floor if kept else None,
        stands,
        tuple(compared),
    )


def _too_few(pair: Pair, spec: MetricSpec) -> str | None:
    least = pair.file.labels.minimum
    if pair.labelled >= least or not needs_labels(spec, pair.file):
        return None
    return f"not enough labels: {pair.labelled:,} of {least:,}"


def _gain(rows: OpenRows, read: _Read, numbers: Mapping[str, str], laid: Laid, seed: str) -> SimpleGain | None:
    """The gain over the simple baseline, by the primary metric or the first that has a good side and needs labels."""
    from core.metrics.registry import direction
    from storage.logs.evaluation_rows import read_rows

    held = primary(rows.file)
    fitting = [
        spec
        for spec in (held, *metrics_of(rows.file))
        if spec.kind != "business" and needs_labels(spec, rows.file) and direction(spec, rows.file) != "none"
    ]
    if not fitting:
        return None
    columns = {name: values[read.pair.rows] for name, values in read.rows.columns.items()}
    if laid.held == laid.rows:
        import numpy as np

        return simple.gain(read.pair, fitting[0], columns, {}, np.empty(0), seed)
    older = read_rows(rows.source, rows.file, held=False, numbers=numbers, newest=simple.TRAINED)
    return simple.gain(read.pair, fitting[0], columns, older.columns, older.truth, seed)
