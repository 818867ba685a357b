"""Preflight: what is looked at before a version is put in force, one sentence each."""

from __future__ import annotations

import sqlite3
from datetime import datetime, timedelta
from pathlib import Path

from storage import artifacts
from storage.errors import SourceError
from storage.records.models import Columns, Model, Slo
from storage.records.rollbacks import PreflightItem
from storage.records.versions import Version
from storage.tables import deployments, rollback_evidence, rollbacks, rollouts, versions


def of_version(
    db: sqlite3.Connection, model: Model, version: str, *, now: datetime, bound: Slo | None = None
) -> list[PreflightItem]:
    """What speaks for and against a version, whoever wants it in force.

    Args:
        bound: the range its last metric must have kept; the primary metric's SLO by default.
    """
    found = versions.find(db, model.id, version)
    was_live = _was_live(db, model, version)
    return [
        _complete(version, found, was_live),
        _artifact(version, found),
        _schema(db, model, version, found),
        _history(db, model, version, was_live, now, bound),
        _suspect(db, model, version),
        _rollout(db, model, version, was_live),
    ]


def in_flight(db: sqlite3.Connection, model: Model) -> PreflightItem:
    """Whether another rollback of the model is under way, or ended with nobody knowing how."""
    other = rollbacks.in_flight(db, model.id)
    if other is None:
        return PreflightItem("in flight", "green", "nothing else is in flight")
    what = "ended without an answer" if other.state == "unknown" else f"is {other.state}"
    message = f"rollback {other.id} to {other.to_version} by {other.by} {what} since {other.state_at:%H:%M:%SZ}"
    return PreflightItem("in flight", "red", message, final=True)


