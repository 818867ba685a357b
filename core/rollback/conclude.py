"""How a rollback ends: read the world back over a settle window, then write the end down, once."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from core.incidents import lifecycle
from storage.actuators.base import Actuator, Clock
from storage.db import transaction
from storage.errors import ActuatorError
from storage.host import Actor
from storage.records.rollbacks import OPEN, ActuatorPlan, Rollback, State
from storage.tables import audit, deployments, rollbacks


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the verifier concludes.

    Attributes:
        state: ``verified``, ``not verified``, ``failed`` or ``unknown``.
        world: the version that the world named last, None when it named none.
        since: when the target was seen first; None when it never was.
    """

    state: State
    message: str
    world: str | None = None
    since: datetime | None = None


class Aim(Protocol):
    """A version that is to be in force: a rollback's plan, or a promotion."""

    @property
    def from_version(self) -> str | None:
        """What was in force before, None when nobody knows."""

    @property
    def to_version(self) -> str:
        """What is to be in force."""

    @property
    def actuation(self) -> ActuatorPlan | None:
        """What was to be done."""

    @property
    def settle_seconds(self) -> float:
        """How long the target must hold."""


def settle(actuator: Actuator, plan: Aim, clock: Clock, *, patience: timedelta) -> Verdict:
    """Watch the world until the target has held for the settle window.

    Args:
        patience: how long the target may take to show up. "Verified" needs it seen at every reading of one settle
            window; a target that shows and goes again was overwritten by someone.
    """
    target, window = plan.to_version, timedelta(seconds=plan.settle_seconds)
    if plan.actuation is None or not plan.actuation.verifiable:
        return Verdict("not verified", f"nothing reads the world back: not verified until a log shows {target}")
    start, since = clock.now(), None
    pause = min(0.5, max(0.02, plan.settle_seconds / 8))
    while True:
        trouble: ActuatorError | None = None
        world = None
        try:
            world = actuator.verify(target).value
        except ActuatorError as error:
            trouble = error
        now = clock.now()
        if trouble is None and world == target:
            since = since or now
            if now - since >= window:
                return Verdict("verified", f"the world says {target}", world, since)
        elif trouble is None and since is not None:
            return Verdict("not verified", f"it said {target}, then {world}: someone overwrote it", world, since)
        elif now - start >= patience + (window if since else timedelta(0)):
            if trouble is not None:
                return Verdict("unknown", f"the world can't be read: {trouble.message}", None, since)
            still = " still" if world == plan.from_version else ""
            return Verdict("not verified", f"the world{still} says {world}, not {target}", world)
        clock.sleep(pause)


def write(
    db: sqlite3.Connection,
    rollback_id: int,
    verdict: Verdict,
    *,
    actor: Actor,
    now: datetime,
    detail: dict[str, Any] | None = None,
    after: tuple[State, ...] = OPEN,
) -> bool:
    """Append the end, and with ``verified`` what follows from it, in one transaction; False if it had ended already.

    Verified means: a deployment from the rollback (the change feed tells both as one line), its incident mitigated,
    and for an undo the state ``undone`` of what it undid and its incident open again.
    """
    body = {"message": verdict.message, "world": verdict.world, **(detail or {})}
    with transaction(db):
        before = rollbacks.get(db, rollback_id)
        if not rollbacks.append_state(db, rollback_id, verdict.state, after=after, detail=body, by=actor.name, now=now):
            return False
        if verdict.state == "verified":
            _follow(db, before, verdict.since or now, actor, now)
        audit.record(
            db,
            f"rollback.{verdict.state.replace(' ', '_')}",
            actor=actor,
            now=now,
            object_kind="rollback",
            object_id=rollback_id,
            before={"state": before.state},
            after={"state": verdict.state, **body},
        )
    return True


def _read_back(done: Rollback) -> bool:
    """Whether the world was read back; otherwise only the log tells since when."""
    return done.plan.actuation is not None and done.plan.actuation.verifiable


def _follow(db: sqlite3.Connection, done: Rollback, since: datetime, actor: Actor, now: datetime) -> None:
    """The deployment counts from when the program acted, if that is known: recovery may come hours later."""
    acted = [event.at for event in rollbacks.events(db, done.id) if event.state in ("started", "actuated")]
    at = min(acted[-1], since) if acted and _read_back(done) else since
    latest = deployments.live_at(db, done.model_id, now).get(done.stage)
    if latest is not None and latest.at > at and latest.version != done.to_version:
        at = now  # someone recorded another version meanwhile; the world was read later than that
    before = deployments.live_at(db, done.model_id, at).get(done.stage)
    deployments.append(
        db, done.model_id, done.to_version, done.stage, "enter", at=at, now=now, by=done.by, source="rollback",
        traffic=before.traffic if before else None, reason=done.reason, rollback_id=done.id,
    )  # fmt: skip
    if done.undo_of is not None:
        detail = {"message": f"undone by rollback {done.id}"}
        rollbacks.append_state(db, done.undo_of, "undone", after=None, detail=detail, by=actor.name, now=now)
    lifecycle.on_rollback_verified(db, done.id, actor=actor, now=now)
