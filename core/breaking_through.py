"""What a silence does not keep quiet: whatever is graver than what was silenced is told all the same, and says so."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from storage.records.alerts import AlertDraft, Silence
from storage.records.results import TIERS, Finding, Tier
from storage.tables import silences

SLO_BURN = "slo burn"
"""The cause that no silence keeps quiet."""

UNSEEN: Tier = "ticket"
"""How loud a silence may be taken to be that had nothing to hide when it was made: a page breaks through."""


def matches(silence: Silence, model_id: int, draft: AlertDraft, findings: Sequence[Finding]) -> bool:
    """Every finding of the draft must match: a silence on one column must not hide another one's fault.

    What rests on no finding (no data) is met only by a silence over all of its model.
    """
    if silence.model_id not in (None, model_id):
        return False
    if not draft.findings:
        return silence.check is None and silence.column is None
    return all(
        silence.check in (None, findings[i].check) and silence.column in (None, findings[i].column)
        for i in draft.findings
    )


def why_through(db: sqlite3.Connection, silence: Silence, draft: AlertDraft, *, burning: bool) -> str | None:
    """Why an alert is told though it is silenced, in words; None when it stays quiet.

    Args:
        burning: an objective of its model burns its error budget.
    """
    if draft.cause == SLO_BURN:
        return "an error budget burns"
    if draft.error_class == "hard":
        return "it is of class hard"
    if burning:
        return "an objective of its model burns its error budget"
    loudest = silences.loudest(db, silence) or UNSEEN
    if TIERS.index(draft.tier) < TIERS.index(loudest):
        return f"it is a {draft.tier}, louder than the {loudest} that was silenced"
    return None


def through(silence: Silence, why: str) -> str:
    """What stands in the history of an alert that broke through."""
    return f"breaks through silence {silence.id} by {silence.by}: {why}"


def quiet(silence: Silence) -> str:
    """What stands in the history of an alert that a silence keeps quiet."""
    return f"{silences.NOTE.format(silence.id)}{silence.by}: {silence.reason}"
