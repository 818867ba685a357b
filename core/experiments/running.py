"""What people do with experiments: start, hold, kill, launch, drop, explain, book hours; how many may run at once."""

from __future__ import annotations

import math
import sqlite3
from datetime import datetime

from storage.db import transaction
from storage.errors import RefusedError, UsageError
from storage.host import Actor
from storage.records.experiments import (
    Experiment,
    ExperimentEvent,
    ExperimentEventKind,
    ExperimentLimit,
    ExperimentState,
    LimitScope,
)
from storage.tables import audit, experiments, models

DEFAULT_LIMIT = 3
"""Experiments of a model that may run at once, while nobody said otherwise."""

WAYS: dict[ExperimentEventKind, tuple[ExperimentState, ...]] = {
    "start": ("registered", "held", "killed", "dropped"),
    "hold": ("running",),
    "kill": ("registered", "running", "held", "launched"),
    "launch": ("running",),
    "drop": ("registered", "running", "held", "launched"),
}
"""From which states each step is taken."""


def start(
    db: sqlite3.Connection,
    experiment_id: int,
    *,
    version: str | None = None,
    stop: int | None = None,
    actor: Actor,
    now: datetime,
) -> Experiment:
    """Start an experiment, or take it up again.

    Args:
        version: the candidate that carries it, when it is known already.
        stop: another one that is held in the same transaction, to make room.

    Raises:
        RefusedError: it runs already or is launched, ``stop`` does not run, or as many run as may; the message names
            those that could be stopped.
        UsageError: there is no such experiment.
    """
    with transaction(db):
        found = experiments.get(db, experiment_id)
        _way(found, "start")
        if stop is not None:
            hold(db, stop, f"makes room for experiment {experiment_id}", actor=actor, now=now)
        for limit, running in limits_on(db, found):
            if len(running) >= limit.most:
                raise _over(found, limit, running)
        _append(db, found, "start", version=version, actor=actor, now=now)
    return experiments.get(db, experiment_id)


def limits_on(db: sqlite3.Connection, found: Experiment) -> list[tuple[ExperimentLimit, list[Experiment]]]:
    """The limits that an experiment falls under, each with what runs under it, the longest first.

    The limit of its model always holds, three by default; that of its team (the model file's owner) where it was set.
    """
    known = {(limit.scope, limit.name): limit for limit in experiments.limits(db)}
    running = [one for one in experiments.listing(db) if one.state == "running"]
    own = known.get(("model", found.model)) or default_limit(found.model, found.at)
    under = [(own, [one for one in running if one.model_id == found.model_id])]
    owners = {model.id: model.file.owner for model in models.list_all(db)}
    team = owners.get(found.model_id)
    if team is not None and (limit := known.get(("team", team))) is not None:
        under.append((limit, [one for one in running if owners.get(one.model_id) == team]))
    return under


def default_limit(model: str, at: datetime) -> ExperimentLimit:
    """The limit of a model for which nobody set one."""
    return ExperimentLimit("model", model, DEFAULT_LIMIT, "the default", "midwatch", at)


def hold(db: sqlite3.Connection, experiment_id: int, reason: str | None, *, actor: Actor, now: datetime) -> Experiment:
    """Stop for now; it makes room for another."""
    return _step(db, experiment_id, "hold", reason, actor=actor, now=now)


def kill(db: sqlite3.Connection, experiment_id: int, reason: str, *, actor: Actor, now: datetime) -> Experiment:
    """End it: it is not worth going on.

    Raises:
        UsageError: without a reason.
        RefusedError: it has ended already.
    """
    return _step(db, experiment_id, "kill", reason, actor=actor, now=now)


def launch(db: sqlite3.Connection, experiment_id: int, note: str | None, *, actor: Actor, now: datetime) -> Experiment:
    """Its first launch: users get it. A kill or a drop may follow still."""
    return _step(db, experiment_id, "launch", note, actor=actor, now=now)


def drop(db: sqlite3.Connection, experiment_id: int, reason: str, *, actor: Actor, now: datetime) -> Experiment:
    """End it for a reason that is no metric: legal, privacy, priorities.

    Raises:
        UsageError: without a reason.
        RefusedError: it has ended already.
    """
    return _step(db, experiment_id, "drop", reason, actor=actor, now=now)


def explain(
    db: sqlite3.Connection,
    experiment_id: int,
    words: str,
    *,
    hypothesis: str | None = None,
    actor: Actor,
    now: datetime,
) -> ExperimentEvent:
    """Add words to an experiment; they are marked retrofitted after a first result, or with another hypothesis.

    Raises:
        UsageError: without words.
    """
    if not words.strip():
        raise UsageError("an explanation needs words", "say what is thought to be behind the result")
    stated = (hypothesis or "").strip() or None
    with transaction(db):
        found = experiments.get(db, experiment_id)
        later = bool(experiments.results(db, experiment_id))
        other = stated is not None and stated != found.registration.hypothesis
        number = experiments.add_event(
            db, experiment_id, "explain", body=words.strip(), hypothesis=stated, retrofitted=later or other,
            by=actor.name, now=now,
        )  # fmt: skip
        after = {"retrofitted": later or other, "words": words.strip()}
        _audit(db, "explain", found, after, actor=actor, now=now)
        return next(event for event in experiments.events(db, experiment_id) if event.id == number)


