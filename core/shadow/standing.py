"""What a gate behind a shadow asks beside its looks: that both can be joined, and answer alike often enough."""

from __future__ import annotations

import sqlite3
from datetime import datetime

from core.shadow.agreement import Agreement, agreement
from core.shadow.refusals import refusals
from core.shadow.wording import percent, share_words
from storage.errors import SourceError, UsageError
from storage.records.models import Model
from storage.records.rollouts import Condition, Rollout, StageRule
from storage.tables import looks


def conditions(
    db: sqlite3.Connection, model: Model, rollout: Rollout, stage_rule: StageRule, *, now: datetime
) -> tuple[Condition, ...]:
    """What must hold before a candidate leaves its shadow; nothing of other stages.

    A guardrail that can't be valid in shadow is refused with the reason; it holds the candidate only where the model
    file asks for it in this very stage.
    """
    if stage_rule.kind != "shadow":
        return ()
    told = [Condition("shadow", not one.asked, one.text) for one in refusals(model.file, rollout.rule, stage_rule)]
    used = looks.used_before(db, rollout.id, model.id, rollout.version, stage_rule.stage)
    try:
        found = agreement(db, model, rollout.version, rollout.baseline, stage_rule.stage, now=now, without=used)
    except (SourceError, UsageError) as error:
        return (*told, Condition("shadow", False, f"answers can't be compared: {error.message}"))
    agrees = _agrees(found, model, rollout)
    if found.lost:
        agrees = Condition("shadow", False, f"{agrees.text}{found.lost}")
    return (*told, agrees)


def _agrees(found: Agreement, model: Model, rollout: Rollout) -> Condition:
    if found.nothing is not None:
        return Condition("shadow", False, found.nothing)
    allowed = model.file.gates.disagreement
    if found.share is None:
        return Condition("shadow", allowed is None, f"disagreement is not known: {found.why}")
    words = f"{rollout.version} answers otherwise than {rollout.baseline} in {share_words(found.share)} requests"
    if allowed is None:
        return Condition("shadow", True, f"{words}; the model file sets no bound ([gates] disagreement)")
    met = found.share.value <= allowed
    return Condition("shadow", met, f"{words}; {percent(allowed)} are allowed")
