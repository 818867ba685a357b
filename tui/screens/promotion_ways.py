"""What can be done from the promotion sheet: each way with what it asks first and the use case behind it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Literal

from storage.errors import RefusedError
from storage.host import Actor
from storage.tables import models, rollouts

if TYPE_CHECKING:
    from core.rollouts.candidates import CandidateDetail
    from storage.records.gates import Override
    from storage.records.promotions import Promoted, PromotionPlan

Name = Literal["promote", "override", "stop", "approve", "answer", "review"]


@dataclass(frozen=True, slots=True)
class Question:
    """One line that a person types.

    Attributes:
        words: what is asked.
        told: what the answer is called while the next question is asked.
        exact: what alone is accepted; empty: anything.
        optional: an empty line will do.
    """

    words: str
    exact: tuple[str, ...] = ()
    optional: bool = False
    told: str = "reason"


@dataclass(frozen=True, slots=True)
class Way:
    """One thing that can be done from the sheet, with what is asked before.

    Attributes:
        item: the item that is answered, or the id of the override that is reviewed.
    """

    name: Name
    questions: tuple[Question, ...] = ()
    item: str = ""


@dataclass(frozen=True, slots=True)
class Read:
    """What was read for the sheet.

    Attributes:
        found: None while no rollout of the version is open.
        open_overrides: of the version, that nobody has reviewed; they outlive its rollout.
        who: the person at the keys.
    """

    plan: PromotionPlan
    found: CandidateDetail | None
    open_overrides: tuple[Override, ...] = ()
    who: str = ""


WORDS = {"a": "approve", "n": "answer", "o": "override", "s": "take off", "r": "review"}
"""Keys and words of the ways, where nothing is being typed; ``enter`` is the promotion itself."""


def usual(plan: PromotionPlan) -> Way | None:
    """What ``enter`` does; None where the gate or the plan itself stands in the way."""
    if plan.forbidden or plan.needs_override:
        return None
    act = f"PROMOTE {plan.version} to {plan.to_stage}"
    reason = (Question(f"{act} past a dry run, reason"),) if plan.outcome != "promote" else ()
    return Way("promote", (*reason, *((_exactly(plan, act),) if plan.must_type else ())))


def others(seen: Read) -> dict[str, Way]:
    """What else this person can do, by key; before a rollout is open only the review of an earlier override."""
    return {**(_of_open(seen, seen.found) if seen.found is not None else {}), **_review(seen)}


def _of_open(seen: Read, found: CandidateDetail) -> dict[str, Way]:
    plan = seen.plan
    ways: dict[str, Way] = {}
    if found.approvals_needed and not any(one.counts and one.approval.by == seen.who for one in found.approvals):
        ways["a"] = Way("approve", (Question("approve what stands here; note", optional=True),))
    mine = (one.item for one in found.items if one.verdict != "yes" and one.owner in (None, seen.who))
    item = next(mine, None)
    if item is not None:
        asked = (Question(f"{item}: yes or no", ("yes", "no"), told=item), Question("note", optional=True))
        ways["n"] = Way("answer", asked, item)
    if plan.needs_override and not plan.forbidden:
        act = f"OVERRIDE the gate of {plan.from_stage or 'start'}"
        ways["o"] = Way("override", (Question(f"{act}, reason"), _exactly(plan, act)))
    if found.line.state == "open":
        act = f"TAKE {plan.version} OFF"
        ways["s"] = Way("stop", (Question(f"{act}, reason"), _exactly(plan, act)))
    return ways


def _review(seen: Read) -> dict[str, Way]:
    past = next((one for one in seen.open_overrides if one.by != seen.who), None)
    if past is None:
        return {}
    words = f"review the override by {past.by}: {past.reason}; note"
    return {"r": Way("review", (Question(words, optional=True),), str(past.id))}


def _exactly(plan: PromotionPlan, act: str) -> Question:
    """The last question names the act: what is typed is the same for every one of them."""
    return Question(f"{act}: type {plan.version}", (plan.version,))


def work_of(
    way: Way, answers: Sequence[str], seen: Read, actor: Actor, now: datetime
) -> Callable[[sqlite3.Connection], Promoted | str]:
    """The use case behind a way; it answers with how a move ended, or with one sentence.

    Args:
        answers: to the questions of the way, in their order.
    """
    plan = seen.plan

    def move(db: sqlite3.Connection) -> Promoted:
        from core.rollback.execution import ENTER
        from core.rollouts import promotion

        model = models.get_by_id(db, plan.model_id)
        asked = dict(zip((bool(question.exact) for question in way.questions), answers, strict=True))
        reason, typed = asked.get(False, ""), asked.get(True, ENTER)
        if way.name == "stop":
            return promotion.stop(db, model, plan.version, reason=reason, actor=actor, now=now)
        return promotion.promote(
            db, model, plan, reason=reason, confirmed=typed, override=way.name == "override", actor=actor, now=now
        )

    def tell(db: sqlite3.Connection) -> str:
        from core.rollouts import answers as people
        from core.rollouts import deciding, overrides, promotion

        if way.name == "review":
            done = overrides.review(db, int(way.item), note=answers[0] or None, actor=actor, now=now)
            return f"the override by {done.by} is reviewed"
        model, rollout = models.get_by_id(db, plan.model_id), rollouts.get(db, _rollout(plan))
        if way.name == "answer":
            verdict: Literal["yes", "no"] = "yes" if answers[0] == "yes" else "no"
            people.answer(db, rollout, way.item, verdict, note=answers[1] or None, actor=actor, now=now)
            return f"{way.item}: {verdict} is written down"
        if promotion.plan(db, model, plan.version, now=now, actor=actor).sha256 != plan.sha256:
            raise RefusedError("the gate shows something else by now", "nothing was approved; look again")
        found = deciding.standing(db, model, rollout, now=now)
        people.approve(
            db, rollout, sha256=found.sha256, document=found.document, note=answers[0] or None, actor=actor, now=now
        )
        return f"approved by {actor.name}"

    return tell if way.name in ("approve", "answer", "review") else move


def _rollout(plan: PromotionPlan) -> int:
    if plan.rollout_id is None:
        raise RefusedError(f"no rollout of {plan.version} is open", "enter opens it")
    return plan.rollout_id
