"""Which incident first: impact times reach times age, unless a person said otherwise."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from storage.records.incidents import Incident

IMPACT: dict[str | None, float] = {"SEV1": 8.0, "SEV2": 4.0, "SEV3": 2.0, "SEV4": 1.0, None: 2.0}
"""Each severity weighs twice the next; an incident nobody has judged weighs as SEV3."""


@dataclass(frozen=True, slots=True)
class Priority:
    """A priority (0 and up, higher first) and how it came about."""

    value: float
    formula: str


def priority(incident: Incident, now: datetime) -> Priority:
    """Impact (8, 4, 2, 1 for SEV1 to SEV4) x reach (share of traffic; 1 where not known) x (1 + age in days)."""
    if incident.edited_priority is not None:
        return Priority(incident.edited_priority, "set by hand")
    impact = IMPACT[incident.severity]
    reach = 1.0 if incident.reach is None else incident.reach
    age = max(0.0, (now - incident.detected_at).total_seconds() / 86_400)
    told = "reach 1 (not known)" if incident.reach is None else f"reach {reach:.2f}"
    severity = incident.severity or "no severity yet"
    return Priority(impact * reach * (1 + age), f"impact {impact:g} ({severity}) x {told} x age {1 + age:.2f}")
