"""What a model is held to, for whoever looks after it: the metric in force, and business metrics that left it."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from datetime import datetime

from core.suites.divergence import divergences
from core.suites.rotation import EffectivePrimary, effective_primary
from storage.records.models import Model


@dataclass(frozen=True, slots=True)
class HeldTo:
    """The primary metric in force; ``parted`` are sentences on business metrics that went another way."""

    primary: EffectivePrimary
    parted: tuple[str, ...]


def held_to(db: sqlite3.Connection, model: Model, *, now: datetime) -> HeldTo:
    """From stored values alone: no log is opened."""
    told = divergences(db, model, now=now)
    return HeldTo(effective_primary(db, model, now), tuple(one.sentence for one in told if one.flipped))
