"""Versions: registered once, never changed, compared part by part, and named for every minute they were live."""

from __future__ import annotations

import json
import re
import sqlite3
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from core.changes import deployed as deployed_changes
from core.version_diff import VersionDiff as VersionDiff
from core.version_diff import diff as diff
from storage import artifacts
from storage.actuators.base import version_name
from storage.clock import to_text
from storage.db import transaction
from storage.errors import RefusedError, UsageError
from storage.host import Actor
from storage.records.models import Model
from storage.records.versions import PARTS, Deployment, Role, Version
from storage.tables import audit, deployments, versions

_COMMIT = re.compile(r"[0-9a-f]{7,64}", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Sources:
    """Where the parts of a version are; what is None is missing.

    Attributes:
        artifact, data, config, environment: files or directories.
        code: a commit id, or the path of a source tree. A branch or tag can move: it is kept, but counts as missing.
        schema: a JSON file: kind of every column the version needs, by name.
    """

    artifact: Path | None = None
    data: Path | None = None
    config: Path | None = None
    code: str | None = None
    environment: Path | None = None
    seed: str | None = None
    schema: Path | None = None


@dataclass(frozen=True, slots=True)
class Added:
    """A registered version; ``changed`` is False when it stood there already, the same in every part."""

    version: Version
    changed: bool


def add(
    db: sqlite3.Connection,
    model: Model,
    version: str,
    sources: Sources,
    *,
    role: Role = "normal",
    note: str | None = None,
    trained_at: datetime | None = None,
    actor: Actor,
    now: datetime,
) -> Added:
    """Hash the parts and register the version.

    Raises:
        UsageError: the name can't be used, or the schema file is none.
        SourceError: a part can't be read.
        RefusedError: the version is registered with other parts; it is immutable.
    """
    version_name(version)
    values = {**_hashed(sources), "role": role}
    with transaction(db):
        before = versions.find(db, model.id, version)
        if before is not None:
            _same(before, values)
            return Added(before, False)
        values |= {
            "version": version,
            "note": note,
            "trained_at": to_text(trained_at) if trained_at else None,
            "registered_at": to_text(now),
            "registered_by": actor.name,
        }
        versions.insert(db, model.id, values)
        added = versions.get(db, model.id, version)
        deployed_changes.describe(db, model, now=now)
        audit.record(
            db,
            "version.add",
            actor=actor,
            now=now,
            object_kind="version",
            object_id=f"{model.name}/{version}",
            after={**added.hashes, "seed": added.seed, "role": role},
        )
    return Added(added, True)


def deploy(
    db: sqlite3.Connection,
    model: Model,
    version: str,
    stage: str,
    *,
    traffic: float | None = None,
    at: datetime | None = None,
    reason: str | None = None,
    actor: Actor,
    now: datetime,
    source: str = "command",
) -> Deployment:
    """Record that a version entered a stage, or that its share of traffic there changed.

    Raises:
        UsageError: the stage is not one of the model file's, the version's name can't be used, or ``at`` is to come.
    """
    version_name(version)
    known = {s.name: s for s in model.file.stages}
    if stage not in known:
        raise UsageError(f"{model.name} has no stage {stage!r}", f"its stages: {', '.join(known)}")
    moment = at or now
    if moment > now:
        raise UsageError(f"{to_text(moment)} is still to come", "deployments are recorded when they have happened")
    share = known[stage].traffic if traffic is None else traffic
    with transaction(db):
        before = deployments.live_at(db, model.id, moment).get(stage)
        deployments.append(
            db, model.id, version, stage, "traffic" if before is not None and before.version == version else "enter",
            at=moment, now=now, by=actor.name, source=source, traffic=share, reason=reason,
        )  # fmt: skip
        deployed_changes.describe(db, model, now=now)
        after = deployments.live_at(db, model.id, moment)[stage]
        audit.record(
            db,
            "deploy",
            actor=actor,
            now=now,
            object_kind="model",
            object_id=model.name,
            before={"stage": stage, "version": before.version, "traffic": before.traffic} if before else None,
            after={"stage": stage, "version": version, "traffic": share, "at": to_text(moment), "reason": reason},
        )
    return after


def live(db: sqlite3.Connection, model: Model, at: datetime) -> list[Deployment]:
    """What was live at that moment: at most one version a stage, in the model file's order of stages."""
    found = deployments.live_at(db, model.id, at)
    order = [stage.name for stage in model.file.stages]
    return sorted(found.values(), key=lambda d: (order.index(d.stage) if d.stage in order else len(order), d.stage))


def _hashed(sources: Sources) -> dict[str, Any]:
    values: dict[str, Any] = {"seed": sources.seed}
    parts = {
        "model": sources.artifact,
        "data": sources.data,
        "config": sources.config,
        "environment": sources.environment,
    }
    for part, path in parts.items():
        if path is not None:
            values |= {f"{part}_path": str(path.absolute()), f"{part}_sha": artifacts.sha256(path)}
            if part in ("config", "environment"):
                values[f"{part}_text"] = artifacts.text_of(path)
    if sources.code is not None:
        tree = Path(sources.code)
        values["code_ref"] = sources.code
        if _COMMIT.fullmatch(sources.code):
            values["code_sha"] = sources.code.lower()
        elif tree.exists():
            values["code_sha"] = artifacts.sha256(tree)
    if sources.schema is not None:
        values["input_schema_json"] = json.dumps(_schema(sources.schema), sort_keys=True)
    return values


def _schema(path: Path) -> dict[str, str]:
    try:
        body = json.loads(artifacts.text_of(path) or "")
    except ValueError as error:
        raise UsageError(f"{path} is not JSON: {error}", 'write {"column": "kind", ...}') from error
    if not isinstance(body, dict) or not all(isinstance(kind, str) for kind in body.values()):
        raise UsageError(f"{path} is no object of texts", 'write {"column": "kind", ...}')
    return body


def _same(before: Version, values: dict[str, Any]) -> None:
    now = {**{part: values.get(f"{part}_sha") for part in PARTS}, "seed": values["seed"], "role": values["role"]}
    then = {**before.hashes, "seed": before.seed, "role": before.role}
    other = [part for part, value in now.items() if value != then[part]]
    if other:
        raise RefusedError(
            f"{before.version} is registered with another {', '.join(other)}: a version never changes",
            "register it under a new name",
        )
