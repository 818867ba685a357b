"""What a gate says: a rule, the looks of its stage and the conditions beside them in, promote, hold or roll back out.

The looks are gone through in the time of the data, moment by moment, whenever and in whatever order they came in. The
first certain harm says "roll back" and stays. Without one, a candidate may be promoted while every guardrail is clear
of its margin and the minimums are met; conditions can only turn that into a hold. What is unknown holds.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import groupby

from core.rollouts import reasons
from core.rollouts.evidence import Gathering, order
from core.rollouts.traffic import Traffic
from storage.records.looks import TRAFFIC, Look
from storage.records.rollouts import Condition, Outcome, Reason, ReasonKind, StageRule, Verdict

LAST: tuple[ReasonKind, ...] = ("approval", "item", "queue", "reading")
"""What people do, or the program, once everything else is there."""


def judge(rule: StageRule, looks: Iterable[Look], conditions: Sequence[Condition] = ()) -> Verdict:
    """What the gate behind a stage says, from all that was looked at.

    Args:
        rule: of the stage, as it was frozen when the rollout opened.
        looks: of this rollout against its present baseline, in any order; those of another stage do not count.
        conditions: what is asked beside the looks.
    """
    path = Path(rule)
    counted = sorted((look for look in looks if look.stage == rule.stage), key=order)
    for _, together in groupby(counted, key=lambda look: look.counted_at):
        path.add(tuple(together))
    return path.verdict(conditions)


class Path:
    """A candidate's way through one stage, moment by moment; each look costs the same however many came before.

    Attributes:
        moment: of the last looks, in the time of the data; None before any.
        ready_since: since when, without a break, the looks let it pass; None while they do not.
    """

    def __init__(self, rule: StageRule):
        self.rule = rule
        self.guardrails = {guardrail.name: Gathering(guardrail, rule) for guardrail in rule.guardrails}
        self.traffic = Traffic(rule)
        self.unknown: dict[str, int] = {}
        self.looks = 0
        self.moment: datetime | None = None
        self.ready_since: datetime | None = None
        self._holds_since: datetime | None = None
        self._first: datetime | None = None
        self._last: datetime | None = None

    def add(self, looks: Sequence[Look]) -> None:
        """Take in all looks that count from one moment on; nothing for none.

        Raises:
            ValueError: they count from different moments, or from one that is not later than the last.
        """
        if not looks:
            return
        at = looks[0].counted_at
        if any(look.counted_at != at for look in looks) or (self.moment is not None and at <= self.moment):
            raise ValueError("looks are gone through moment by moment, forwards")
        self.moment = at
        touched = set()
        for look in looks:
            if look.guardrail == TRAFFIC:
                self.traffic.add(look)
            elif look.guardrail in self.guardrails:
                if self.guardrails[look.guardrail].add(look):
                    self.traffic.add_units(look)
                touched.add(look.guardrail)
            else:
                self.unknown[look.guardrail] = self.unknown.get(look.guardrail, 0) + 1
                continue
            self.looks += 1
            self._first = look.window_start if self._first is None else min(self._first, look.window_start)
            self._last = look.window_end if self._last is None else max(self._last, look.window_end)
        for name in touched:
            self.guardrails[name].settle(at)
        self.traffic.settle(at)
        self._turn(at)

    def _turn(self, at: datetime) -> None:
        if not self._ready():
            self.ready_since = None
            self._holds_since = self._holds_since or at
        elif self.ready_since is None:
            self.ready_since, self._holds_since = at, None

    def _ready(self) -> bool:
        return (
            bool(self.guardrails)
            and self.traffic.off_at is None
            and not reasons.shortfalls(self.rule, self.rows, self.labelled, self.hours)
            and all(each.cleared_at is not None and not each.wrong for each in self.guardrails.values())
            and not self.traffic.wrong
        )

    @property
    def rows(self) -> int:
        """Rows of the candidate's arm: those of the guardrail that saw most of them."""
        return max((self.traffic.rows, *(each.rows for each in self.guardrails.values())))

    @property
    def labelled(self) -> int:
        """Rows of the candidate's arm with a label; where no guardrail needs labels, all rows."""
        needing = [each.labelled for each in self.guardrails.values() if each.rule.needs_labels]
        return max(needing) if needing else self.rows

    @property
    def hours(self) -> float:
        """From the first window's start to the last one's end."""
        if self._first is None or self._last is None:
            return 0.0
        return max((self._last - self._first).total_seconds(), 0.0) / 3600

    @property
    def harmed_at(self) -> datetime | None:
        """When harm was first certain, unless the traffic split had gone off by then: that voids what came after."""
        moments = [each.harmed_at for each in self.guardrails.values() if each.harmed_at is not None]
        first, off = min(moments, default=None), self.traffic.off_at
        return None if first is None or (off is not None and off <= first) else first

    @property
    def outcome(self) -> Outcome:
        """What the looks alone say."""
        if self.harmed_at is not None:
            return "roll back"
        return "promote" if self.ready_since is not None else "hold"

    def verdict(self, conditions: Sequence[Condition] = ()) -> Verdict:
        """What the gate says now."""
        outcome, at, why = self._said(conditions)
        return Verdict(
            stage=self.rule.stage,
            outcome=outcome,
            at=at,
            reasons=tuple(why),
            evidence=tuple(each.evidence() for each in self.guardrails.values()),
            conditions=tuple(conditions),
            looks=self.looks,
            rows=self.rows,
            labelled=self.labelled,
            hours=self.hours,
        )

    def _said(self, conditions: Sequence[Condition]) -> tuple[Outcome, datetime | None, list[Reason]]:
        unmet = [Reason(each.kind, each.text) for each in conditions if not each.met]
        if not self.rule.has_arms or (self.rule.kind == "shadow" and not self.guardrails):
            return self._by_conditions(conditions, unmet)
        now = self.moment
        if now is None:
            return "hold", None, [Reason("no data", "no data: no look has counted yet"), *unmet]
        judged = list(self.guardrails.values())
        harmed = sorted((each for each in judged if each.harmed_at), key=lambda each: each.harmed_at or now)
        aside = [reasons.wrong(each.rule.name, each, now) for each in judged if each.wrong]
        aside += [reasons.wrong(TRAFFIC, self.traffic, now)] if self.traffic.wrong else []
        aside += [reasons.unknown(name, looks) for name, looks in sorted(self.unknown.items())]
        if self.harmed_at is not None:
            return "roll back", self.harmed_at, [*(reasons.harm(each, now) for each in harmed), *aside]
        if self.traffic.off_at is not None:
            void = [reasons.harm(each, now, void=True) for each in harmed]
            return "hold", self.traffic.off_at, [reasons.split(self.traffic, now), *void, *aside, *unmet]
        cleared = [reasons.clear(each, now) for each in judged if each.cleared_at is not None]
        if self.ready_since is not None and unmet:
            return "hold", None, [*unmet, *cleared, *aside]  # when a condition began to hold is not in the data
        if self.ready_since is not None:
            return "promote", self.ready_since, [*cleared, *aside]
        short = reasons.shortfalls(self.rule, self.rows, self.labelled, self.hours)
        waiting = [reasons.waiting(each) for each in judged if each.cleared_at is None]
        if not judged:
            waiting = [
                Reason("stage", f"{self.rule.stage}: the rule judges no guardrail here, so nothing can be clear")
            ]
        # What waiting does not mend comes first; whoever approves does so when there is something to approve.
        last = [each for each in unmet if each.kind in LAST]
        first = [each for each in unmet if each.kind not in LAST]
        return "hold", self._holds_since, [*aside, *first, *short, *waiting, *last, *cleared]

    def _by_conditions(
        self, conditions: Sequence[Condition], unmet: list[Reason]
    ) -> tuple[Outcome, datetime | None, list[Reason]]:
        """A stage where no guardrail is judged.

        ``test`` rests on its evaluation; a shadow of a model whose answers change what happens rests on how often both
        agree, and on its minimums; behind ``full`` there is nothing.
        """
        if self.rule.kind == "full":
            return "hold", self.moment, [Reason("stage", f"{self.rule.stage}: no gate behind it"), *unmet]
        kind: ReasonKind = "evaluation" if self.rule.kind == "test" else "shadow"
        if kind not in {each.kind for each in conditions}:
            what = "no evaluation" if kind == "evaluation" else "nothing says how often both versions agree"
            unmet = [Reason(kind, f"{self.rule.stage}: {what}"), *unmet]
        if kind == "shadow":
            unmet = [*reasons.shortfalls(self.rule, self.rows, self.labelled, self.hours), *unmet]
        met = [Reason("clear", each.text) for each in conditions if each.met]
        return ("hold", self.moment, unmet) if unmet else ("promote", self.moment, met)
