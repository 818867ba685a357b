"""Nothing in the world: a person acts, midwatch records, and a log that shows the version is the only proof."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from storage.actuators.base import Clock, version_name
from storage.records.rollbacks import ActuatorPlan, Reading

UNREAD = "nothing reads the world back: not verified until a log shows the version"


@dataclass(frozen=True, slots=True)
class RecordOnly:
    """Records an intention; ``observed`` is what a log showed last."""

    clock: Clock
    observed: Callable[[], Reading | None]
    name: str = "record_only"

    def plan(self, target: str, *, restore: str | None = None) -> ActuatorPlan:
        """What a person would have to do by hand."""
        seen = self.observed()
        return ActuatorPlan(
            actuator=self.name,
            target=version_name(target),
            current=seen.value if seen else None,
            does=f"records that {target} should be live; you put it in force by hand",
            verifiable=False,
        )

    def execute(self, plan: ActuatorPlan, key: str) -> str:
        """Nothing."""
        return f"recorded; put {plan.target} in force by hand"

    def verify(self, expected: str) -> Reading:
        """What a log showed last; no value when none did."""
        return self.observed() or Reading(None, self.clock.now(), UNREAD)
