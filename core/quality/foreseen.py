"""Pages a week that the checks in force would bring; apart from the budget, since a replay imports much."""

from __future__ import annotations

import sqlite3

from core.tuner.expected import Expectation, pages_per_week
from core.tuner.standing import tuned_specs
from storage.records.models import Model


def expectation(db: sqlite3.Connection, model: Model) -> Expectation:
    """Pages a week under the checks in force, tunings among them, had they judged the whole stored history."""
    specs = tuned_specs(db, model)
    return pages_per_week(db, model, specs)


def expected_words(found: Expectation) -> str:
    """What the checks in force would bring."""
    if found.after is None or found.low is None or found.high is None:
        return "under the checks in force: not known yet, the record is younger than a week"
    span = f"by {found.batches:,} batches of {found.weeks:.0f} weeks"
    return f"under the checks in force: {found.after:.1f} pages a week [{found.low:.1f} {found.high:.1f}], {span}"
