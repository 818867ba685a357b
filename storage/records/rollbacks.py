"""Rollbacks: the plan that was shown, the states it went through, and what an actuator says."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from storage.clock import from_text, to_text

Kind = Literal["rollback", "fallback", "undo"]
CandidateKind = Literal["historical", "fallback", "retrained", "named"]
Light = Literal["green", "amber", "red"]
State = Literal["planned", "started", "actuated", "verified", "failed", "unknown", "not verified", "undone"]

OPEN: tuple[State, ...] = ("planned", "started", "actuated", "unknown")
"""States that somebody still has to end."""

_RANK: dict[Light, int] = {"green": 0, "amber": 1, "red": 2}


def worst(lights: list[Light]) -> Light:
    """The worst of several lights, green for none.

    >>> worst(["green", "red", "amber"])
    'red'
    """
    return max(lights, key=_RANK.__getitem__, default="green")


@dataclass(frozen=True, slots=True)
class Reading:
    """What the world says.

    Attributes:
        value: the version that is in force, None when nothing can read it.
        at: when it was read.
        note: why there is no value, or what else was seen.
    """

    value: str | None
    at: datetime
    note: str = ""


@dataclass(frozen=True, slots=True)
class ActuatorPlan:
    """What an actuator would do, and the world it found.

    Attributes:
        target: the version to put in force.
        current: the version in force when the plan was made; execution stops when it is another one by then.
        does: one line: what will be done, exactly.
        detail: the exact argv, request or path, without secrets.
        prior: the exact former state, opaque, from which it can be restored.
        write: the exact state that will be set, opaque.
        verifiable: whether anything can read the world back.
    """

    actuator: str
    target: str
    current: str | None
    does: str
    detail: dict[str, Any] = field(default_factory=dict)
    prior: str | None = None
    write: str | None = None
    verifiable: bool = True


@dataclass(frozen=True, slots=True)
class PreflightItem:
    """One thing looked at before acting; ``final`` red items can't be overridden by anyone."""

    name: str
    light: Light
    message: str
    final: bool = False


@dataclass(frozen=True, slots=True)
class Candidate:
    """A version that could be put in force.

    Attributes:
        kind: a version that was live before, the fallback, a retrained one, or one that a person named.
        light: the worst of its own items.
        reasons: one sentence for every item that is not green, or why all is well.
        metric: the primary metric when it was live last, None when unknown.
    """

    kind: CandidateKind
    version: str
    light: Light
    reasons: tuple[str, ...]
    metric: float | None = None


@dataclass(frozen=True, slots=True)
class RollbackPlan:
    """Everything the sheet shows; kept as JSON beside the rollback, so that what was shown can be proved.

    Attributes:
        key: the idempotency key of this plan; a second press carries the same one.
        model_sha256: the model file it was made with; another one by then refuses it.
        from_version: what is in force, None when neither the world nor the store knows.
        rows_per_hour: rows the live version served per hour in the newest batches, None when unknown.
        settle_seconds, timeout_seconds: how long the verifier watches, and how long it waits for the change to show.
    """

    key: str
    model: str
    model_id: int
    model_sha256: str
    kind: Kind
    stage: str
    from_version: str | None
    to_version: str
    actuation: ActuatorPlan | None
    preflight: tuple[PreflightItem, ...]
    candidates: tuple[Candidate, ...]
    ways_out: tuple[str, ...]
    undo_how: str
    blast_radius: str
    rows_per_hour: float | None
    production: bool
    settle_seconds: float
    timeout_seconds: float
    made_at: datetime
    expires_at: datetime
    incident_id: int | None = None
    undo_of: int | None = None

    @property
    def light(self) -> Light:
        """The worst item of the preflight."""
        return worst([item.light for item in self.preflight])

    @property
    def must_type(self) -> bool:
        """Whether a person has to type the version: production, or anything that is not green."""
        return self.production or self.light != "green"

    @property
    def forbidden(self) -> tuple[str, ...]:
        """What no override helps against."""
        return tuple(item.message for item in self.preflight if item.final and item.light == "red")


@dataclass(frozen=True, slots=True)
class RollbackEvent:
    """One state a rollback entered."""

    id: int
    rollback_id: int
    state: State
    detail: dict[str, Any]
    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Rollback:
    """One rollback with its latest state."""

    id: int
    model_id: int
    kind: Kind
    from_version: str | None
    to_version: str
    stage: str
    actuator: str
    plan: RollbackPlan
    reason: str
    confirmed: str | None
    incident_id: int | None
    undo_of: int | None
    idempotency_key: str
    by: str
    at: datetime
    state: State
    state_at: datetime
    message: str


def to_json(plan: RollbackPlan) -> str:
    """The plan as it is kept."""
    return json.dumps(dataclasses.asdict(plan), sort_keys=True, ensure_ascii=False, default=_moment)


def from_json(text: str) -> RollbackPlan:
    """The plan that :func:`to_json` wrote."""
    body = json.loads(text)
    return RollbackPlan(
        **{
            **body,
            "actuation": ActuatorPlan(**body["actuation"]) if body["actuation"] else None,
            "preflight": tuple(PreflightItem(**item) for item in body["preflight"]),
            "candidates": tuple(Candidate(**{**c, "reasons": tuple(c["reasons"])}) for c in body["candidates"]),
            "ways_out": tuple(body["ways_out"]),
            "made_at": from_text(body["made_at"]),
            "expires_at": from_text(body["expires_at"]),
        }
    )


def _moment(value: object) -> str:
    if isinstance(value, datetime):
        return to_text(value)
    raise TypeError(f"{type(value).__name__} has no place in a plan")
