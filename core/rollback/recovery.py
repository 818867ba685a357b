"""Recovery: what a killed process left open is ended by asking the world, on every start."""

from __future__ import annotations

import sqlite3
from datetime import datetime, timedelta

from core.rollback import conclude
from core.rollback.actuation import actuator_of, model_then
from core.rollback.conclude import Verdict
from core.rollback.execution import Outcome, outcome
from storage import process
from storage.actuators.base import Actuator, Clock, HostClock
from storage.errors import ActuatorError, RefusedError, UsageError
from storage.host import Actor
from storage.records.rollbacks import Rollback
from storage.tables import rollback_evidence, rollbacks

STRANGER = timedelta(seconds=60)
"""On top of its own time limits: how long a process of another host, which can't be looked at, is left alone."""


def recover(
    db: sqlite3.Connection,
    *,
    now: datetime,
    actor: Actor,
    clock: Clock | None = None,
    actuator: Actuator | None = None,
) -> list[Outcome]:
    """End every rollback whose process died, and every recorded one that a log has confirmed meanwhile.

    ``planned`` becomes ``failed`` (it never started); ``started``, ``actuated`` and ``unknown`` become what
    the verifier says. Where the world can't be read it stays (or becomes) ``unknown``, and the next call asks again.
    Rollbacks of living processes are left alone.
    """
    moment = clock or HostClock()
    ended = []
    for found in rollbacks.unfinished(db):
        if not _abandoned(db, found, now):
            continue
        verdict = _asked(db, found, moment, actuator, now)
        if verdict.state == "unknown" and found.state == "unknown":
            ended.append(outcome(found))
            continue
        after = (found.state,)
        if conclude.write(db, found.id, verdict, actor=actor, now=now, detail={"recovered": True}, after=after):
            ended.append(outcome(rollbacks.get(db, found.id)))
    for found in rollbacks.unread(db):
        seen = rollback_evidence.shown_since(db, found.model_id, found.to_version, found.stage, found.at)
        if seen is not None:
            message = f"a log shows {found.to_version} since {seen:%Y-%m-%d %H:%M:%SZ}"
            verdict = Verdict("verified", message, found.to_version, seen)
            conclude.write(db, found.id, verdict, actor=actor, now=now, after=("not verified",))
            ended.append(outcome(rollbacks.get(db, found.id)))
    return ended


def abandon(db: sqlite3.Connection, rollback_id: int, *, reason: str, actor: Actor, now: datetime) -> Outcome:
    """A person ends a rollback whose outcome can't be read, so that another one can start; it counts as not verified.

    Raises:
        UsageError: no reason was given.
        RefusedError: its outcome is not unknown.
    """
    if not reason.strip():
        raise UsageError("giving up a rollback needs a reason", "say why: --override TEXT")
    verdict = Verdict("not verified", f"given up by {actor.name}: {reason.strip()}")
    if not conclude.write(db, rollback_id, verdict, actor=actor, now=now, after=("unknown",)):
        state = rollbacks.get(db, rollback_id).state
        raise RefusedError(f"rollback {rollback_id} is {state}: only an unknown outcome can be given up", "look again")
    return outcome(rollbacks.get(db, rollback_id))


def _abandoned(db: sqlite3.Connection, found: Rollback, now: datetime) -> bool:
    """Whether nobody works on it any more: its process ended, or has had more time than all its limits together."""
    limits = timedelta(seconds=4 * found.plan.timeout_seconds + found.plan.settle_seconds)
    if now - found.state_at > limits + STRANGER:
        return True
    marks = [event.detail["process"] for event in rollbacks.events(db, found.id) if "process" in event.detail]
    living = process.alive(marks[-1]) if marks else False
    if found.state == "unknown" and living:  # its own process looks at the world first, then anyone may
        return now - found.state_at > limits
    return living is False


def _asked(db: sqlite3.Connection, found: Rollback, clock: Clock, actuator: Actuator | None, now: datetime) -> Verdict:
    if found.state == "planned":
        return Verdict("failed", "its process ended before it started: nothing was done")
    # What was set in motion just before the crash may still be on its way.
    late = found.state_at + timedelta(seconds=found.plan.timeout_seconds) - now
    patience = timedelta(0) if found.actuator == "pointer_file" else max(timedelta(0), late)
    try:
        acting = actuator or actuator_of(db, model_then(db, found), clock)
    except ActuatorError as error:
        return Verdict("unknown", f"the world can't be read: {error.message}")
    return conclude.settle(acting, found.plan, clock, patience=patience)
