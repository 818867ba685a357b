"""Gates in force and gates in dry run: a new gate logs what it would have done until somebody arms it."""

from __future__ import annotations

import sqlite3
from datetime import datetime

from core.rollouts.documents import gate_sha as gate_sha
from storage.db import transaction
from storage.errors import RefusedError, UsageError
from storage.host import Actor
from storage.records.gates import Arming
from storage.records.models import Model
from storage.records.rollouts import StageRule
from storage.tables import audit, gates


def armed(db: sqlite3.Connection, model: Model, rule: StageRule) -> bool:
    """Whether this very gate holds candidates up; another margin, minimum, item or guardrail makes it a new gate."""
    latest = gates.arming(db, model.id, rule.stage, gate_sha(rule))
    return latest is not None and latest.armed


def arm(
    db: sqlite3.Connection,
    model: Model,
    rule: StageRule,
    *,
    on: bool = True,
    reason: str,
    actor: Actor,
    now: datetime,
) -> Arming:
    """Let a gate hold candidates up from now on; with ``on`` False it goes back to its dry run.

    Raises:
        UsageError: there is no reason.
        RefusedError: it is so already.
    """
    if not reason.strip():
        raise UsageError("arming or disarming a gate needs a reason", "say why: --reason TEXT")
    sha = gate_sha(rule)
    with transaction(db):
        before = gates.arming(db, model.id, rule.stage, sha)
        if (before is not None and before.armed) == on:
            state = "armed" if on else "in dry run"
            raise RefusedError(f"the gate behind {rule.stage} is {state} already")
        gates.add_arming(db, model.id, rule.stage, sha, armed=on, reason=reason.strip(), by=actor.name, now=now)
        audit.record(
            db, "gate.arm" if on else "gate.disarm", actor=actor, now=now, object_kind="gate",
            object_id=f"{model.name}/{rule.stage}", before={"armed": not on},
            after={"armed": on, "gate": sha, "reason": reason.strip()},
        )  # fmt: skip
    return Arming(rule.stage, sha, on, reason.strip(), actor.name, now)
