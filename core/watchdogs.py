"""Alerts that rest on more than one batch: an objective whose budget burns, a metric that slid, a model gone silent.

They stand until their reason has gone; no silence keeps the burning of a budget quiet.
"""

from __future__ import annotations

import hashlib
import sqlite3
from datetime import datetime, timedelta

from core.alert_raising import raise_standing, resolve_standing
from core.breaking_through import SLO_BURN
from core.estimates.words import figure
from core.home import ModelLine, line
from core.standing_causes import ESTIMATE_MISSES, FLIPPED_LABELS, METRIC_DROP, NO_DATA
from storage.records.alerts import Alert, AlertDraft
from storage.records.models import Model
from storage.records.results import ErrorClass, Tier
from storage.tables import alerts, models

__all__ = ["DAY", "ESTIMATE_MISSES", "FLIPPED_LABELS", "METRIC_DROP", "NO_DATA", "watch_metrics", "watch_silence"]

DAY = timedelta(days=1)
"""Data that came in later than this after their end are history."""


def watch_metrics(db: sqlite3.Connection, model: Model, batch_id: int, now: datetime) -> list[Alert]:
    """Raise or resolve what the model's metrics say, after a batch or late labels; returns what was raised."""
    from core.objectives import persistent_drop, slo_states

    raised = []
    for objective in slo_states(db, model, now):
        draft = _draft(
            model,
            SLO_BURN,
            objective.metric,
            tier="page" if objective.level == "page" else "ticket",
            error_class="hard",
            title=f"{objective.metric} {objective.objective}: {objective.note}",
            score=max(objective.burn_fast or 0.0, objective.burn_slow or 0.0, 1.0),
        )
        if objective.level == "none":
            resolve_standing(db, model, draft.group_key, now, "the error budget burns no more")
        elif alert := raise_standing(db, model, draft, now, batch_id=batch_id):
            raised.append(alert)
    raised += _watch_labels(db, model, batch_id, now)
    raised += _watch_estimates(db, model, now)
    primary = model.file.primary_metric
    if primary is not None:
        verdict, onset = persistent_drop(db, model, primary.name, now)
        since = f" since {onset:%Y-%m-%d %H:%M}Z" if onset else ""
        title = f"{primary.name} has worsened a little and stayed so{since}: {verdict.message}"
        draft = _draft(model, METRIC_DROP, primary.name, tier="ticket", error_class="drift", title=title, score=2.0)
        if verdict.status == "fail":
            if alert := raise_standing(db, model, draft, now, batch_id=batch_id):
                raised.append(alert)
        elif verdict.status == "pass":
            resolve_standing(db, model, draft.group_key, now, f"{primary.name} is back")
    return raised


def _watch_labels(db: sqlite3.Connection, model: Model, batch_id: int, now: datetime) -> list[Alert]:
    """Labels that are turned round accuse the label join and not the model: the wrong remedy would be a rollback."""
    from core.label_trust import label_verdict

    verdict = label_verdict(db, model, batch_id, now)
    title = f"the labels look turned round, not the model wrong: {'; '.join(verdict.reasons)}"
    draft = _draft(model, FLIPPED_LABELS, "", tier="ticket", error_class="hard", title=title, score=5.0)
    if verdict.verdict == "fine":
        resolve_standing(db, model, draft.group_key, now, "labels are as they were")
    elif verdict.verdict == "flipped" and (alert := raise_standing(db, model, draft, now, batch_id=batch_id)):
        return [alert]
    return []


def _watch_estimates(db: sqlite3.Connection, model: Model, now: datetime) -> list[Alert]:
    """A digest where a usable estimate misses its objective with its whole interval; labels may say otherwise."""
    from core.estimates.waiting import waiting
    from core.metrics.registry import spec_of
    from core.objectives import met

    raised = []
    for told in waiting(db, model, now):
        slo = spec_of(model.file, told.metric).slo
        if slo is None:
            continue
        title = f"{figure(told)} misses the objective {slo}: an estimate, the labels are not in"
        draft = _draft(model, ESTIMATE_MISSES, told.metric, tier="digest", error_class="drift", title=title, score=1.0)
        if told.usable and not met(told.low, slo) and not met(told.high, slo):
            if alert := raise_standing(db, model, draft, now, batch_id=told.batch_id):
                raised.append(alert)
        else:
            note = f"{told.metric} is not estimated to miss its objective any more"
            resolve_standing(db, model, draft.group_key, now, note)
    return raised


def watch_silence(db: sqlite3.Connection, now: datetime) -> list[Alert]:
    """Raise a ticket for each model that brings no batch any more, and resolve it where one has come.

    History taken in late is not silence: what counts is when a batch came in, not of which day it is. The ticket speaks
    of the newest batch; where another has come since, the old one is resolved and the new silence is told by its date.
    """
    raised = []
    for model in models.list_all(db):
        seen = line(db, model, now)
        draft = _draft(model, NO_DATA, "", tier="ticket", error_class="ops", title=_silence(seen), score=1.0)
        if not seen.overdue:
            resolve_standing(db, model, draft.group_key, now, "data came again")
            continue
        told = next((a for a in alerts.open_groups(db, model.id) if a.group_key == draft.group_key), None)
        if told is not None and told.title != draft.title:
            resolve_standing(db, model, draft.group_key, now, "data came again, and then none")
        if alert := raise_standing(db, model, draft, now):
            raised.append(alert)
    return raised


def _silence(seen: ModelLine) -> str:
    """Since when nothing came; and up to when there is data, where that is another day."""
    ends = ""
    if seen.newest is None or seen.heard is None or seen.last is None:
        since = "yet"
    else:
        since = f"since {seen.heard:%Y-%m-%d %H:%M}Z"
        ends = f", its data end {seen.last:%Y-%m-%d %H:%M}Z" if seen.heard - seen.last > DAY else ""
    return f"no batch of {seen.model.name} {since}{ends}: no data is neither zero nor good"


def _draft(
    model: Model, cause: str, subject: str, *, tier: Tier, error_class: ErrorClass, title: str, score: float
) -> AlertDraft:
    key = hashlib.sha256("\x1f".join((model.name, cause, subject)).encode()).hexdigest()[:16]
    return AlertDraft(
        fingerprint=key,
        group_key=key,
        tier=tier,
        error_class=error_class,
        cause=cause,
        title=title,
        columns=(),
        score=score,
        findings=(),
    )