def book(db: sqlite3.Connection, experiment_id: int, hours: float, *, actor: Actor, now: datetime) -> float:
    """Add a person's hours of work (below 0 takes some back); the sum of all that were booked.

    Raises:
        UsageError: no number, or more is taken back than was booked.
    """
    if not math.isfinite(hours) or hours == 0:
        raise UsageError(f"{hours:g} are no hours", "as in: midwatch experiments hours 7 2.5")
    with transaction(db):
        found = experiments.get(db, experiment_id)
        booked = sum(event.hours or 0.0 for event in experiments.events(db, experiment_id))
        if booked + hours < 0:
            raise UsageError(f"only {booked:g} hours were booked", f"take back {booked:g} at the most")
        experiments.add_event(db, experiment_id, "hours", hours=hours, by=actor.name, now=now)
        _audit(db, "hours", found, {"hours": hours}, actor=actor, now=now)
    return booked + hours


def set_limit(
    db: sqlite3.Connection,
    scope: LimitScope,
    name: str,
    most: int,
    *,
    reason: str | None = None,
    actor: Actor,
    now: datetime,
) -> None:
    """Say how many experiments of a model or a team may run at once; what runs already goes on.

    Raises:
        UsageError: the model is unknown, no model has that owner, or the number is below 0.
    """
    if most < 0:
        raise UsageError(f"a limit of {most} can't be kept", "0 or more")
    if scope == "model":
        models.get(db, name)
    else:
        owners = sorted({model.file.owner for model in models.list_all(db) if model.file.owner})
        if name not in owners:
            raise UsageError(f"no model has the owner {name!r}", f"known: {', '.join(owners) or 'none'}")
    with transaction(db):
        before = next((x.most for x in experiments.limits(db) if (x.scope, x.name) == (scope, name)), None)
        experiments.set_limit(db, scope, name, most, reason=reason, by=actor.name, now=now)
        audit.record(
            db, "experiment.limit", actor=actor, now=now, object_kind=scope, object_id=name,
            before=None if before is None else {"most": before}, after={"most": most, "reason": reason},
        )  # fmt: skip


def _step(
    db: sqlite3.Connection,
    experiment_id: int,
    kind: ExperimentEventKind,
    reason: str | None,
    *,
    actor: Actor,
    now: datetime,
) -> Experiment:
    words = (reason or "").strip() or None
    if words is None and kind in ("kill", "drop"):
        raise UsageError(f"to {kind} an experiment takes a reason", "--reason TEXT: it is what others learn from")
    with transaction(db):
        found = experiments.get(db, experiment_id)
        _way(found, kind)
        _append(db, found, kind, body=words, actor=actor, now=now)
    return experiments.get(db, experiment_id)


def _way(found: Experiment, kind: ExperimentEventKind) -> None:
    if found.state not in WAYS[kind]:
        raise RefusedError(
            f"experiment {found.id} is {found.state}: it can't {kind}",
            f"{kind} goes from {', '.join(WAYS[kind])}",
        )


def _append(
    db: sqlite3.Connection,
    found: Experiment,
    kind: ExperimentEventKind,
    *,
    body: str | None = None,
    version: str | None = None,
    actor: Actor,
    now: datetime,
) -> None:
    experiments.add_event(db, found.id, kind, body=body, version=version, by=actor.name, now=now)
    _audit(db, kind, found, {"state": kind, "reason": body, "version": version}, actor=actor, now=now)


def _audit(db: sqlite3.Connection, what: str, found: Experiment, after: object, *, actor: Actor, now: datetime) -> None:
    audit.record(
        db, f"experiment.{what}", actor=actor, now=now, object_kind="experiment", object_id=found.id,
        before={"state": found.state}, after=after,
    )  # fmt: skip


def _over(found: Experiment, limit: ExperimentLimit, running: list[Experiment]) -> RefusedError:
    named = "; ".join(f"{one.id} {one.registration.title}" for one in running[:5]) or "none"
    more = f" and {len(running) - 5} more" if len(running) > 5 else ""
    return RefusedError(
        f"{len(running)} experiments of the {limit.scope} {limit.name} run and {limit.most} may: "
        f"experiment {found.id} was not started; these could be stopped: {named}{more}",
        f"midwatch experiments start {found.id} --stop {running[0].id if running else 'ID'}, or raise the limit",
    )
