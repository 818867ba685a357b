"""What people answer a gate: items that are no numbers, each with its owner, and approvals by different people."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from storage.db import transaction
from storage.errors import RefusedError, UsageError
from storage.host import Actor
from storage.records.gates import Approval, ItemAnswer
from storage.records.rollouts import Condition, Rollout, StageRule
from storage.tables import audit, gates


def items(db: sqlite3.Connection, rollout: Rollout, rule: StageRule) -> tuple[ItemAnswer, ...]:
    """The items of a gate in the order of its rule; one that nobody spoke of yet has neither owner nor verdict."""
    known = gates.answers(db, rollout.id, rule.stage)
    return tuple(
        known.get(item) or ItemAnswer(item, None, None, None, "", rollout.entered_at or rollout.opened_at)
        for item in rule.items
    )


def answer(
    db: sqlite3.Connection,
    rollout: Rollout,
    item: str,
    verdict: Literal["yes", "no"] | None,
    *,
    owner: str | None = None,
    note: str | None = None,
    actor: Actor,
    now: datetime,
) -> ItemAnswer:
    """Answer an item of the gate behind the candidate's stage; or, without a verdict, give it to its owner.

    Whoever answers first owns the item, unless it was given to somebody.

    Raises:
        UsageError: this gate asks for no such item, or neither verdict nor owner is given.
        RefusedError: the rollout has ended, or the item is somebody else's.
    """
    rule = _rule(rollout)
    if item not in rule.items:
        asked = ", ".join(rule.items) or "none"
        raise UsageError(f"the gate behind {rule.stage} asks for no item {item!r}", f"its items: {asked}")
    if verdict is None and not (owner or "").strip():
        raise UsageError(f"what of {item!r}?", "answer yes or no, or name its owner")
    with transaction(db):
        before = gates.answers(db, rollout.id, rule.stage).get(item)
        owned = before.owner if before else None
        if verdict is not None and owned is not None and owned != actor.name:
            raise RefusedError(f"{item} is {owned}'s to answer", f"give it to another first: --give {item} NAME")
        whose = (owner or "").strip() or owned or actor.name
        gates.add_answer(
            db, rollout.id, rule.stage, item, owner=whose, verdict=verdict, note=note, by=actor.name, now=now
        )
        audit.record(
            db, "gate.item", actor=actor, now=now, object_kind="rollout", object_id=rollout.id,
            before={"verdict": before.verdict, "owner": before.owner} if before else None,
            after={"model": rollout.model, "version": rollout.version, "stage": rule.stage, "item": item,
                   "verdict": verdict, "owner": whose, "note": note},
        )  # fmt: skip
    return gates.answers(db, rollout.id, rule.stage)[item]


def approve(
    db: sqlite3.Connection,
    rollout: Rollout,
    *,
    sha256: str,
    document: str,
    note: str | None = None,
    actor: Actor,
    now: datetime,
) -> Approval:
    """Approve what the gate shows; void as soon as it shows something else.

    Args:
        sha256, document: what was shown (:class:`core.rollouts.deciding.Standing`).

    Raises:
        RefusedError: the gate asks for no approval, the rollout has ended, or this person approved it already.
    """
    rule = _rule(rollout)
    if not rule.approvals:
        raise RefusedError(f"the gate behind {rule.stage} asks for no approval", "approvals = N in its [[stages]]")
    with transaction(db):
        approval_id = gates.add_approval(
            db, rollout.id, rule.stage, sha256=sha256, document=document, note=note, by=actor.name, now=now
        )
        audit.record(
            db, "gate.approve", actor=actor, now=now, object_kind="rollout", object_id=rollout.id,
            after={"model": rollout.model, "version": rollout.version, "stage": rule.stage, "shown": sha256,
                   "note": note},
        )  # fmt: skip
    return next(a for a in gates.approvals(db, rollout.id, rule.stage) if a.id == approval_id)


def item_conditions(found: Sequence[ItemAnswer]) -> tuple[Condition, ...]:
    """One condition an item: answered with yes."""
    return tuple(Condition("item", one.verdict == "yes", _said(one)) for one in found)


def approval_conditions(rule: StageRule, found: Sequence[Approval], shown: str) -> tuple[Condition, ...]:
    """The condition that enough different people approved what is shown now; none where no approval is asked for."""
    if not rule.approvals:
        return ()
    people = list(dict.fromkeys(one.by for one in found if one.sha256 == shown))
    void = [one.by for one in found if one.sha256 != shown and one.by not in people]
    told = f"{len(people)} of {rule.approvals} people approved"
    told += f": {', '.join(people)}" if people else ""
    if void:
        told += f"; void, since the evidence changed: {', '.join(dict.fromkeys(void))}"
    return (Condition("approval", len(people) >= rule.approvals, told),)


def _said(one: ItemAnswer) -> str:
    note = f": {one.note}" if one.note else ""
    if one.verdict is not None:
        return f"{one.item}: {one.by} says {one.verdict}{note}"
    return f"{one.item}: waits for {one.owner}{note}" if one.owner else f"{one.item}: nobody has answered yet"


def _rule(rollout: Rollout) -> StageRule:
    if rollout.state != "open":
        raise RefusedError(f"the rollout of {rollout.version} is {rollout.state}", "nothing is asked of it any more")
    rule = rollout.rule.stage(rollout.stage) if rollout.stage else None
    if rule is None:
        raise RefusedError(f"{rollout.version} has entered no stage yet", f"midwatch promote {rollout.model} VERSION")
    return rule