def ago(moment: datetime, now: datetime) -> str:
    """How long ago, in the largest unit that fits.

    >>> from datetime import UTC
    >>> ago(datetime(2026, 11, 20, 3, tzinfo=UTC), datetime(2026, 11, 23, 4, tzinfo=UTC))
    '3 d ago'
    """
    gone = max(now - moment, timedelta(0))
    if gone >= timedelta(days=1):
        return f"{gone.days} d ago"
    hours, minutes = divmod(int(gone.total_seconds()) // 60, 60)
    return f"{hours} h ago" if hours else f"{minutes} min ago"


def _complete(version: str, found: Version | None, was_live: bool) -> PreflightItem:
    if found is None and was_live:
        return PreflightItem("version", "amber", f"{version} was live but never registered: its parts are unknown")
    if found is None:
        return PreflightItem("version", "red", f"nobody registered {version} and it was never live: check the name")
    if found.missing:
        return PreflightItem("version", "amber", f"{version} is incomplete: missing {', '.join(found.missing)}")
    return PreflightItem("version", "green", f"{version} is complete: five hashes and a seed")


def _artifact(version: str, found: Version | None) -> PreflightItem:
    if found is None or found.model_path is None or found.model_sha is None:
        return PreflightItem("artifact", "amber", f"where the artifact of {version} lies is unknown")
    path = Path(found.model_path)
    if not path.exists():
        return PreflightItem("artifact", "red", f"the artifact {path} is gone")
    try:
        present = artifacts.sha256_again(path)
    except SourceError as error:
        return PreflightItem("artifact", "red", error.message)
    if present != found.model_sha:
        return PreflightItem("artifact", "red", f"the artifact {path} is not the one registered: its hash differs")
    return PreflightItem("artifact", "green", f"the artifact is present and its hash is right ({present[:12]})")


def _schema(db: sqlite3.Connection, model: Model, version: str, found: Version | None) -> PreflightItem:
    """Against the newest batch: what the version was registered to need, else what it last served."""
    current = rollback_evidence.columns(db, model.id)
    if current is None:
        return PreflightItem("schema", "amber", "no batch was read yet: the current input schema is unknown")
    needed = found.input_schema if found else None
    source = "it was registered to take"
    if needed is None:
        needed, source = rollback_evidence.columns(db, model.id, version), "it took when it was live"
    if needed is None:
        return PreflightItem("schema", "amber", f"what columns {version} takes is unknown")
    features = {name: kind for name, kind in needed.items() if name not in _roles(model.file.columns)}
    missing = [name for name in features if name not in current]
    other = [name for name, kind in features.items() if name in current and current[name] != kind]
    if missing:
        return PreflightItem("schema", "red", f"the newest batch lacks {', '.join(missing[:5])}, which {source}")
    if other:
        told = ", ".join(f"{name} (was {features[name]}, is {current[name]})" for name in other[:3])
        return PreflightItem("schema", "red", f"columns changed their kind: {told}")
    return PreflightItem("schema", "green", f"the newest batch has all {len(features)} columns that {source}")


def _rollout(db: sqlite3.Connection, model: Model, version: str, was_live: bool) -> PreflightItem:
    """A candidate that no gate let through so far is no way back; one that served everybody is judged by that."""
    found = rollouts.find(db, model.id, version)
    if found is None or found.state == "done" or (was_live and found.state == "open"):
        return PreflightItem("rollout", "green", f"{version} is no candidate that was held or taken off")
    if found.state == "open":
        place = f"in {found.stage}" if found.stage else "before its first stage"
        message = f"{version} is a candidate {place}: its gates have not let it through"
        return PreflightItem("rollout", "red", message)
    return PreflightItem("rollout", "red", f"the rollout of {version} was {found.state} in {found.stage or 'no stage'}")


def _history(
    db: sqlite3.Connection, model: Model, version: str, was_live: bool, now: datetime, bound: Slo | None
) -> PreflightItem:
    if not was_live:
        return PreflightItem("history", "amber", f"{version} was never live in {model.file.full_stage}")
    primary = model.file.primary_metric
    if primary is None:
        return PreflightItem("history", "amber", "it was live before; the model file names no metric to judge it by")
    last = rollback_evidence.last_metric(db, model.id, primary.name, version)
    if last is None or last.value is None:
        why = f": {last.note}" if last and last.note else ""
        return PreflightItem("history", "amber", f"it was live before; its {primary.name} is unknown{why}")
    told = f"{primary.name} {last.value:.4g} on {last.n:,} rows, {ago(last.at, now)}"
    slo = bound or primary.slo
    if slo is None:
        return PreflightItem("history", "amber", f"it was live before ({told}); no range says whether that is good")
    if not keeps(slo, last.value):
        return PreflightItem("history", "red", f"when it was live last it missed its range {slo}: {told}")
    return PreflightItem("history", "green", f"it was live before and in range ({slo}): {told}")


def _suspect(db: sqlite3.Connection, model: Model, version: str) -> PreflightItem:
    away = rollback_evidence.rolled_back_from(db, model.id, version)
    if away:
        return PreflightItem(
            "suspect", "red", f"it was itself rolled back from at {away[0]:%Y-%m-%d %H:%MZ}: {away[1]}"
        )
    named = rollback_evidence.suspicion(db, model.id, version)
    if named:
        return PreflightItem("suspect", "red", named)
    return PreflightItem("suspect", "green", "no open incident or alert names it")


def keeps(slo: Slo, value: float) -> bool:
    """Whether a value keeps a bound.

    >>> keeps(Slo(">=", 0.68), 0.68), keeps(Slo("<", 0.1), 0.1)
    (True, False)
    """
    return {
        ">=": value >= slo.bound,
        "<=": value <= slo.bound,
        ">": value > slo.bound,
        "<": value < slo.bound,
    }[slo.op]


def _was_live(db: sqlite3.Connection, model: Model, version: str) -> bool:
    rows = deployments.history(db, model.id, model.file.full_stage)
    return any(row.version == version and row.action != "leave" for row in rows)


def _roles(columns: Columns) -> set[str]:
    """Columns that are not the version's input."""
    named = (
        columns.time, columns.id, columns.prediction, columns.label, columns.version, columns.stage, columns.latency,
        columns.predicted_class,
    )  # fmt: skip
    return {name for name in (*named, *columns.ignore) if name}
