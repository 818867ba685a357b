"""What a gate says, in one line with its reasons: for reports that are about something else."""

from __future__ import annotations

import sqlite3
from datetime import datetime

from core.rollouts import deciding
from core.shadow.comparison import GateSays
from storage.records.models import Model
from storage.records.rollouts import Rollout


def gate_says(db: sqlite3.Connection, model: Model, rollout: Rollout, *, now: datetime) -> GateSays:
    """The verdict of a rollout as it stands now; of one that is over, that it is."""
    name = f"{rollout.version} against {rollout.baseline}"
    if rollout.state != "open":
        return GateSays(f"the rollout of {name} is {rollout.state}", ())
    if rollout.stage is None:
        return GateSays(f"the rollout of {name} has not begun: no gate has spoken yet", ())
    found = deciding.standing(db, model, rollout, now=now)
    said = found.verdict
    says = f"would say {said.outcome} (dry run)" if found.dry_run else f"says {said.outcome}"
    since = f" since {said.at:%Y-%m-%d %H:%MZ} of the data" if said.at else ""
    why = [one.text for one in said.reasons if one.kind != "clear" or said.outcome == "promote"]
    return GateSays(f"the gate behind {rollout.stage} {says} to {name}{since}", tuple(why))
