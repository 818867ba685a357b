"""What is known of a version that went live: what differs from the one before, and what changed before its training."""

from __future__ import annotations

import json
import math
import sqlite3
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from core import versions
from core.changes import feed as changes
from storage import artifacts
from storage.errors import MidwatchError
from storage.records.models import Model
from storage.records.versions import PARTS, Version
from storage.tables import deployments
from storage.tables import versions as version_table

LARGEST = 100_000
"""Bytes of a description of training data that is read; larger ones are the data themselves."""

BEFORE_TRAINING = timedelta(days=2)
FAR = 0.05
"""A difference of training label rates that is worth a word."""


@dataclass(frozen=True, slots=True)
class VersionFacts:
    """A version against the one that served the stage before it.

    Attributes:
        words: which parts differ, in words; ``differs`` whether any does.
        telling: what may have spoiled it, each with its row.
    """

    version: str
    before: str | None
    differs: bool
    words: str
    reference: str | None
    telling: tuple[tuple[str, str | None], ...]


def facts_of(db: sqlite3.Connection, model: Model, version: str, *, before: datetime) -> VersionFacts | None:
    """What is known of a version that entered a stage at ``before``; None when it is not registered."""
    here = version_table.find(db, model.id, version)
    if here is None:
        return None
    then = last_before(db, model, version, before)
    other = version_table.find(db, model.id, then) if then else None
    telling = list(_trained_after(db, model, here, other, before))
    if other is None:
        return VersionFacts(version, then, True, "", None, tuple(telling))
    diff = versions.diff(db, model, other.version, version)
    same = [part for part in PARTS if diff.parts[part] == "same"]
    differ = [part for part in PARTS if diff.parts[part] == "different"]
    words = f"{other.version} -> {version}: "
    words += f"{', '.join(differ)} hash differs" if differ else "no part differs"
    words += f"; same {', '.join(same)}" if same else ""
    telling = [*_rates(here, other), *telling]
    return VersionFacts(version, then, bool(differ), words, f"versions:{here.id}", tuple(telling))


def last_before(db: sqlite3.Connection, model: Model, version: str, at: datetime) -> str | None:
    """The other version that served users at full traffic last before a moment."""
    stage = model.file.full_stage
    rows = [
        d
        for d in deployments.history(db, model.id, stage)
        if d.at <= at and d.version != version and d.action != "leave"
    ]
    return rows[-1].version if rows else None


def label_rate(version: Version) -> float | None:
    """Share of positive labels in a version's training data, where its description (small JSON, unchanged) has one."""
    if version.data_path is None:
        return None
    path = Path(version.data_path)
    try:
        if path.stat().st_size > LARGEST or artifacts.sha256(path) != version.data_sha:
            return None
        body = json.loads(artifacts.text_of(path) or "")
    except (OSError, ValueError, MidwatchError):
        return None  # the description is gone or is no JSON: nothing is known, which is said nowhere as a number
    if not isinstance(body, dict):
        return None
    for key, value in body.items():
        telling = "rate" in key and any(word in key for word in ("label", "base", "positive"))
        if telling and isinstance(value, int | float) and math.isfinite(value):
            return float(value)
    return None


def _rates(here: Version, other: Version) -> list[tuple[str, str | None]]:
    now, then = label_rate(here), label_rate(other)
    if now is None or then is None or abs(now - then) < FAR:
        return []
    return [(f"label base rate in its training data {now:.3f}, {then:.3f} before", f"versions:{here.id}")]


def _trained_after(
    db: sqlite3.Connection, model: Model, here: Version, other: Version | None, at: datetime
) -> list[tuple[str, str | None]]:
    """Changes of pipelines and data between the training of the version before and this one's."""
    end = here.trained_at or at
    start = max(filter(None, (other.trained_at if other else None, end - BEFORE_TRAINING)))
    found = changes.between(db, model.id, start, end)
    told = [c for c in found if c.layer in ("pipeline", "data", "component") and c.model_id == model.id]
    told = [c for c in told if "train" in f"{c.kind} {c.subject}".lower() or "label" in c.subject.lower()]
    return [
        (f"changed before its training: {c.subject}" + (" (not reviewed)" if c.unreviewed else ""), c.reference)
        for c in told[:2]
    ]
