"""Whether the fallback could take over this minute, and the other versions that could."""

from __future__ import annotations

import sqlite3
from datetime import datetime

from core.rollback import preflight
from storage.actuators.base import is_version_name
from storage.records.models import Model, Slo
from storage.records.rollbacks import Candidate, CandidateKind, worst
from storage.tables import deployments, rollback_evidence, versions

MOST = 4
"""How many earlier versions are looked at: hashing artifacts takes time that the watch doesn't have."""


def fallback_readiness(db: sqlite3.Connection, model: Model, now: datetime) -> Candidate | None:
    """The model's fallback with its light and the reasons; None when it names none.

    It is the version of ``[rollback] fallback``, else the newest one registered with the role ``fallback``. Green needs
    the artifact present and unchanged, every column it takes in the newest batch, and its last metric in its own range
    (``fallback_range``, else the primary metric's SLO).
    """
    version = _fallback(db, model)
    bound = model.file.rollback.fallback_range if model.file.rollback else None
    return _candidate(db, model, "fallback", version, now, bound) if version else None


def candidates(db: sqlite3.Connection, model: Model, current: str | None, now: datetime) -> list[Candidate]:
    """Every version that could be put in force instead of ``current``, best choice first.

    Earlier versions come newest first, then the fallback, then retrained ones; green before amber before red.
    """
    stage = model.file.full_stage
    fallback = _fallback(db, model)
    lived = [d.version for d in reversed(deployments.history(db, model.id, stage)) if d.action != "leave"]
    seen = [name for name in dict.fromkeys(lived) if name != current and is_version_name(name)]
    historical = [name for name in seen if name != fallback][:MOST]
    registered = versions.list_all(db, model.id)
    born = next((v.registered_at for v in registered if v.version == current), None)
    retrained = [
        v.version
        for v in reversed(registered)
        if v.version not in (*seen, current, fallback) and v.role == "normal" and born and v.registered_at > born
    ][:MOST]
    found = [_candidate(db, model, "historical", name, now) for name in historical]
    ready = fallback_readiness(db, model, now)
    if ready and ready.version != current:
        found.append(ready)
    found += [_candidate(db, model, "retrained", name, now) for name in retrained]
    order = ("green", "amber", "red")
    return sorted(found, key=lambda candidate: order.index(candidate.light))  # stable: kinds keep their order


def named(db: sqlite3.Connection, model: Model, version: str, now: datetime) -> Candidate:
    """A version that a person named."""
    return _candidate(db, model, "named", version, now)


def _candidate(
    db: sqlite3.Connection, model: Model, kind: CandidateKind, version: str, now: datetime, bound: Slo | None = None
) -> Candidate:
    items = preflight.of_version(db, model, version, now=now, bound=bound)
    primary = model.file.primary_metric
    last = rollback_evidence.last_metric(db, model.id, primary.name, version) if primary else None
    # The red ones first: a narrow column shows only the first reason.
    bad = tuple(item.message for light in ("red", "amber") for item in items if item.light == light)
    return Candidate(
        kind=kind,
        version=version,
        light=worst([item.light for item in items]),
        reasons=bad or tuple(item.message for item in items if item.name == "history"),
        metric=last.value if last else None,
    )


def _fallback(db: sqlite3.Connection, model: Model) -> str | None:
    if model.file.rollback and model.file.rollback.fallback:
        return model.file.rollback.fallback
    return next((v.version for v in reversed(versions.list_all(db, model.id)) if v.role == "fallback"), None)
