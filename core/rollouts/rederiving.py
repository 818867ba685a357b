"""For auditors: every recorded decision worked out again from the stored looks and the rule, compared byte by byte."""

from __future__ import annotations

import dataclasses
import json
import sqlite3
from dataclasses import dataclass
from typing import Any

from core.rollouts import documents, turns
from core.rollouts.evidence import order
from storage.records.looks import Look
from storage.records.rollouts import Condition, Decision, Rollout
from storage.tables import gates, rollouts


@dataclass(frozen=True, slots=True)
class Rederived:
    """One decision and what came out again; ``wrong`` is empty when it is the same to the last bit."""

    decision: Decision
    wrong: str


def verify(db: sqlite3.Connection, rollout: Rollout) -> tuple[Rederived, ...]:
    """Work every decision of a rollout out again, oldest first.

    What looks said is recomputed from raw counts. Of what people did, the conditions are taken as they were written
    down (an evaluation or an approval of that day is not repeated), and the outcome is recomputed under them.
    """
    return tuple(Rederived(one, _wrong(db, rollout, one)) for one in rollouts.decisions(db, rollout.id))


def _wrong(db: sqlite3.Connection, rollout: Rollout, decision: Decision) -> str:
    if documents.sha256(decision.document) != decision.sha256:
        return "its document is not the one that was hashed"
    base = gates.base(db, decision.id)
    if base is None:
        return "nothing says which looks it rests on"
    then = dataclasses.replace(rollout, baseline=base[0])
    stage = decision.from_stage or None
    rule = rollout.rule.stage(stage) if stage else None
    if stage is not None and rule is None:
        return f"the rule of the rollout has no stage {stage!r}"
    known: tuple[Look, ...] = ()
    if stage is not None:
        known = tuple(sorted((k for k in rollouts.looks(db, rollout.id, stage, base[0]) if k.id <= base[1]), key=order))
    body = json.loads(decision.document)
    conditions, act = _said(body)
    if decision.kind == "looked":
        known = tuple(look for look in known if decision.at is not None and look.counted_at <= decision.at)
    if rule is None:
        outcome, verdict = "promote", None
    else:
        path, _ = turns.walk(then, rule, known)
        verdict = path.verdict()
        outcome = path.verdict(conditions).outcome
    again = documents.decision_document(then, stage, verdict, known, conditions=conditions, act=act)
    if again != decision.document:
        return _difference(body, json.loads(again))
    if outcome != decision.outcome:
        return f"it was written down as {decision.outcome}, and comes out as {outcome}"
    return ""


def _said(body: dict[str, Any]) -> tuple[tuple[Condition, ...], dict[str, Any] | None]:
    return tuple(Condition(**one) for one in body.get("conditions", ())), body.get("act")


def _difference(before: dict[str, Any], after: dict[str, Any]) -> str:
    other = [key for key in sorted({*before, *after}) if before.get(key) != after.get(key)]
    if "looks" in other:
        then, now = before.get("looks", {}), after.get("looks", {})
        if then.get("count") != now.get("count"):
            return f"it rests on {then.get('count')} looks, {now.get('count')} are there"
        return "the looks it rests on are not the ones that were counted"
    return f"worked out again it differs in: {', '.join(other)}"
