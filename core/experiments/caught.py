"""Where defects were caught: the later, the dearer. One entry a defect: of incidents, gates, evaluations and people."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from core.stats.intervals import wilson
from storage.db import transaction
from storage.errors import UsageError
from storage.host import Actor
from storage.records.experiments import CAUGHT_AT, CaughtAt, DefectTag
from storage.records.models import Model
from storage.tables import audit, defects, experiments, models, rollouts, suites

EVERY = 100_000
"""Evaluations that are gone through, at the most."""


@dataclass(frozen=True, slots=True)
class Defect:
    """One defect.

    Attributes:
        name: ``incident:INC-0042``, ``version:churn/v43`` or ``hand:7``.
        stage: where it was caught; ``live`` is an escape.
        found_by: what tells of it: an incident, a gate, an evaluation, or a person.
        tagged_by: who said that it was caught there, in place of what the record says.
    """

    name: str
    model_id: int | None
    title: str
    stage: CaughtAt
    found_by: str
    at: datetime
    tagged_by: str | None = None


@dataclass(frozen=True, slots=True)
class Escapes:
    """How many of some defects escaped, with Wilson's 95 % interval of the rate; None over none."""

    name: str
    defects: int
    escaped: int
    rate: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Ledger:
    """All defects; the counts of ``stages`` sum up to their number."""

    defects: tuple[Defect, ...]
    stages: Mapping[CaughtAt, int]
    whole: Escapes
    months: tuple[Escapes, ...]


def ledger(db: sqlite3.Connection, model: Model | None = None, *, since: datetime | None = None) -> Ledger:
    """The defects of a model, or of all, in the order of time.

    An incident is one defect, caught in the stage of the first batch that alarmed, live where that served everybody or
    nobody knows. A version is one defect however many gates and evaluations tell of it, caught where the first did.
    """
    files = {one.id: one for one in models.list_all(db)}
    model_id = model.id if model is not None else None
    told = experiments.tags(db)
    tags = {one.defect: one for one in told}
    found = [*_incidents(db, files, model_id), *_versions(db, files, model_id), *_by_hand(told, model_id)]
    tagged = [
        replace(one, stage=said.stage, tagged_by=said.by) if (said := tags.get(one.name)) is not None else one
        for one in found
    ]
    chosen = sorted((one for one in tagged if since is None or one.at >= since), key=lambda one: (one.at, one.name))
    counts = Counter(one.stage for one in chosen)
    months = sorted({f"{one.at:%Y-%m}" for one in chosen})
    return Ledger(
        defects=tuple(chosen),
        stages={stage: counts[stage] for stage in CAUGHT_AT},
        whole=_escapes("all", chosen),
        months=tuple(_escapes(month, [one for one in chosen if f"{one.at:%Y-%m}" == month]) for month in months),
    )


def tag(db: sqlite3.Connection, name: str, stage: CaughtAt, *, actor: Actor, now: datetime) -> Defect:
    """Say where a defect of the ledger was caught.

    Raises:
        UsageError: there is no such defect.
    """
    with transaction(db):
        known = {one.name: one for one in ledger(db).defects}
        if name not in known:
            near = ", ".join(list(known)[-5:]) or "none yet"
            raise UsageError(f"the ledger has no defect {name!r}", f"the last ones: {near}")
        before = known[name]
        experiments.add_tag(
            db, stage, defect=name, model_id=before.model_id, title=before.title, by=actor.name, now=now
        )
        _audit(db, name, before.stage, stage, actor, now)
    return replace(before, stage=stage, tagged_by=actor.name)


def add(
    db: sqlite3.Connection, title: str, stage: CaughtAt, *, model: Model | None = None, actor: Actor, now: datetime
) -> Defect:
    """Enter a defect that no other record tells of.

    Raises:
        UsageError: without a title.
    """
    if not title.strip():
        raise UsageError("a defect needs a title", "say what was wrong")
    with transaction(db):
        model_id = model.id if model is not None else None
        name = experiments.add_tag(db, stage, model_id=model_id, title=title.strip(), by=actor.name, now=now)
        _audit(db, name, None, stage, actor, now)
    return Defect(name, model_id, title.strip(), stage, "a person", now, actor.name)


def _incidents(db: sqlite3.Connection, files: Mapping[int, Model], model_id: int | None) -> Iterator[Defect]:
    for one in defects.incident_facts(db, model_id):
        model = files.get(one.model_id) if one.model_id is not None else None
        kinds: dict[str, str] = {stage.name: stage.kind for stage in model.file.stages} if model else {}
        stage = _place(kinds.get(one.stage or "", "full"))
        yield Defect(f"incident:{one.key}", one.model_id, one.title, stage, "an incident", one.at)


def _versions(db: sqlite3.Connection, files: Mapping[int, Model], model_id: int | None) -> Iterator[Defect]:
    told: dict[str, Defect] = {}
    for model in files.values():
        if model_id not in (None, model.id):
            continue
        for made in suites.listing(db, model.id, limit=EVERY):
            broken = [part.name for part in made.parts if part.vetoes and part.standing == "broken"]
            if made.verified and (broken or made.comparison == "worse"):
                why = f"breaks the floor of {', '.join(broken)}" if broken else "is worse than its baseline"
                title = f"{made.version} {why}"
                _first(told, Defect(_name(model, made.version), model.id, title, "test", "an evaluation", made.at))
    for gate in defects.gate_facts(db, model_id):
        rule = rollouts.get(db, gate.rollout_id).rule.stage(gate.stage)
        title = f"{gate.version} was harmful in {gate.stage}"
        name = _name(files[gate.model_id], gate.version)
        stage = _place(rule.kind if rule else "full")
        _first(told, Defect(name, gate.model_id, title, stage, "a gate", gate.at))
    yield from told.values()


def _first(told: dict[str, Defect], one: Defect) -> None:
    """Keep what was caught in the earlier stage, and of the same stage what came first."""
    known = told.get(one.name)
    if known is None or (CAUGHT_AT.index(one.stage), one.at) < (CAUGHT_AT.index(known.stage), known.at):
        told[one.name] = one


def _by_hand(tags: Iterable[DefectTag], model_id: int | None) -> Iterator[Defect]:
    for one in tags:
        if one.defect.startswith("hand:") and model_id in (None, one.model_id):
            yield Defect(one.defect, one.model_id, one.title or "", one.stage, "a person", one.first_at)


def _place(kind: str) -> CaughtAt:
    return next((stage for stage in CAUGHT_AT if stage == kind), "live")


def _name(model: Model, version: str) -> str:
    return f"version:{model.name}/{version}"


def _escapes(name: str, some: Sequence[Defect]) -> Escapes:
    escaped, n = sum(one.stage == "live" for one in some), len(some)
    low, high = wilson(escaped, n)
    return Escapes(name, n, escaped, escaped / n if n else None, low if n else None, high if n else None)


def _audit(
    db: sqlite3.Connection, name: str, before: CaughtAt | None, after: CaughtAt, actor: Actor, now: datetime
) -> None:
    audit.record(
        db, "defect.tag", actor=actor, now=now, object_kind="defect", object_id=name,
        before=None if before is None else {"stage": before}, after={"stage": after},
    )  # fmt: skip
