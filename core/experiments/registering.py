"""Registering an experiment: what is expected is fixed and hashed before there is any result."""

from __future__ import annotations

import hashlib
import json
import math
import sqlite3
from dataclasses import replace
from datetime import datetime

from core.metrics.registry import spec_of
from core.suites.rotation import effective_primary
from storage.clock import to_text
from storage.db import transaction
from storage.errors import UsageError
from storage.host import Actor
from storage.records.experiments import EXPERIMENT_KINDS, Experiment, Registration
from storage.records.models import Model
from storage.tables import audit, experiments


def register(db: sqlite3.Connection, model: Model, given: Registration, *, actor: Actor, now: datetime) -> Experiment:
    """Write down what is expected; from now on results may come, and none that is older.

    Raises:
        UsageError: a text is missing, a number is none, the metric or the parent is unknown.
    """
    given = checked(db, model, given, now=now)
    document = canonical(given, model=model.name, by=actor.name, at=now)
    sha256 = digest(document)
    with transaction(db):
        number = experiments.insert(db, model.id, given, document=document, sha256=sha256, by=actor.name, now=now)
        after = {"model": model.name, "title": given.title, "sha256": sha256}
        audit.record(
            db, "experiment.register", actor=actor, now=now, object_kind="experiment", object_id=number, after=after
        )
    return experiments.get(db, number)


def checked(db: sqlite3.Connection, model: Model, given: Registration, *, now: datetime) -> Registration:
    """The registration with its texts trimmed, and the primary metric of now where it names none.

    Raises:
        UsageError: as :func:`register`.
    """
    trimmed = replace(
        given,
        title=given.title.strip(),
        hypothesis=given.hypothesis.strip(),
        metric=given.metric.strip() or effective_primary(db, model, now).metric.name,
        idea_from=(given.idea_from or "").strip() or None,
        link=(given.link or "").strip() or None,
    )
    if not trimmed.title or not trimmed.hypothesis:
        raise UsageError("an experiment needs a title and a hypothesis", "say what is changed, and what that will do")
    if trimmed.kind not in EXPERIMENT_KINDS:
        raise UsageError(f"there is no kind {trimmed.kind!r}", f"one of {', '.join(EXPERIMENT_KINDS)}")
    spec_of(model.file, trimmed.metric)
    numbers = (trimmed.predicted_low, trimmed.predicted_high, trimmed.minimum_gain)
    if not all(math.isfinite(number) for number in numbers):
        raise UsageError("a predicted gain is a finite number", "as in --predict 0.002..0.01 --worthwhile 0.004")
    if trimmed.predicted_low > trimmed.predicted_high:
        low, high = trimmed.predicted_low, trimmed.predicted_high
        raise UsageError(f"the predicted interval {low:g} to {high:g} is upside down", "the lower end stands first")
    if trimmed.minimum_gain <= 0:
        raise UsageError(
            f"a minimum worthwhile gain of {trimmed.minimum_gain:g} asks for nothing",
            "gains are positive where they are better, whatever the direction of the metric",
        )
    if trimmed.parent_id is not None:
        parent = experiments.get(db, trimmed.parent_id)
        if parent.model_id != model.id:
            raise UsageError(f"experiment {parent.id} is of {parent.model}", f"name a parent of {model.name}")
    return trimmed


def canonical(given: Registration, *, model: str, by: str, at: datetime) -> str:
    """What is hashed: JSON with sorted keys and no blanks, numbers as Python repeats them.

    >>> from datetime import UTC
    >>> asked = Registration("t", "h", "auc", 0.001, 0.01, 0.004)
    >>> canonical(asked, model="churn", by="ada", at=datetime(2026, 11, 23, tzinfo=UTC))[:56]
    '{"by":"ada","hypothesis":"h","idea_from":null,"kind":"da'
    """
    told = {
        "model": model,
        "title": given.title,
        "kind": given.kind,
        "hypothesis": given.hypothesis,
        "metric": given.metric,
        "predicted_low": given.predicted_low,
        "predicted_high": given.predicted_high,
        "minimum_gain": given.minimum_gain,
        "idea_from": given.idea_from,
        "link": given.link,
        "parent": given.parent_id,
        "by": by,
        "registered_at": to_text(at),
    }
    return json.dumps(told, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def digest(document: str) -> str:
    """The sha256 of a document's bytes."""
    return hashlib.sha256(document.encode()).hexdigest()


def wrong(found: Experiment) -> tuple[str, ...]:
    """What is not as it was registered: the hash, or the columns against the document; empty when all is."""
    told = []
    if digest(found.document) != found.sha256:
        told.append(f"the document has the hash {digest(found.document)[:12]}, {found.sha256[:12]} was registered")
    if canonical(found.registration, model=found.model, by=found.by, at=found.at) != found.document:
        told.append("the row says another thing than the document")
    return tuple(told)
