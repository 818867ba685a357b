"""From files to batches: read, profile, validate, measure, raise alerts; one transaction a file.

Everything that takes time (reading, profiling, validation, metrics) happens before the transaction; what was
acknowledged is in the store, and what is not in the store was never acknowledged. The same bytes twice are one batch.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from core import alerts
from core.alert_raising import PROGRAM, raise_alerts
from core.baseline import Baseline, Baselines
from core.batch_facts import batch_of, window_of
from core.changes import deployed as deployed_changes
from core.changes import schema as schema_changes
from core.checks.base import CheckContext
from core.checks.beside import Beside
from core.checks.stored_readings import FORM
from core.checks.stored_readings import pack as pack_readings
from core.checks.watched import WatchedSlice
from core.estimates.estimate import judge_again
from core.evaluation.case_lives import note_answers
from core.evaluation.golden_replay import beside
from core.failing_rows import with_rows
from core.kept.measures import watched as watched_slices
from core.kept.watch import watch_slices
from core.log_of_model import opened
from core.measure import measure_batch
from core.profiles import profile_log
from core.rollouts.catch_up import Fresh
from core.rollouts.turns import keep_up
from core.served_rows import UNSEEN, Served, hidden_stages, served_rows
from core.stats.packing import pack
from core.stats.profile import BatchProfile
from core.tuner.standing import streaks, tuned_specs
from core.validate import roles_of, validate
from core.watchdogs import watch_metrics
from core.withholding import withheld, without_lines
from core.worth import judging
from storage.db import transaction
from storage.errors import SourceError, UsageError
from storage.host import Actor
from storage.logs.files import find_files
from storage.logs.source import LogSource
from storage.records.alerts import Alert
from storage.records.batches import Batch, Role
from storage.records.kept_slices import SliceRows
from storage.records.models import Model
from storage.records.results import Finding
from storage.tables import alerts as alert_table
from storage.tables import audit, batches, deployments, kept_slices, metrics, models, results

Progress = Callable[[int, int, str], None]


@dataclass(frozen=True, slots=True)
class Ingested:
    """What became of one file.

    Attributes:
        new: False when these bytes were a batch already; nothing was recorded then.
        score: the belief that a person should look; ranks batches.
        alerts: those this batch raised or continued, the worst first.
        findings: failing verdicts, the worst first.
        not_checked: what could not be judged, and why.
    """

    batch: Batch
    new: bool
    score: float
    alerts: tuple[Alert, ...]
    findings: tuple[Finding, ...]
    not_checked: tuple[Finding, ...]


def ingest(
    db: sqlite3.Connection,
    model: Model,
    paths: Sequence[str],
    *,
    role: Role = "serving",
    version: str | None = None,
    stage: str | None = None,
    actor: Actor,
    now: datetime,
    progress: Progress | None = None,
    baselines: Baselines | None = None,
    failed: Callable[[SourceError], None] | None = None,
) -> Iterator[Ingested]:
    """Take in each file as one batch, in the order given; each is recorded before the next is read.

    Args:
        role: ``reference`` batches are compared with and not judged.
        version, stage: what the rows were served by, where the log has no column for it.
        baselines: of this model and connection, for a caller that takes in many files one by one.
        failed: told of a file that can't be read, and the next one is taken in; without it that error is raised.

    Raises:
        UsageError: the model has no such stage.
        SourceError: a file can't be read; those before it are recorded.
    """
    known_stages = [known.name for known in model.file.stages]
    if stage is not None and stage not in known_stages:
        raise UsageError(f"{model.name} has no stage {stage!r}", f"its model file has {', '.join(known_stages)}")
    files = find_files(paths)
    known_past = baselines or Baselines(db, model)
    said = _Said(role, version, stage, actor, now)
    for position, path in enumerate(files):
        if progress:
            progress(position, len(files), path)
        try:
            with opened(path, model) as source:
                done = _once(db, model, source, known_past, said)
        except SourceError as error:
            if failed is None:
                raise
            failed(error)
        else:
            yield done
    if role == "reference":
        known_past.settle_reference(now)
    if progress:
        progress(len(files), len(files), "ingested")


@dataclass(frozen=True, slots=True)
class _Said:
    """What the caller says of every file."""

    role: Role
    version: str | None
    stage: str | None
    actor: Actor
    now: datetime


def _once(db: sqlite3.Connection, model: Model, source: LogSource, baselines: Baselines, said: _Said) -> Ingested:
    """Take a file in, or recall what became of these bytes."""
    known = batches.find(db, model.id, said.role, source.files[0].sha256)
    if known is None:
        return _take_in(db, model, source, baselines, said)
    if not metrics.current(db, known.id):  # killed between its two transactions
        _measure(db, model, known, source, said.now)
    return recall(db, known)


def recall(db: sqlite3.Connection, batch: Batch) -> Ingested:
    """What became of a batch that is in the store already."""
    verdicts = tuple(r.finding for r in results.of_batch(db, batch.id, limit=100_000))
    raised = tuple(alert_table.of_batch(db, batch.id))
    not_checked = tuple(f for f in verdicts if f.status == "not_checked")
    prediction = models.get_by_id(db, batch.model_id).file.columns.prediction
    drafts = alerts.group(verdicts, model=str(batch.model_id), prediction=prediction)
    score = alerts.batch_score(verdicts, drafts)
    return Ingested(batch, False, score, raised, tuple(f for f in verdicts if f.status == "fail"), not_checked)


def _take_in(db: sqlite3.Connection, model: Model, source: LogSource, baselines: Baselines, said: _Said) -> Ingested:
    roles = roles_of(model.file)
    baseline = baselines.before(None)
    with served_rows(source, model.file, said.stage) as served:
        profile = profile_log(served.source, roles, baseline.slice_columns or None)
        start, end = window_of(profile, model.file.columns.time)
        batch = batch_of(model, source, profile, said.role, said.version, said.stage, said.now)
        past = baselines.before(start)
        kept = watched_slices(db, model, served.source, [earlier.id for earlier in past.batches])
        if said.role == "reference":
            judged = _NOTHING
        elif not served.seen:
            judged = _Judged((Finding("all", "ops", "evidence", "not_checked", UNSEEN),), None)
        else:
            known = beside(db, model, served.source, batch.version)
            judged = _judge(db, model, profile, past, (start, end), served, kept, known)
    judged = replace(judged, slices=tuple(one.now for one in kept if one.now is not None))
    return _record(db, model, batch, source, profile, judged, said)


@dataclass(frozen=True, slots=True)
class _Judged:
    """Every verdict, the readings they rest on, packed (None without anything to compare with), and kept slices."""

    verdicts: tuple[Finding, ...]
    readings: bytes | None
    slices: tuple[SliceRows, ...] = ()


_NOTHING = _Judged((), None)


Window = tuple[datetime | None, datetime | None]


def _judge(
    db: sqlite3.Connection,
    model: Model,
    profile: BatchProfile,
    baseline: Baseline,
    window: Window,
    served: Served,
    slices: tuple[WatchedSlice, ...],
    known: Beside,
) -> _Judged:
    """Every verdict, the failing ones with counted rows and a redacted sample."""
    if not baseline.batches:
        told = "nothing to compare with yet: ingest a reference with --role reference"
        return _Judged((Finding("all", "ops", "evidence", "not_checked", told),), None)
    roles, specs = roles_of(model.file), tuned_specs(db, model)
    context = CheckContext(
        current=profile,
        reference=baseline.merged,
        past=baseline.past,
        same_hour=baseline.same_hour,
        roles=roles,
        specs=specs,
        calendar=model.file.columns.calendar,
        window_start=window[0],
        window_end=window[1],
        kept_slices=slices,
        beside=known,
        streaks=streaks(db, model, specs, window[0]),
    )
    validation = validate(context)
    findings = with_rows(validation.findings, served.source, roles, within=served.where)
    verdicts = replace(validation, findings=findings).results
    return _Judged(withheld(verdicts, roles.redact), pack_readings(context.readings))


def _record(
    db: sqlite3.Connection,
    model: Model,
    batch: Batch,
    source: LogSource,
    profile: BatchProfile,
    judged: _Judged,
    said: _Said,
) -> Ingested:
    verdicts, now = judged.verdicts, said.now
    drafts = alerts.group(verdicts, model=model.name, prediction=model.file.columns.prediction)
    serving = batch.role == "serving"
    weighed = judging.weigh(db, model, drafts, verdicts, batch=batch, now=now) if serving else []
    packed = pack(profile)
    rejects = without_lines(source.rejects, [c.name for c in source.columns], model.file.columns.redact)
    with transaction(db):
        known = batches.find(db, model.id, batch.role, batch.sha256)
        if known is not None:  # another process was faster with the same bytes
            return recall(db, known)
        batch_id = batches.insert(db, batch, rejects, packed)
        stored = batches.get(db, batch_id)
        ids = results.insert(db, batch_id, verdicts, now)
        if judged.readings is not None:
            batches.add_readings(db, batch_id, form=FORM, body=judged.readings, now=now)
        kept_slices.add_rows(db, batch_id, judged.slices, now)
        if serving:
            raised = raise_alerts(db, model, stored, [one.draft for one in weighed], verdicts, ids, now)
            judging.store(db, raised, weighed, now)
            served = stored.stage not in hidden_stages(model.file)
            # What was learned may call a ticket a digest; whether the batch teaches others is the checks' own word.
            tiers = {tier for one in weighed for tier in (one.tier_before, one.draft.tier)}
            if served and not tiers & {"page", "ticket"}:
                reason = "it raised neither page nor ticket"
                batches.set_baseline(db, batch_id, admit=True, reason=reason, by=PROGRAM, now=now)
            _observe(db, model, stored, now)
            if served:
                schema_changes.tell(db, stored, profile, model.file.columns, now=now)
        after = {"model": model.name, "path": batch.path, "sha256": batch.sha256, "rows": batch.rows}
        audit.record(
            db, "batch.ingest", actor=said.actor, now=now, object_kind="batch", object_id=batch_id, after=after
        )
    _measure(db, model, stored, source, now)
    return Ingested(
        batch=batches.get(db, batch_id),
        new=True,
        score=alerts.batch_score(verdicts, drafts),
        alerts=tuple(alert_table.of_batch(db, batch_id)),
        findings=tuple(sorted((f for f in verdicts if f.status == "fail"), key=lambda f: -f.score)),
        not_checked=tuple(f for f in verdicts if f.status == "not_checked"),
    )


def _measure(db: sqlite3.Connection, model: Model, batch: Batch, source: LogSource, now: datetime) -> None:
    """Metrics of a serving batch, and what they mean for the objectives; a reference is not judged."""
    if batch.role == "serving":
        measure_batch(db, model, batch, source, now)
        watch_metrics(db, model, batch.id, now)
        watch_slices(db, model, [batch.id], now)
        note_answers(db, model, batch, source, now)
        keep_up(db, model, now=now, fresh=Fresh(batch, source))
        judging.weigh_standing(db, model, now)
        judge_again(db, model, now=now)


def _observe(db: sqlite3.Connection, model: Model, batch: Batch, now: datetime) -> None:
    """What a log shows of versions and stages is a fact too: it tells whether a deployment was true."""
    if batch.version is None or batch.window_start is None:
        return
    stage = batch.stage or model.file.full_stage
    if deployments.record_observed(db, model.id, batch.version, stage, at=batch.window_start, now=now):
        deployed_changes.describe(db, model, now=now)
