"""Every version of a model at a glance: what is missing, where it is live, whether the fallback is ready."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from datetime import datetime

from core.rollback.fallback import fallback_readiness
from core.versions import live as versions_live
from storage.records.models import Model
from storage.records.rollbacks import Candidate
from storage.records.versions import PARTS, Version
from storage.tables import deployments, versions


@dataclass(frozen=True, slots=True)
class VersionStatus:
    """One version as lists show it.

    Attributes:
        registered: None for a version that only a log or a deployment names.
        missing: parts nobody gave, the seed among them.
        live: the stages it is live in now, with its share of traffic.
        last_live: when it last entered a stage.
        fallback: its readiness, if it is the model's fallback.
    """

    version: str
    registered: Version | None
    missing: tuple[str, ...]
    live: tuple[tuple[str, float | None], ...]
    first_live: datetime | None
    last_live: datetime | None
    fallback: Candidate | None


def overview(db: sqlite3.Connection, model: Model, now: datetime) -> list[VersionStatus]:
    """Every version that was registered or was live, newest first, with what is missing and where it is live."""
    return statuses(db, model, now, fallback_readiness(db, model, now))


def statuses(
    db: sqlite3.Connection, model: Model, now: datetime, ready: Candidate | None = None
) -> list[VersionStatus]:
    """As :func:`overview`, in a few short queries: the readiness of the fallback, which hashes a file, is given."""
    registered = {v.version: v for v in versions.list_all(db, model.id)}
    rows = deployments.history(db, model.id)
    names = dict.fromkeys([*registered, *(row.version for row in rows)])
    stages = versions_live(db, model, now)
    found = []
    for name in names:
        lived = [row.at for row in rows if row.version == name and row.action != "leave"]
        known = registered.get(name)
        found.append(
            VersionStatus(
                version=name,
                registered=known,
                missing=known.missing if known else (*PARTS, "seed"),
                live=tuple((d.stage, d.traffic) for d in stages if d.version == name),
                first_live=min(lived, default=None),
                last_live=max(lived, default=None),
                fallback=ready if ready and ready.version == name else None,
            )
        )
    return sorted(found, key=lambda status: _born(status, now), reverse=True)


def _born(status: VersionStatus, now: datetime) -> datetime:
    return status.registered.registered_at if status.registered else status.first_live or now
