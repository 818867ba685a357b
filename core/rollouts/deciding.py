"""The gate: looks, conditions and arming put together.

Conditions (evaluation, items, approvals, the queue) can only hold back what looks would let through; they are read
whenever somebody asks, and are no part of a turn.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from core.rollouts import answers, arming, documents, producers, queue, turns
from core.rollouts.catch_up import catch_up
from core.rollouts.turns import Turn
from storage.records.gates import Approval, ItemAnswer
from storage.records.looks import Look
from storage.records.models import Model
from storage.records.rollouts import Condition, Rollout, StageRule, Verdict
from storage.tables import deployments, gates, rollouts


@dataclass(frozen=True, slots=True)
class Standing:
    """What a gate says now.

    Attributes:
        rule: of the gate; None before the first stage and for a stage that the rule does not know.
        verdict: with conditions.
        by_looks: what the looks alone say; conditions are not in it.
        dry_run: nobody armed this gate.
        sha256, document: what approvals and promotions are bound to: the last turn of the looks, and which conditions
            are met, other than those that people answer. More looks that change nothing leave it as it is.
        turns: of the looks of this stage against this baseline, oldest first.
        looks: all of them, in the order in which they count.
    """

    rollout: Rollout
    rule: StageRule | None
    verdict: Verdict
    by_looks: Verdict
    dry_run: bool
    sha256: str
    document: str
    turns: tuple[Turn, ...]
    looks: tuple[Look, ...]
    items: tuple[ItemAnswer, ...]
    approvals: tuple[Approval, ...]

    @property
    def last_look_id(self) -> int:
        """The newest look that it rests on; 0 for none."""
        return max((look.id for look in self.looks), default=0)

    @property
    def unmet(self) -> tuple[Condition, ...]:
        """Conditions that hold the candidate."""
        return tuple(one for one in self.verdict.conditions if not one.met)


def gate(db: sqlite3.Connection, model: Model, rollout: Rollout, *, now: datetime) -> Standing:
    """Make up for looks that are missing, write down every turn that is not yet, and say what the gate says.

    A rollout that is held against another version by now is evaluated again, where rows and answers still stand.
    Idempotent: without new looks, and with files that say what they said, nothing is written.
    """
    catch_up(db, model, now=now)
    there = rollouts.get(db, rollout.id)
    if _rebased(db, there):
        from core.suites.again import evaluate_again  # numpy: not on the way of those who only look

        evaluate_again(db, model, there, now=now)
    rule = there.rule.stage(there.stage) if there.stage else None
    if rule is not None:
        producers.keep(db, model, there, rule, now=now)
    found = standing(db, model, there, now=now)
    if found.rule is not None:
        turns.record(db, model, found.rollout, found.rule, found.turns, now=now)
    return found


def _rebased(db: sqlite3.Connection, rollout: Rollout) -> bool:
    return any(event.kind == "rebased" for event in rollouts.events(db, rollout.id))


def standing(db: sqlite3.Connection, model: Model, rollout: Rollout, *, now: datetime, wait: bool = True) -> Standing:
    """What a gate says, from what is in the store; reads only.

    Args:
        wait: for conditions that have to be read from files; else the gate holds for them, and says so.
    """
    rule = rollout.rule.stage(rollout.stage) if rollout.stage else None
    if rule is None:
        return _before(rollout)
    looks = turns.in_order(db, rollout, rule)
    path, turned = turns.walk(rollout, rule, looks)
    facts = (
        *producers.conditions(db, model, rollout, rule, now=now, wait=wait),
        *_of_the_file(model, rollout, rule),
        *_baseline(db, model, rollout, now),
    )
    document = _bound(rollout, rule, turned, facts)
    shown = documents.sha256(document)
    items = answers.items(db, rollout, rule)
    approvals = tuple(gates.approvals(db, rollout.id, rule.stage))
    conditions = (
        *facts,
        *answers.item_conditions(items),
        *answers.approval_conditions(rule, approvals, shown),
        *queue.conditions(db, model, rollout),
    )
    return Standing(
        rollout=rollout,
        rule=rule,
        verdict=path.verdict(conditions),
        by_looks=path.verdict(),
        dry_run=not arming.armed(db, model, rule),
        sha256=shown,
        document=document,
        turns=turned,
        looks=looks,
        items=items,
        approvals=approvals,
    )


def _bound(rollout: Rollout, rule: StageRule, turned: Sequence[Turn], facts: Sequence[Condition]) -> str:
    return documents.canonical(
        {
            "form": documents.FORM,
            "model": rollout.model,
            "version": rollout.version,
            "rollout": rollout.id,
            "baseline": rollout.baseline,
            "rule": rollout.rule.sha256,
            "stage": rule.stage,
            "outcome": turned[-1].outcome if turned else "hold",
            # How often the outcome changed, not when: batches that come out of order may move the moment alone.
            "turns": len(turned),
            "conditions": [[one.kind, one.met] for one in facts],
        }
    )


def _before(rollout: Rollout) -> Standing:
    """No gate stands before the first stage; a stage that the rule does not know holds."""
    stage = rollout.stage or ""
    facts = _unknown_stage(rollout) if rollout.stage else ()
    verdict = Verdict(stage, "hold" if facts else "promote", None, (), (), facts, 0, 0, 0, 0.0)
    document = documents.decision_document(rollout, rollout.stage, None, (), conditions=facts, act={})
    return Standing(rollout, None, verdict, verdict, False, documents.sha256(document), document, (), (), (), ())


def _unknown_stage(rollout: Rollout) -> tuple[Condition, ...]:
    return (Condition("stage", False, f"the rule of this rollout has no stage {rollout.stage!r}"),)


def _of_the_file(model: Model, rollout: Rollout, rule: StageRule) -> tuple[Condition, ...]:
    """The stages that the rollout was opened with must still be the model file's, in their order, from here on."""
    named = [stage.name for stage in model.file.stages]
    if rule.stage not in named:
        told = f"the model file has no stage {rule.stage!r} any more: it was removed since the rollout opened"
        return (Condition("stage", False, told),)
    ahead = rollout.rule.after(rule.stage)
    after = named[named.index(rule.stage) + 1 :]
    expected = ahead.stage if ahead else None
    if (after[0] if after else None) != expected:
        told = f"behind {rule.stage} the model file has {after[0] if after else 'nothing'}, the rollout {expected}"
        return (Condition("stage", False, f"{told}: stop it and open another"),)
    return ()


def _baseline(db: sqlite3.Connection, model: Model, rollout: Rollout, now: datetime) -> tuple[Condition, ...]:
    """The control is what is live in full; another version there means that the looks are to be made anew."""
    live = deployments.live_at(db, model.id, now).get(model.file.full_stage)
    if live is None:
        return (Condition("baseline", False, f"no version is live in {model.file.full_stage}: there is no control"),)
    if live.version in (rollout.baseline, rollout.version):
        return ()
    told = f"{live.version} is live in {model.file.full_stage} by now, not {rollout.baseline}: looks start anew"
    return (Condition("baseline", False, told),)
